"""What the rules of a book do on labelled evidence: one row per rule with exact columns, and the wrong examples."""

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
    """One rule on n labelled samples.

    `coverage` is the share of all samples on which it fires, `support` their number; `overlaps` and `conflicts`
    are the numbers of them on which another rule fires, and one of another label; `correct` + `incorrect` =
    `support`; `precision` = `correct` / `support` and `recall` = `correct` / samples of the label (0 of nothing).
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
    """Samples on which it fires that carry another label."""


@dataclass(frozen=True)
class BookSummary:
    """A whole book on n labelled samples: `coverage` is the share on which some rule fires, `precision` the share
    of those whose best label is right, `accuracy` the share of all (an abstention counts as wrong)."""

    n: int
    coverage: float
    precision: float
    accuracy: float
    rows: tuple[RuleRow, ...]


def analyse(book: RuleBook, evidences: Sequence[Evidence]) -> BookSummary:
    """Fire every enabled rule on every evidence that has a label."""
    labelled = [evidence for evidence in evidences if evidence.sample.label is not None]
    gold = np.array([str(evidence.sample.label) for evidence in labelled], dtype=object)
    rules = [rule for rule in book.rules if rule.enabled]
    fires = fire_matrix([rule.when for rule in rules], [NormalisedEvidence.of(evidence) for evidence in labelled])
    owners = np.array([rule.label for rule in rules], dtype=object)
    rows = []
    for column, rule in enumerate(rules):
        held = fires[:, column]
        others = fires.sum(axis=1) > 1
        rivals = fires[:, owners != rule.label].any(axis=1)
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
    spoken = ~np.isnan(scores).any(axis=1)
    best = np.array(book.labels, dtype=object)[np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)]
    hits = int((spoken & (best == gold)).sum())
    return BookSummary(
        n=len(gold),
        coverage=float(spoken.mean()) if len(gold) else 0.0,
        precision=hits / max(int(spoken.sum()), 1),
        accuracy=hits / max(len(gold), 1),
        rows=tuple(rows),
    )


def analyse_books(books: Sequence[RuleBook], evidences: Sequence[Evidence]) -> dict[str, BookSummary]:
    """Each book on the samples of its task: task name -> summary."""
    return {book.task: analyse(book, [e for e in evidences if e.sample.task == book.task]) for book in books}


def wrong_ids(books: Sequence[RuleBook], evidences: Sequence[Evidence], name: str) -> list[str]:
    """Ids and labels of the samples on which one rule (an id, or task/id) fires wrongly, one per line.

    Raises:
        InputError: no book has such a rule.
    """
    book, rule = find_rule(books, name)
    alone = book.model_copy(update={"rules": (rule.model_copy(update={"enabled": True}),)})
    labels = {e.sample.id: e.sample.label for e in evidences}
    rows = analyse_books([alone], evidences)[book.task].rows
    return [f"{wrong}  {labels[wrong]}" for row in rows for wrong in row.wrong_ids]
