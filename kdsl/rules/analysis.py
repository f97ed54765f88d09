"""Analysis of a rule book on labelled samples: one row of counts per rule, and the samples on which it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook, find_rule
from kdsl.rules.engine import fire_matrix
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.scores import wilson_interval


@dataclass(frozen=True)
class RuleRow:
    """The counts of one rule on n labelled samples.

    `support` is the number of samples on which the rule fires, `coverage` their share of all samples. `overlaps` and
    `conflicts` count those on which another rule, or a rule for another label, fires too. `correct` + `incorrect` =
    `support`; `precision` = `correct` / `support`; `recall` = `correct` / samples of the label; 0 for 0 / 0.
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
    wrong_ids: tuple[str, ...]
    """Ids of the samples on which it fires and that have another label."""


@dataclass(frozen=True)
class BookSummary:
    """A whole book on n labelled samples: `coverage` is the share of samples on which some rule fires, `precision`
    the accuracy on those, `accuracy` the accuracy on all samples (abstentions count as wrong)."""

    n: int
    coverage: float
    precision: float
    accuracy: float
    rows: tuple[RuleRow, ...]


def analyse(book: RuleBook, evidences: Sequence[Evidence]) -> BookSummary:
    """Apply every enabled rule to all samples that have a label."""
    labelled = [evidence for evidence in evidences if evidence.sample.label is not None]
    gold = np.array([str(evidence.sample.label) for evidence in labelled], dtype=object)
    rules = [rule for rule in book.rules if rule.enabled]
    fires = fire_matrix([rule.when for rule in rules], [NormalisedEvidence.of(evidence) for evidence in labelled])
    rule_labels = np.array([rule.label for rule in rules], dtype=object)
    rows = []
    for column, rule in enumerate(rules):
        held = fires[:, column]
        others = fires.sum(axis=1) > 1
        rivals = fires[:, rule_labels != rule.label].any(axis=1)
        right = held & (gold == rule.label)
        support, correct = int(held.sum()), int(right.sum())
        rows.append(
            RuleRow(
                id=rule.id,
                label=rule.label,
                coverage=support / max(len(gold), 1),
                support=support,
                precision=correct / max(support, 1),
                interval95=wilson_interval(correct, support),
                recall=correct / max(int((gold == rule.label).sum()), 1),
                overlaps=int((held & others).sum()),
                conflicts=int((held & rivals).sum()),
                correct=correct,
                incorrect=support - correct,
                wrong_ids=tuple(labelled[i].sample.id for i in np.flatnonzero(held & ~right)),
            )
        )
    scores = book.scores(labelled)
    voted = ~np.isnan(scores).any(axis=1)
    best = np.array(book.labels, dtype=object)[np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)]
    correct = int((voted & (best == gold)).sum())
    return BookSummary(
        n=len(gold),
        coverage=float(voted.mean()) if len(gold) else 0.0,
        precision=correct / max(int(voted.sum()), 1),
        accuracy=correct / max(len(gold), 1),
        rows=tuple(rows),
    )


def analyse_books(books: Sequence[RuleBook], evidences: Sequence[Evidence]) -> dict[str, BookSummary]:
    """Analyse each book on the samples of its task: task name -> summary."""
    return {book.task: analyse(book, [e for e in evidences if e.sample.task == book.task]) for book in books}


def wrong_ids(books: Sequence[RuleBook], evidences: Sequence[Evidence], name: str) -> list[str]:
    """Ids and labels of the samples on which a rule (`name` is its id, or task/id) is wrong, one per line.

    Raises:
        InputError: no book has such a rule.
    """
    book, rule = find_rule(books, name)
    alone = book.model_copy(update={"rules": (rule.model_copy(update={"enabled": True}),)})
    labels = {e.sample.id: e.sample.label for e in evidences}
    rows = analyse_books([alone], evidences)[book.task].rows
    return [f"{wrong}  {labels[wrong]}" for row in rows for wrong in row.wrong_ids]
