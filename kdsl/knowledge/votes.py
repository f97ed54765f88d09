"""Neighbours by several rankers, their votes for labels, and the rankers' weights, learned from samples.

A document d weighs exp(sum_r w_r s_r(q, d)) in the vote of a query q, where s_r are the rankers' similarities: a kernel
over all of them at once. The weights w_r are learned by the log-loss of votes in which a sample and its copies have no
say: neighbourhood components analysis with one weight per ranker (Goldberger et al. 2004). Reciprocal rank fusion,
which has nothing to learn, told fewer labels right wherever it was measured (docs/experiments.md, 2026-11-27).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

NOMINATED = 12
"""Documents that each ranker puts forward for a query; all of these vote."""
PRIOR_WEIGHT = 8.0
"""Weight of a ranker where nothing shows how much it tells."""
STRENGTH = 1.0
"""Nats that a weight costs which is e times as large as `PRIOR_WEIGHT`, or as small."""
PRIOR_POWER = 0.3
"""A label's votes are divided by its number of documents to this power: 0 keeps the imbalance, 1 undoes it."""
SMOOTHING = 0.1
"""Share of the probability that is spread evenly over all labels."""


@dataclass(frozen=True)
class Neighbours:
    """Documents near to q queries: `rows` [q, c], -1 where a query has fewer than c, and `similarities` [q, c, r]."""

    rows: np.ndarray
    similarities: np.ndarray
    nominated: np.ndarray
    """bool [q, c, r]: whether the ranker put the document forward."""

    def nearness(self, weights: np.ndarray) -> np.ndarray:
        """The weighted sum of similarities [q, c]; -inf where there is no document."""
        return np.where(self.rows >= 0, self.similarities @ weights, -np.inf)


def neighbours(similarities: np.ndarray, allowed: np.ndarray, each: int = NOMINATED) -> Neighbours:
    """Of each query, the `each` documents that each ranker finds most alike, and those that are as alike as the last.

    Args:
        similarities: [r, q, n]; what has a similarity of 0 is not put forward.
        allowed: bool [q, n], which documents may be found.
    """
    n_rankers, _, n = similarities.shape
    open_to = np.where(allowed, similarities, 0)
    last = np.partition(open_to, n - each, axis=2)[:, :, n - each, None] if each < n else 0.0
    nominated = (open_to >= last) & (open_to > 0)  # [r, q, n]
    any_ranker = nominated.any(axis=0)
    width = int(any_ranker.sum(axis=1).max(initial=0))
    rows = np.argsort(~any_ranker, axis=1, kind="stable")[:, :width]
    found = np.take_along_axis(any_ranker, rows, axis=1)

    def picked(values: np.ndarray) -> np.ndarray:
        return np.stack([np.take_along_axis(values[r], rows, axis=1) for r in range(n_rankers)], axis=2)

    return Neighbours(np.where(found, rows, -1), picked(similarities), picked(nominated) & found[:, :, None])


def joined(parts: Sequence[Neighbours]) -> Neighbours:
    """The neighbours of all queries of several blocks."""
    width = max(part.rows.shape[1] for part in parts)

    def padded(values: np.ndarray, empty: int | bool) -> np.ndarray:
        wider = [(0, 0), (0, width - values.shape[1]), *[(0, 0)] * (values.ndim - 2)]
        return np.pad(values, wider, constant_values=empty)

    return Neighbours(
        np.concatenate([padded(part.rows, -1) for part in parts]),
        np.concatenate([padded(part.similarities, 0) for part in parts]),
        np.concatenate([padded(part.nominated, False) for part in parts]),
    )


def log_votes(near: Neighbours, weights: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Log-probabilities [q, m] over labels by the neighbours' votes; a row is NaN where there is no neighbour.

    Args:
        weights: [r], one per ranker.
        labels: [n], the label's column of each document.
        counts: [m], how many documents each label has.
    """
    votes = _shares(near, weights, labels, counts)
    m, scores = len(counts), np.zeros((len(votes), len(counts)))
    np.add.at(scores, (np.arange(len(votes))[:, None], labels[near.rows]), votes)
    logs = np.log((1 - SMOOTHING) * scores + SMOOTHING / m)
    logs[(near.rows < 0).all(axis=1)] = np.nan
    return logs


def learn_weights(near: Neighbours, labels: np.ndarray, counts: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Weights [r] with the smallest log-loss of the votes, drawn towards `PRIOR_WEIGHT`.

    Args:
        near: neighbours of samples, which hold neither the samples nor their copies.
        labels: as `log_votes` takes them.
        counts: as `log_votes` takes them.
        gold: [q], the label's column of each sample.
    """
    m, agrees = len(counts), (labels[near.rows] == gold[:, None]) & (near.rows >= 0)

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        weights = PRIOR_WEIGHT * np.exp(logs)
        shares = _shares(near, weights, labels, counts)
        right = shares * agrees
        told = (1 - SMOOTHING) * right.sum(axis=1) + SMOOTHING / m
        mean = np.einsum("qc,qcr->qr", shares, near.similarities)
        pull = np.einsum("qc,qcr->qr", right, near.similarities) - right.sum(axis=1)[:, None] * mean
        gradient = -((1 - SMOOTHING) * pull / told[:, None]).sum(axis=0) * weights + 2 * STRENGTH * logs
        return float(-np.log(told).sum() + STRENGTH * (logs**2).sum()), gradient

    start = np.zeros(near.similarities.shape[2])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-4, 4)] * len(start))
    return PRIOR_WEIGHT * np.exp(found.x)


def _shares(near: Neighbours, weights: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The share [q, c] of each document in a query's votes."""
    nearness = near.nearness(weights)
    top = nearness.max(axis=1, keepdims=True, initial=-np.inf)
    rarity = np.maximum(counts, 1)[labels[near.rows]].astype(float) ** -PRIOR_POWER
    kernel = np.exp(nearness - np.where(np.isfinite(top), top, 0)) * rarity
    return kernel / np.maximum(kernel.sum(axis=1, keepdims=True), 1e-300)
