"""The collaborative predictor: experts under a budget, fused, with a trace of how each prediction came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kdsl.config import EnsembleConfig
from kdsl.ensemble.budget import Ledger
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.experts import Experts, Models
from kdsl.ensemble.prediction import Prediction
from kdsl.ensemble.router import TaskSettings, load_settings
from kdsl.evidence.types import Evidence
from kdsl.knowledge.index import Hit
from kdsl.models.scorer import PrefixState
from kdsl.scores import margins

TOP = 3
"""Labels that a trace shows of each call and expert."""


@dataclass
class Further:
    """What calls 2 and 3 brought: labels that call 2 chose among, scores by expert name ([1, m] each), snippets."""

    shortlist: Sequence[str] = ()
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)


def book_first(experts: Experts, ledger: Ledger) -> None:
    """Book call 1 of a sample."""
    ledger.book("large", experts.longest_answer, experts.large_weights)


def further_calls(
    experts: Experts,
    evidence: Evidence,
    ledger: Ledger,
    first: np.ndarray,
    fused: np.ndarray,
    state: PrefixState,
) -> Further:
    """Calls 2 and 3 of one sample, each only if the ledger allows it.

    Args:
        first: the large model's scores [m] of call 1.
        fused: fused log-probabilities [m] after call 1; its best labels are the shortlist.
        state: call 1's cache.
    """
    order = np.argsort(-fused)[: experts.config.ensemble.shortlist]
    shortlist = [experts.task.names[i] for i in order]
    found = Further(shortlist)
    longest = max(experts.answer_tokens[name] for name in shortlist)
    if ledger.allows(longest, experts.large_weights):
        found.hits = experts.snippets(evidence, shortlist)
        ledger.book("reread", longest, experts.large_weights)
        found.scores["reread"] = experts.reread(state, first, shortlist, found.hits)[None]
    if ledger.allows(experts.longest_answer, experts.small_weights):
        ledger.book("small", experts.longest_answer, experts.small_weights)
        found.scores["small"] = experts.small_verdict(evidence)[None]
    elif ledger.allows(experts.longest_answer, experts.large_weights):
        ledger.book("second", experts.longest_answer, experts.large_weights)
        found.scores["second"] = experts.second_view(evidence)[None]
    return found


def settle(ledger: Ledger, experts: Experts, scores: Mapping[str, np.ndarray], shortlist: Sequence[str]) -> None:
    """Lower each booking of one sample to the tokens of the label that its call returned.

    Args:
        scores: [1, m] each. Call 2 returned the best of the shortlist; outside it, its row holds call 1's scores.
    """
    for entry in ledger.entries:
        row = scores[entry.role][0]
        labels = shortlist if entry.role == "reread" else experts.task.names
        entry.settle(experts.answer_tokens[max(labels, key=lambda name: row[experts.task.index(name)])])


class TaskPredictor:
    """Predicts samples of one task."""

    def __init__(
        self, experts: Experts, settings: TaskSettings, config: EnsembleConfig, versions: dict[str, str]
    ) -> None:
        self.experts = experts
        self.settings = settings
        self.config = config
        self.versions = versions

    def predict(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """One prediction a sample, in order. Call 1 is batched; further calls are made one by one."""
        ledgers = [Ledger(self.config.budget) for _ in evidences]
        for ledger in ledgers:
            book_first(self.experts, ledger)
        called = self.experts.first_call(evidences, keep=self.settings.route_below > 0)
        scores = {"large": called.log_probs} | self.experts.votes(evidences)
        fused = self.settings.first.log_probabilities(scores)
        margin = margins(fused)
        predictions = []
        for i, evidence in enumerate(evidences):
            own = {name: matrix[i : i + 1] for name, matrix in scores.items()}
            weights, final, further = self.settings.first, fused[i], Further()
            if margin[i] < self.settings.route_below and self.settings.further is not None:
                further = further_calls(
                    self.experts, evidence, ledgers[i], called.log_probs[i], fused[i], called.states[i]
                )
                weights = self.settings.further
                own |= further.scores
                silent = np.full_like(own["large"], np.nan)
                final = weights.log_probabilities({name: own.get(name, silent) for name in weights.weights})[0]
            settle(ledgers[i], self.experts, own, further.shortlist)
            trace = self._trace(evidence, own, weights.weights, further.hits, ledgers[i], float(margin[i]))
            predictions.append(self._prediction(evidence, final, ledgers[i], trace))
        return predictions

    def _prediction(self, evidence: Evidence, final: np.ndarray, ledger: Ledger, trace: dict[str, Any]) -> Prediction:
        names, order = self.experts.task.names, np.argsort(-final)
        probability = float(np.exp(final[order[0]]))
        return Prediction(
            id=evidence.sample.id,
            task=self.experts.task.name,
            label=names[order[0]],
            probability=round(probability, 6),
            distribution={names[i]: round(float(np.exp(final[i])), 6) for i in order},
            abstained=probability < self.settings.ask_below,
            spend=ledger.spend,
            trace=trace,
            versions=self.versions,
        )

    def _trace(
        self,
        evidence: Evidence,
        scores: Mapping[str, np.ndarray],
        weights: Mapping[str, float],
        hits: Sequence[Hit],
        ledger: Ledger,
        margin: float,
    ) -> dict[str, Any]:
        calls = [
            {"role": entry.role, "output_tokens": entry.tokens, "top": self._top(scores[entry.role][0])}
            for entry in ledger.entries
        ]
        votes = {
            name: {"weight": round(weights.get(name, 0.0), 4), "top": self._top(matrix[0])}
            for name, matrix in scores.items()
        }
        rules = [
            {"id": rule.id, "label": rule.label, "weight": rule.weight, "text": rule.text}
            for rule in self.experts.rules.fired(evidence)
        ]
        snippets = hits or self.experts.index.search_evidence(evidence, self.experts.task, TOP)
        return {
            "calls": calls,
            "experts": votes,
            "rules": rules,
            "snippets": [
                {
                    "id": hit.document.id,
                    "label": hit.document.label,
                    "title": hit.document.title[:80],
                    "source": hit.document.source,
                    "score": round(hit.score, 4),
                }
                for hit in snippets[:TOP]
            ],
            "margin": round(margin, 4),
            "routed": len(ledger.entries) > 1,
        }

    def _top(self, row: np.ndarray) -> list[list[Any]]:
        """The likeliest labels of one row with their probabilities; empty where the expert abstained."""
        if np.isnan(row).any():
            return []
        return [[self.experts.task.names[i], round(float(np.exp(row[i])), 4)] for i in np.argsort(-row)[:TOP]]


class Predictor:
    """Predicts samples of every task of a bundle.

    Raises:
        BundleError: the models loaded are not those the bundle was fitted on.
    """

    def __init__(self, bundle: Bundle, models: Models | None = None) -> None:
        models = models or Models.load(bundle.config)
        bundle.check_models(**models.fingerprints)
        settings = load_settings(bundle.folder / "ensemble.json")
        self.tasks = {
            task.name: TaskPredictor(
                Experts(task, bundle.config, models, bundle.folder, bundle.adapter(task)),
                settings[task.name],
                bundle.config.ensemble,
                bundle.versions,
            )
            for task in bundle.tasks
        }

    def close(self) -> None:
        """Take the bundle's adapters off the base model, so that another bundle can use it."""
        for predictor in self.tasks.values():
            predictor.experts.close()

    def predict(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """One prediction a sample, in the order given; tasks may be mixed."""
        found: dict[int, Prediction] = {}
        for name, predictor in self.tasks.items():
            rows = [i for i, evidence in enumerate(evidences) if evidence.sample.task == name]
            found |= zip(rows, predictor.predict([evidences[i] for i in rows]), strict=True) if rows else ()
        return [found[i] for i in range(len(evidences))]
