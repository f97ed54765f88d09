"""`Predictor`: scores samples with all experts within a budget, fuses the scores and records a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from kdsl.config import BudgetConfig
from kdsl.data.prediction import CallRecord, Prediction, Top, Trace, Vote
from kdsl.ensemble.budget import Ledger
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.calls import FirstPass, FurtherPass, first_pass, further_pass, with_abstentions
from kdsl.ensemble.nothing import SMALL_TALK, UNKNOWN, missing_evidence
from kdsl.ensemble.parts import load_experts
from kdsl.ensemble.router import Router, load_routers
from kdsl.ensemble.scope import ScopeModel, scope_file
from kdsl.ensemble.scope_pictures import PictureScope, picture_scope_file
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Setup, Snippet
from kdsl.experts.registry import experts_for
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.experts.rules import RulesExpert
from kdsl.experts.semantic import SemanticExpert
from kdsl.experts.visual import VisualExpert
from kdsl.models.roles import Models
from kdsl.rules.book import RuleBook
from kdsl.scores import margins
from kdsl.tasks import Task

IN_SCOPE = 0.5
"""A sample is out of scope below this probability that a label fits. Where it is below this by what it is about alone,
its distribution falls to the labels' shares in proportion, so that it is these for what is about nothing known."""
TOP = 3
"""Number of labels per call and expert in a trace, and of snippets that no model read."""


@dataclass(frozen=True)
class _Scope:
    """Of one sample: the probability that a label fits, None without a judge; and that it is about something known."""

    in_scope: float | None
    about: float


