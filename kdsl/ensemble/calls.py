"""The model calls for a sample: each is booked before it is made, and settled afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kdsl.ensemble.budget import Ledger
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Call, Expert, RoutedSample, Snippet

if TYPE_CHECKING:
    from kdsl.models.scorer import LabelScores


@dataclass(frozen=True)
class FirstPass:
    """The scores of all experts for n samples after call 1.

    `scores` maps an expert's name to [n, m]; `states` maps an expert whose call kept states to the state per sample.
    """

    scores: dict[str, np.ndarray]
    states: dict[str, Sequence[Any]]


@dataclass(frozen=True)
class FurtherPass:
    """The results of calls 2 and 3 for one sample: scores [1, m] by the call's role, and the snippets they were given.

    Those that found no room in the prompt follow those that were read.
    """

    scores: dict[str, np.ndarray] = field(default_factory=dict)
    snippets: Sequence[Snippet] = ()


def make_call(call: Call, ledgers: Sequence[Ledger]) -> LabelScores:
    """Book a call with each sample's ledger, make it, and settle it at the predicted label's tokens.

    Raises:
        BudgetError: the call would exceed a sample's budget; it is not made.
    """
    entries = [ledger.book(call.role, call.most_tokens, call.weights, call.served) for ledger in ledgers]
    answer = call.run()
    for entry, row in zip(entries, answer.log_probs, strict=True):
        entry.settle(call.tokens[max(call.tokens, key=row.__getitem__)])
    return answer


def book_first(experts: Iterable[Expert], evidences: Sequence[Evidence], ledgers: Sequence[Ledger]) -> None:
    """Book the calls that `first_pass` would make, without making them.

    Raises:
        BudgetError: a call would exceed a sample's budget.
    """
    for expert in experts:
        if call := expert.first_call(evidences, keep=False):
            for ledger in ledgers:
                ledger.book(call.role, call.most_tokens, call.weights)


def first_pass(
    experts: Sequence[Expert], evidences: Sequence[Evidence], ledgers: Sequence[Ledger], *, keep: bool
) -> FirstPass:
    """Scores of every expert; experts that call a model do so within the samples' budgets.

    Args:
        keep: keep the state that further calls reuse.
    """
    scores: dict[str, np.ndarray] = {}
    states: dict[str, Sequence[Any]] = {}
    for expert in experts:
        call = expert.first_call(evidences, keep=keep)
        if call is None:
            scores[expert.name] = expert.scores(evidences)
        else:
            answer = make_call(call, ledgers)
            scores[expert.name] = answer.log_probs
            if answer.states:
                states[expert.name] = answer.states
    return FirstPass(scores, states)


def further_pass(
    experts: Sequence[Expert], evidence: Evidence, ledger: Ledger, first: FirstPass, row: int, fused: np.ndarray
) -> FurtherPass:
    """Make calls 2 and 3 for one sample, each in the first of its variants that the budget allows.

    Args:
        first: the scores after call 1; the sample is row `row`.
        fused: fused log-probabilities [m] after call 1; the top labels are the shortlist.
    """
    config, task = experts[0].setup.config, experts[0].task
    shortlist = np.argsort(-fused)[: config.ensemble.shortlist].tolist()
    labels = {task.names[column] for column in shortlist}
    snippets = near_snippets(experts, evidence, config.knowledge.neighbours, labels)
    scores: dict[str, np.ndarray] = {}
    read = 0
    for expert in experts:
        if expert.name not in first.states:
            continue
        own, state = first.scores[expert.name][row], first.states[expert.name][row]
        for ways in expert.further_calls(RoutedSample(evidence, own, state, shortlist, snippets)):
            call = next((way for way in ways if ledger.allows(way.most_tokens, way.weights)), None)
            if call is not None:
                answer = make_call(call, [ledger])
                scores[call.role] = answer.log_probs
                read = max((read, *answer.read))
    marked = [replace(one, found=one.found.model_copy(update={"read": n < read})) for n, one in enumerate(snippets)]
    return FurtherPass(scores, marked if scores else ())


def near_snippets(experts: Iterable[Expert], evidence: Evidence, k: int, labels: set[str]) -> list[Snippet]:
    """Of the `k` nearest documents of each expert, those about one of the labels, or about no label."""
    near = [found for expert in experts for found in expert.snippets([evidence], k)[0]]
    return [snippet for snippet in near if snippet.found.label is None or snippet.found.label in labels]


def with_abstentions(scores: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Scores of all `names`; those without scores abstain."""
    silence = np.full_like(next(iter(scores.values())), np.nan)
    return {name: scores.get(name, silence) for name in names}
