"""`effect`: what a change of a rule book does on labelled samples, before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kdsl.data.sample import Sample
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.testing import Ensemble, gold_of, labels_alone

RESAMPLES = 2000
SEED = 17
SAID = 60
"""Characters of a sample that `Moved.said` has."""
_AT_ONCE = 200
"""Resamples that are in memory together."""


@dataclass(frozen=True)
class Moved:
    """A sample that is right with one book and wrong with the other: its label, and what each predicts ('' for an
    abstention). `said` is the beginning of what the customer says, or the names of the pictures."""

    id: str
    label: str
    before: str
    after: str
    said: str


@dataclass(frozen=True)
class Effect:
    """Weighted F1 on n labelled samples before and after a change.

    `of` says whose F1: that of a book alone, where an abstention is wrong, or of a bundle; or on which samples.
    `interval95` is a 95% interval of `difference` by the paired percentile bootstrap (Efron & Tibshirani 1993): the
    same samples are drawn with replacement for both, 2000 times, with a fixed seed. `mended` and `broken` are
    the samples that were wrong and are right, and the other way round.
    """

    of: str
    n: int
    f1_before: float
    f1_after: float
    difference: float
    interval95: tuple[float, float]
    mended: tuple[Moved, ...]
    broken: tuple[Moved, ...]
    note: str = ""
    """Where the scores of a bundle come from."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def effects(
    before: RuleBook, after: RuleBook, labelled: Sequence[Evidence], ensemble: Ensemble | None = None
) -> list[Effect]:
    """The effect on the book alone and, where there is one, on its bundle; none without samples.

    Args:
        labelled: samples of the book's task that have a label.
        ensemble: the bundle, for the same samples in the same order.
    """
    if not labelled:
        return []
    found = [effect("the book alone", labelled, labels_alone(before, labelled), labels_alone(after, labelled))]
    if ensemble is not None:
        labels = ensemble.labels(before), ensemble.labels(after)
        found.append(effect("the bundle", labelled, *labels, ensemble.note))
    return found


def effect(of: str, labelled: Sequence[Evidence], before: np.ndarray, after: np.ndarray, note: str = "") -> Effect:
    """What lies between two predictions [n] of the same labelled samples, of which there is one at least."""
    gold = gold_of(labelled)
    was, now = before == gold, after == gold
    (f1_before, f1_after), interval = f1_difference(gold, before, after)
    return Effect(
        of=of,
        n=len(gold),
        f1_before=f1_before,
        f1_after=f1_after,
        difference=f1_after - f1_before,
        interval95=interval,
        mended=_moved(labelled, before, after, now & ~was),
        broken=_moved(labelled, before, after, was & ~now),
        note=note,
    )


def _moved(
    labelled: Sequence[Evidence], before: np.ndarray, after: np.ndarray, chosen: np.ndarray
) -> tuple[Moved, ...]:
    samples = [(row, evidence.sample) for row, evidence in enumerate(labelled) if chosen[row]]
    return tuple(
        Moved(sample.id, str(sample.label), str(before[row]), str(after[row]), _beginning(sample))
        for row, sample in samples
    )


def _beginning(sample: Sample) -> str:
    said = " / ".join(turn.said for turn in sample.turns if turn.role == "user" and turn.said)
    text = said or ", ".join(sample.images)
    return text if len(text) <= SAID else f"{text[:SAID]}…"


def f1_difference(
    gold: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Weighted F1 of two predictions [n] of the same samples, and the 95% interval of the second minus the first."""
    names = sorted(set(gold.tolist()))
    truth = np.stack([gold == name for name in names], axis=1).astype(float)  # [n, m]
    said = [np.stack([labels == name for name in names], axis=1).astype(float) for labels in (before, after)]
    once = np.ones((1, len(gold)))
    f1 = [float(_weighted_f1(once, truth, one)[0]) for one in said]
    if (before == after).all():
        return (f1[0], f1[1]), (0.0, 0.0)
    rng = np.random.default_rng(SEED)
    differences = []
    for _ in range(RESAMPLES // _AT_ONCE):
        times = rng.multinomial(len(gold), np.full(len(gold), 1 / len(gold)), size=_AT_ONCE).astype(float)
        differences.append(_weighted_f1(times, truth, said[1]) - _weighted_f1(times, truth, said[0]))
    low, high = np.quantile(np.concatenate(differences), [0.025, 0.975])
    return (f1[0], f1[1]), (float(low), float(high))


def _weighted_f1(times: np.ndarray, truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Weighted F1 [b] of samples that count `times` [b, n] each; `truth` and `said` are 0 or 1, [n, m]."""
    hits, gold, predicted = times @ (truth * said), times @ truth, times @ said
    f1 = 2 * hits / np.maximum(gold + predicted, 1)
    shares: np.ndarray = (f1 * gold).sum(axis=1) / gold.sum(axis=1)
    return shares
