"""`Familiarity`: the probability that a sample is about what a task's samples are about, whatever its label.

`ScopeModel` learns from labels that are left out, which are about the same things; what a sample looks like that is
about something else altogether it has not seen. That is told by the mean cosine to the nearest labelled samples (Sun et
al. 2022, arXiv 2204.06507). A logistic regression with one weight, which cannot be negative, puts the limit between
labelled samples, each compared with the others, and strangers, which need no sample of any task: texts of words drawn
at random, pictures of noise (`kdsl.ensemble.strangers`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from kdsl.evidence.types import Evidence

NEAREST = 5
"""Of the known vectors, whose mean cosine counts."""
MOST = 1500
"""Samples that a model learns from, and compares with; of more, those of each label are drawn in turn."""
PENALTY = 1.0
"""Of the squared weights of `monotone_regression`, beside the log-loss summed over samples."""


@dataclass(frozen=True)
class Judged:
    """Of n samples; NaN where it cannot be told."""

    about: np.ndarray
    """The probability [n] that a sample is about what the task's samples are about."""
    fits: np.ndarray
    """The probability [n] that one of the labels fits, if it is."""
    auroc: float
    """How well `fits` told what no label fits, during the fit: an area under the ROC curve."""

    @property
    def in_scope(self) -> np.ndarray:
        """The probability [n] that one of the labels fits."""
        return np.asarray(self.about * self.fits)


@dataclass(frozen=True)
class Familiarity:
    """Of one kind of vectors of a task: `known` [k, d] are those of labelled samples and of what describes labels."""

    TENSORS: ClassVar = ("known", "familiar")
    """What `tensors` names."""

    known: np.ndarray
    weight: float
    intercept: float

    @classmethod
    def fit(
        cls,
        samples: np.ndarray,
        group: np.ndarray,
        strangers: np.ndarray,
        share: float,
        described: np.ndarray | None = None,
    ) -> Self:
        """Fit on vectors of length 1.

        Args:
            samples: [n, d], more than one group of them.
            group: [n] a number per sample, the same for near-duplicates, which are not compared with each other.
            strangers: [s, d].
            share: of samples about something else altogether that is assumed.
            described: [e, d] what else is known, such as the labels' descriptions.
        """
        more = np.zeros((0, samples.shape[1]), np.float32) if described is None else described
        cosines = samples @ samples.T
        cosines[group[:, None] == group[None]] = -1
        own = _nearest(np.hstack([cosines, samples @ more.T]))
        known = np.vstack([samples, more])
        figures = np.concatenate([own, _nearest(strangers @ known.T)])[:, None]
        inside = np.arange(len(figures)) < len(own)
        sides = np.where(inside, 1 / len(own), 1 / len(strangers))
        centre, scale = float(figures.mean()), float(figures.std()) + 1e-9
        weights, intercept = monotone_regression((figures - centre) / scale, inside, len(figures) / 2 * sides)
        weight = float(weights[0]) / scale
        return cls(known, weight, intercept - weight * centre + float(np.log((1 - share) / share)))

    def probability(self, vectors: np.ndarray) -> np.ndarray:
        """Of vectors [n, d] of length 1; NaN where one is 0."""
        found = np.asarray(expit(self.weight * _nearest(vectors @ self.known.T) + self.intercept), np.float64)
        found[~vectors.any(axis=1)] = np.nan
        return found

    def tensors(self) -> dict[str, np.ndarray]:
        """The state as arrays by name, for safetensors."""
        return {"known": self.known.astype(np.float16), "familiar": np.array([self.weight, self.intercept])}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What `tensors` gave."""
        weight, intercept = tensors["familiar"].tolist()
        return cls(tensors["known"].astype(np.float32), weight, intercept)


def _nearest(cosines: np.ndarray) -> np.ndarray:
    """The mean [n] of the largest `NEAREST` of cosines [n, k]; of all that are compared where these are fewer."""
    largest = np.sort(cosines, axis=1)[:, -NEAREST:]
    compared = largest > -1
    return np.asarray((largest * compared).sum(axis=1) / np.maximum(compared.sum(axis=1), 1))


def monotone_regression(figures: np.ndarray, inside: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Non-negative weights [f] and the intercept of a logistic regression of `inside` [n] on `figures` [n, f].

    Args:
        counts: how many samples each row [n] counts for.
    """
    side = np.where(inside, 1.0, -1.0)

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        margin = side * (figures @ point[1:] + point[0])
        pull = -counts * side * expit(-margin)
        value = (counts * np.logaddexp(0, -margin)).sum() + PENALTY * (point[1:] ** 2).sum()
        return float(value), np.concatenate([[pull.sum()], figures.T @ pull + 2 * PENALTY * point[1:]])

    width = figures.shape[1]
    found = minimize(
        loss, np.zeros(width + 1), jac=True, method="L-BFGS-B", bounds=[(None, None)] + [(0, None)] * width
    )
    return found.x[1:], float(found.x[0])


def some_of_each_label(labelled: Sequence[Evidence], seed: int) -> Sequence[Evidence]:
    """`MOST` of the samples, labels alike as far as they reach; all of them where they are no more."""
    if len(labelled) <= MOST:
        return labelled
    before: Counter[str | None] = Counter()
    turns = []
    for row in np.random.default_rng(seed).permutation(len(labelled)).tolist():
        label = labelled[row].sample.label
        turns.append((before[label], row))
        before[label] += 1
    return [labelled[row] for row in sorted(row for _, row in sorted(turns)[:MOST])]
