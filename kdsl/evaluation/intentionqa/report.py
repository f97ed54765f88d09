"""The report on IntentionQA: accuracy with intervals, per relation, and where word overlap does not answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from kdsl.evaluation.intentionqa.answers import Answers
from kdsl.evaluation.intentionqa.items import LETTERS, SUBSETS, Item, Items
from kdsl.evaluation.intentionqa.together import FOLDS, features_of, learned, product_groups

RESAMPLES = 2000
"""Of the bootstrap, over groups of items that share products."""

NOTES = (
    "An item that got no answer counts as wrong; the official metric leaves it out. Items with other than four options "
    "are skipped, as officially. Ties count by their share.",
    "*fit*: the option's score as it is. *less prior*: less the score that it has where the products are not known. "
    "*prior alone*: the unlikeliest option, with no product read, which shows what the way in which wrong options were "
    "drawn gives away.",
    "An encoder's prior is its mean fit to the situations of all items of the file: their products are used, their "
    "answers are not.",
    "The benchmark's split by difficulty needs a file that was never released (`fs_difficulty.pickle`), and its files "
    "name no relation: the relation is told by the wording that the intention begins with.",
)


@dataclass(frozen=True)
class Figure:
    """Accuracy on n items, with a 95% interval by the percentile bootstrap over groups that share products."""

    n: int
    accuracy: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.accuracy:.3f} ({self.low:.3f} to {self.high:.3f})" if self.n else ""


@dataclass(frozen=True)
class Row:
    """Figures of one way to answer."""

    by: str
    scores: str
    failed: int
    all: Figure
    unseen: Figure | None
    """On the items that nothing was chosen on (`chosen_on`); None where that is not told apart."""
    subsets: dict[str, Figure]
    relations: dict[str, Figure]


@dataclass(frozen=True)
class Report:
    """All rows of one task, and what the items are."""

    task: int
    n: int
    skipped: dict[str, int]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """All figures as plain values."""
        return asdict(self) | {"notes": list(NOTES)}

    def table(self) -> Table:
        """The rows' accuracy, for a terminal."""
        columns = ("answered by", "scores", "accuracy (95%)", "no answer")
        table = Table(*columns, box=None, title=f"IntentionQA, task {self.task}: {self.n} items")
        for row in self.rows:
            table.add_row(row.by, row.scores.strip("*"), str(row.all), str(row.failed))
        return table

    def markdown(self) -> str:
        """The report as a page."""
        skipped = ", ".join(f"{count} with {reason}" for reason, count in self.skipped.items()) or "none"
        parts = [f"# IntentionQA, task {self.task}", f"{self.n} items with four options; skipped: {skipped}."]
        unseen = any(row.unseen for row in self.rows)
        columns = ["answered by", "scores", "accuracy (95%)"]
        if unseen:
            columns.append("without items that choices were made on")
        columns += [*(f"{name} (n = {self._size(name)})" for name in SUBSETS), "no answer"]
        parts.append(_table(columns, [self._cells(row, unseen) for row in self.rows]))
        names = list(self.rows[0].relations)
        header = ["answered by", "scores", *(f"{name} (n = {self.rows[0].relations[name].n})" for name in names)]
        cells = [[row.by, row.scores, *(f"{row.relations[name].accuracy:.3f}" for name in names)] for row in self.rows]
        parts += ["## By relation", _table(header, cells), "## How it is counted"]
        parts.append("\n".join(f"- {note}" for note in NOTES))
        return "\n\n".join(parts) + "\n"

    def _size(self, subset: str) -> int:
        return self.rows[0].subsets[subset].n

    @staticmethod
    def _cells(row: Row, unseen: bool) -> list[str]:
        cells = [row.by, row.scores, str(row.all)]
        if unseen:
            cells.append(str(row.unseen or ""))
        return [*cells, *map(str, row.subsets.values()), str(row.failed)]


def make_report(
    task: int, read: Items, items: Sequence[Item], answers: Sequence[Answers], seen: frozenset[str]
) -> Report:
    """The report on answers to `items`, which are those of `read` or some of them.

    Args:
        seen: ids of the items that choices were made on; where there are any, figures are given without them too.
    """
    judge = _Judge(items, seen)
    rows = [judge.row("chance", "", np.zeros((len(items), len(LETTERS))))]
    times = Counter(option for item in read.items for option in item.options)
    rare = [[-float(times[option]) for option in item.options] for item in items]
    rows.append(judge.row("the option that is seen least in the file", "no product read", np.array(rare)))
    rows += [judge.row(*one) for one in _ways(items, answers)]
    return Report(task, len(items), dict(read.skipped), tuple(rows))


def _ways(items: Sequence[Item], answers: Sequence[Answers]) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """What answers, by which scores [n, 4], and which items it failed on [n]."""
    for one in answers:
        yield one.name, "fit", one.fit, one.failed
        if one.has_prior:
            yield one.name, "prior alone", -one.prior, one.failed
            yield one.name, "**less prior**", one.fit - one.prior, one.failed
    several = [one for one in answers if one.has_prior]
    if len(several) > 1:
        names, failed = " + ".join(one.name for one in several), np.all([one.failed for one in several], axis=0)
        yield names, "**less prior, added up**", np.sum([one.fit - one.prior for one in several], axis=0), failed
    if several and len(set(product_groups(items).tolist())) > 1:
        names, failed = " + ".join(one.name for one in answers), np.all([one.failed for one in answers], axis=0)
        how = f"weights learned on other products ({FOLDS} folds)"
        yield names, f"priors alone, {how}", learned(features_of(answers, priors_alone=True), items), failed
        yield names, f"**{how}**", learned(features_of(answers), items), failed


class _Judge:
    """Counts what is right, on all items and on parts of them."""

    def __init__(self, items: Sequence[Item], seen: frozenset[str]) -> None:
        self._gold = np.array([item.gold for item in items])
        self._groups = product_groups(items)
        self._unseen = np.array([item.id not in seen for item in items])
        self._subsets = {name: np.array([test(item) for item in items]) for name, test in SUBSETS.items()}
        relations = np.array([item.relation for item in items])
        by_size = Counter(relations.tolist()).most_common()
        self._relations = {name: relations == name for name, _ in by_size}

    def row(self, by: str, scores: str, values: np.ndarray, failed: np.ndarray | None = None) -> Row:
        """The figures of scores [n, 4]."""
        best = values >= values.max(1, keepdims=True)
        right = best[np.arange(len(values)), self._gold] / best.sum(1)
        failed = np.zeros(len(values), bool) if failed is None else failed
        right[failed] = 0
        return Row(
            by,
            scores,
            int(failed.sum()),
            self._figure(right, np.ones(len(right), bool)),
            None if self._unseen.all() else self._figure(right, self._unseen),
            {name: self._figure(right, part) for name, part in self._subsets.items()},
            {name: self._figure(right, part) for name, part in self._relations.items()},
        )

    def _figure(self, right: np.ndarray, part: np.ndarray) -> Figure:
        if not part.any():
            return Figure(0, 0.0, 0.0, 0.0)
        _, group = np.unique(self._groups[part], return_inverse=True)
        hits, sizes = np.bincount(group, right[part]), np.bincount(group)
        drawn = np.random.default_rng(0).integers(0, len(sizes), (RESAMPLES, len(sizes)))
        low, high = np.percentile(hits[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
        return Figure(int(part.sum()), float(right[part].mean()), float(low), float(high))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