class TaskPredictor:
    """Predicts samples of one task."""

    def __init__(
        self,
        task: Task,
        experts: Sequence[Expert],
        router: Router,
        budget: BudgetConfig,
        versions: dict[str, str],
        scopes: Sequence[ScopeModel | PictureScope] = (),
    ) -> None:
        self.task = task
        self.experts = experts
        self.router = router
        self.budget = budget
        self.versions = versions
        self.scopes = scopes

    def predict(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """One prediction per sample, in order. Call 1 is batched; further calls are made one by one."""
        reasons = [self._missing(evidence) for evidence in evidences]
        asked = iter(self._ask([e for e, reason in zip(evidences, reasons, strict=True) if reason is None]))
        return [
            next(asked) if reason is None else self._untold(evidence, Ledger(self.budget), reason)
            for evidence, reason in zip(evidences, reasons, strict=True)
        ]

    def _missing(self, evidence: Evidence) -> str | None:
        """Why the experts are not asked about a sample; None if they are."""
        reason = missing_evidence(evidence)
        return None if reason == SMALL_TALK and self.router.small_talk else reason

    def _ask(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """Predictions of samples that tell something."""
        if not evidences:
            return []
        ledgers = [Ledger(self.budget) for _ in evidences]
        first = first_pass(self.experts, evidences, ledgers, keep=self.router.further is not None)
        fused = self.router.first.log_probabilities(first.scores)
        margin = margins(fused)
        votes = [first.scores[name] for name in self.router.first.weights if name in first.scores]
        silent = np.all([np.isnan(scores).any(axis=1) for scores in votes], axis=0)
        scope, near = self._judged(evidences), self._near(evidences)
        return [
            self._untold(evidence, ledgers[row], UNKNOWN)
            if silent[row]
            else self._predict_one(
                evidence, ledgers[row], first, row, fused[row], float(margin[row]), scope[row], near[row]
            )
            for row, evidence in enumerate(evidences)
        ]

    def _untold(self, evidence: Evidence, ledger: Ledger, reason: str) -> Prediction:
        """The labels' shares for a sample that tells nothing."""
        log_shares = self._log_shares()
        trace = Trace(margin=round(float(margins(log_shares[None])[0]), 4), no_evidence=reason)
        return self._prediction(evidence, log_shares, ledger, trace, _Scope(None, 1.0))

    def _log_shares(self) -> np.ndarray:
        """Log-probabilities [m] of the labels where nothing is known of a sample."""
        shares = np.array(self.router.prior or [1 / len(self.task.names)] * len(self.task.names))
        return np.asarray(np.log(shares / shares.sum()))

    def _judged(self, evidences: Sequence[Evidence]) -> list[_Scope]:
        """What the scope models say of each sample: it is about known things if its text and its pictures are, and a
        label fits by the one of both that tells this better."""
        judged = [scope.judge(evidences) for scope in self.scopes]
        found = []
        for row in range(len(evidences)):
            told = [each for each in judged if not np.isnan(each.in_scope[row])]
            about = prod(float(each.about[row]) for each in told)
            fits = max(told, key=lambda each: each.auroc).fits[row] if told else None
            found.append(_Scope(None if fits is None else round(about * float(fits), 6), about))
        return found

    def first_scores(self, evidences: Sequence[Evidence]) -> dict[str, np.ndarray]:
        """Scores [n, m] of each expert after call 1, by name; those that the fit left out abstain."""
        first = first_pass(self.experts, evidences, [Ledger(self.budget) for _ in evidences], keep=False)
        kinds = experts_for(self.task, self.experts[0].setup.config)
        return with_abstentions(first.scores, [kind.name for kind in kinds])

    def _predict_one(
        self,
        evidence: Evidence,
        ledger: Ledger,
        first: FirstPass,
        row: int,
        fused: np.ndarray,
        margin: float,
        scope: _Scope,
        near: Sequence[Snippet],
    ) -> Prediction:
        fusion, again = self.router.first, FurtherPass()
        scores = {name: matrix[row : row + 1] for name, matrix in first.scores.items()}
        if margin < self.router.route_below and self.router.further is not None and scope.about >= IN_SCOPE:
            fusion = self.router.further
            again = further_pass(self.experts, evidence, ledger, first, row, fused)
            scores |= again.scores
            fused = fusion.log_probabilities(with_abstentions(scores, list(fusion.weights)))[0]
        trace = self._trace(evidence, scores, fusion.weights, again, ledger, margin, again.snippets or near)
        return self._prediction(evidence, fused, ledger, trace, scope)

    def _prediction(
        self, evidence: Evidence, fused: np.ndarray, ledger: Ledger, trace: Trace, scope: _Scope
    ) -> Prediction:
        out_of_scope = scope.in_scope is not None and scope.in_scope < IN_SCOPE
        if scope.about < IN_SCOPE:
            known = scope.about / IN_SCOPE
            fused = np.log(known * np.exp(fused) + (1 - known) * np.exp(self._log_shares()))
        names, order = self.task.names, np.argsort(-fused)
        probability = float(np.exp(fused[order[0]]))
        return Prediction(
            id=evidence.sample.id,
            task=self.task.name,
            label=names[order[0]],
            probability=round(probability, 6),
            distribution={names[i]: round(float(np.exp(fused[i])), 6) for i in order},
            abstained=probability < self.router.ask_below or out_of_scope or trace.no_evidence is not None,
            spend=ledger.spend,
            trace=trace,
            versions=self.versions,
            in_scope=scope.in_scope,
            out_of_scope=out_of_scope,
        )

    def _trace(
        self,
        evidence: Evidence,
        scores: Mapping[str, np.ndarray],
        weights: Mapping[str, float],
        again: FurtherPass,
        ledger: Ledger,
        margin: float,
        snippets: Sequence[Snippet],
    ) -> Trace:
        return Trace(
            calls=tuple(
                CallRecord(
                    role=entry.role,
                    output_tokens=entry.tokens,
                    top=self._top(scores[entry.role][0]),
                    served=entry.served,
                )
                for entry in ledger.entries
            ),
            experts={
                name: Vote(weight=round(weights.get(name, 0.0), 4), top=self._top(matrix[0]))
                for name, matrix in scores.items()
            },
            rules=tuple(rule for expert in self.experts for rule in expert.rules(evidence)),
            snippets=tuple(snippet.found for n, snippet in enumerate(snippets) if n < TOP or snippet.found.read),
            margin=round(margin, 4),
            routed=bool(again.scores),
        )

    def _near(self, evidences: Sequence[Evidence]) -> list[list[Snippet]]:
        """The snippets nearest to each sample; in a trace they stand where no model was shown any."""
        found = [expert.snippets(evidences, TOP) for expert in self.experts]
        return [[snippet for own in found for snippet in own[row]] for row in range(len(evidences))]

    def _top(self, row: np.ndarray) -> Top:
        """The most likely labels of one row with their probabilities; empty if the expert abstained."""
        if np.isnan(row).any():
            return ()
        return tuple((self.task.names[i], round(float(np.exp(row[i])), 4)) for i in np.argsort(-row)[:TOP])

    def close(self) -> None:
        """Remove the task's adapters from the base models."""
        for expert in self.experts:
            expert.close()


class Predictor:
    """Predicts samples of every task of a bundle.

    Raises:
        BundleError: the loaded models are not those that the bundle was fitted on.
    """

    def __init__(self, bundle: Bundle, models: Models | None = None) -> None:
        models = models or Models(bundle.config)
        bundle.check_models(models.fingerprints)
        routers = load_routers(bundle.folder / "ensemble.json")
        setup = Setup(tuple(bundle.tasks), bundle.config, models)
        self.tasks = {
            task.name: TaskPredictor(
                task,
                experts := load_experts(
                    bundle.folder, task, setup, routers[task.name].names | _explaining(bundle, task)
                ),
                routers[task.name],
                bundle.config.ensemble.budget,
                bundle.versions,
                _scopes(bundle, task, setup, experts),
            )
            for task in bundle.tasks
        }

    def reread_rules(self, bundle: Bundle) -> None:
        """Take the rule books, and the versions, from the bundle, of which nothing else has changed; models stay."""
        for predictor in self.tasks.values():
            predictor.versions = bundle.versions
            for expert in predictor.experts:
                if isinstance(expert, RulesExpert):
                    place = expert.place(bundle.folder, predictor.task, bundle.config)
                    expert.book = RuleBook.load_for(predictor.task, place)

    def close(self) -> None:
        """Remove the bundle's adapters from the base models, so that another bundle can use them."""
        for predictor in self.tasks.values():
            predictor.close()

    def predict(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """One prediction per sample, in the order given; tasks may be mixed."""
        found: dict[int, Prediction] = {}
        for name, predictor in self.tasks.items():
            rows = [i for i, evidence in enumerate(evidences) if evidence.sample.task == name]
            found |= zip(rows, predictor.predict([evidences[i] for i in rows]), strict=True) if rows else ()
        return [found[i] for i in range(len(evidences))]


def _explaining(bundle: Bundle, task: Task) -> set[str]:
    """The experts that a trace shows rules and snippets of, also where they have no vote; those that were fitted."""
    kinds = (RulesExpert, RetrievalExpert)
    return {kind.name for kind in kinds if kind.place(bundle.folder, task, bundle.config).exists()}


def _scopes(bundle: Bundle, task: Task, setup: Setup, experts: Sequence[Expert]) -> list[ScopeModel | PictureScope]:
    """The task's scope models, those that the bundle has; they use their experts even where these have no vote."""
    found: list[ScopeModel | PictureScope] = []
    voting = {type(expert): expert for expert in experts}
    if (place := scope_file(bundle.folder, task)).is_file():
        semantic = voting.get(SemanticExpert)
        if not isinstance(semantic, SemanticExpert):
            semantic = SemanticExpert.load(SemanticExpert.place(bundle.folder, task, bundle.config), task, setup)
        found.append(ScopeModel.load(place, semantic))
    if (place := picture_scope_file(bundle.folder, task)).is_file():
        visual = voting.get(VisualExpert)
        if not isinstance(visual, VisualExpert):
            visual = VisualExpert.load(VisualExpert.place(bundle.folder, task, bundle.config), task, setup)
        found.append(PictureScope.load(place, visual))
    return found
