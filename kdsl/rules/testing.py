"""`measure_book`: a rule book on labelled samples, by itself and, where there is one, within an ensemble."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.engine import fire_matrix
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule
from kdsl.scores import weighted_f1, wilson_interval

log = logging.getLogger(__name__)


class Ensemble(Protocol):
    """What a bundle predicts for some samples of one task, given any rule book in place of its own."""

    note: str
    """Where the other experts' scores come from, as a sentence."""

    def labels(self, book: RuleBook | None) -> np.ndarray:
        """The predicted labels [n]; None for a book that always abstains."""


@dataclass(frozen=True)
class RuleRow:
    """The counts of one rule on n labelled samples.

    `support` is the number of samples on which the rule fires, `coverage` their share of all samples. `overlaps` and
    `conflicts` count those on which another rule, or a rule for another label, fires too. `correct` + `incorrect` =
    `support`; `precision` = `correct` / `support`, with Wilson's 95% interval; `recall` = `correct` / samples of the
    label; 0 for 0 / 0. `fidelity` is the share of its samples for which the ensemble's other experts predict the
    rule's label; None without an ensemble, or if the rule never fires.
    """

    id: str
    label: str
    coverage: float
    support: int
    precision: float
    interval95: tuple[float, float]
    recall: float
    overlaps: int
    conflicts: int
    correct: int
    incorrect: int
    fidelity: float | None


@dataclass(frozen=True)
class BookTest:
    """A whole book on the n labelled samples of its task.

    `coverage` is the share of samples on which some rule fires, `precision` the accuracy on those; `accuracy` and
    `f1` (weighted) are of the book alone on all samples, where an abstention is wrong. `f1_ensemble` is that of the
    bundle with this book, `f1_without` that of the same bundle if the book always abstained; None without a bundle.
    """

    task: str
    n: int
    coverage: float
    precision: float
    accuracy: float
    f1: float
    f1_ensemble: float | None
    f1_without: float | None
    note: str
    """Where the figures of the ensemble come from; empty without one."""
    rules: tuple[RuleRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def labelled_for(book: RuleBook, evidences: Sequence[Evidence]) -> list[Evidence]:
    """The samples of the book's task that have a label; the log says how many have none."""
    own = [evidence for evidence in evidences if evidence.sample.task == book.task]
    labelled = [evidence for evidence in own if evidence.sample.label is not None]
    if len(labelled) < len(own):
        log.info("%s: %d of %d samples have no label and are left out", book.task, len(own) - len(labelled), len(own))
    return labelled


def gold_of(evidences: Sequence[Evidence]) -> np.ndarray:
    """The labels [n] of labelled samples."""
    return np.array([str(evidence.sample.label) for evidence in evidences], dtype=object)


def labels_alone(book: RuleBook, evidences: Sequence[Evidence]) -> np.ndarray:
    """What a book predicts by itself [n]; the empty text where it abstains."""
    scores = book.scores(evidences)
    best = np.array(book.labels, dtype=object)[np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)]
    return np.where(np.isnan(scores).any(axis=1), "", best)


def measure_book(book: RuleBook, labelled: Sequence[Evidence], ensemble: Ensemble | None = None) -> BookTest:
    """Apply every enabled rule to labelled samples of the book's task.

    Args:
        ensemble: of the bundle that the book is in, for the same samples in the same order.
    """
    gold = gold_of(labelled)
    alone = labels_alone(book, labelled)
    voted, correct = alone != "", int((alone == gold).sum())
    without = ensemble.labels(None) if ensemble else None
    rules = [rule for rule in book.rules if rule.enabled]
    fires = fire_matrix([rule.when for rule in rules], [NormalisedEvidence.of(evidence) for evidence in labelled])
    return BookTest(
        task=book.task,
        n=len(gold),
        coverage=float(voted.mean()) if len(gold) else 0.0,
        precision=correct / max(int(voted.sum()), 1),
        accuracy=correct / max(len(gold), 1),
        f1=_f1(gold, alone),
        f1_ensemble=_f1(gold, ensemble.labels(book)) if ensemble else None,
        f1_without=None if without is None else _f1(gold, without),
        note=ensemble.note if ensemble else "",
        rules=tuple(_row(column, rules, fires, gold, without) for column in range(len(rules))),
    )


def _f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    return weighted_f1(gold, predicted) if len(gold) else 0.0


def _row(column: int, rules: Sequence[Rule], fires: np.ndarray, gold: np.ndarray, others: np.ndarray | None) -> RuleRow:
    rule, held = rules[column], fires[:, column]
    labels = np.array([one.label for one in rules], dtype=object)
    support, correct = int(held.sum()), int((held & (gold == rule.label)).sum())
    return RuleRow(
        id=rule.id,
        label=rule.label,
        coverage=support / max(len(gold), 1),
        support=support,
        precision=correct / max(support, 1),
        interval95=wilson_interval(correct, support),
        recall=correct / max(int((gold == rule.label).sum()), 1),
        overlaps=int((held & (fires.sum(axis=1) > 1)).sum()),
        conflicts=int((held & fires[:, labels != rule.label].any(axis=1)).sum()),
        correct=correct,
        incorrect=support - correct,
        fidelity=None if others is None or not support else float((others[held] == rule.label).mean()),
    )
