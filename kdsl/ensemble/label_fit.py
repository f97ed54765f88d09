"""`LabelFit`: the probability that one of a task's labels fits a sample, learned from labels that are left out.

A sample that no label fits is unlike one that is hard: a hard one is near to several labels, the other near to none.
Three figures of an expert tell them apart: the energy of its logits (Liu et al. 2020, arXiv 2010.03759), the entropy of
its distribution, and the cosine to the nearest labelled sample. A logistic regression whose weights cannot be negative
(more energy, less entropy and a nearer neighbour never make a sample less likely in scope) joins them.

It needs no sample that is out of scope: in each of a few folds the expert is fitted without the samples and the
descriptions of a part of the labels, whose samples are then what no label fits. Samples that the data mark as out of
scope (`Task.out_of_scope`) are used beside them, and how near a sample is to one of these is a fourth figure, which
counts against it. docs/experiments.md has what the figures are worth, and what else was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import expit, logsumexp
from sklearn.metrics import roc_auc_score

from kdsl.data.duplicates import Fingerprint, near_duplicates
from kdsl.data.sample import Sample
from kdsl.data.splits import stratified_folds
from kdsl.ensemble.familiar import monotone_regression
from kdsl.ensemble.marks import Marks
from kdsl.scores import log_softmax

FOLDS = 5
ENOUGH = 20
"""Samples in scope, and as many out of it, that a model needs."""
OUTSIDE = 0.2
"""The share of samples that no label fits, of those about the same things, that is assumed: about that of CLINC150's
test, 1,000 of 5,500 (Larson et al. 2019, arXiv 1909.02027). Data that mark more of them raise it to their own share."""

Learn = Callable[[np.ndarray, Collection[str]], Callable[[np.ndarray], np.ndarray]]
"""Fits the expert anew on some rows of the labelled samples, without some labels; what it returns gives rows' logits
[k, c]."""


@dataclass(frozen=True)
class Seen:
    """n samples as a fitted expert sees them."""

    logits: np.ndarray
    """[n, c] of the labels that the expert was fitted on."""
    vectors: np.ndarray
    """[n, d] of length 1, or 0 where the expert sees nothing."""

    def figures(self, near: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """Energy, negative entropy, cosine to the nearest of `near` [k, d], and, where there are any, the negative
        cosine to the nearest of `marked` [j, d]: [n, 3] or [n, 4]; rows of NaN where the expert sees nothing."""
        log_p = log_softmax(self.logits)
        negative_entropy = (np.exp(log_p) * log_p).sum(axis=1)
        columns = [logsumexp(self.logits, axis=1), negative_entropy, (self.vectors @ near.T).max(axis=1)]
        if len(marked):
            columns.append(-(self.vectors @ marked.T).max(axis=1))
        figures = np.stack(columns, axis=1)
        figures[~self.vectors.any(axis=1)] = np.nan
        return figures


@dataclass(frozen=True)
class Told:
    """Samples that the data mark as out of scope, as an expert that was fitted on all others sees them."""

    seen: Seen
    group: np.ndarray
    """[j] a number per sample, the same for near-duplicates."""

    @property
    def compared(self) -> np.ndarray:
        """The vectors that a fourth figure takes: none where all are near-duplicates, which cannot be compared."""
        return self.seen.vectors if len(np.unique(self.group)) > 1 else self.seen.vectors[:0]

    def figures(self, near: np.ndarray) -> np.ndarray:
        """`Seen.figures`, each against the others."""
        figures = self.seen.figures(near, self.compared)
        if len(self.compared):
            cosines = self.compared @ self.compared.T
            cosines[self.group[:, None] == self.group[None]] = -1
            figures[:, -1] = -cosines.max(axis=1)
        return figures


@dataclass(frozen=True)
class LabelFit:
    """Of one expert of a task: `weights` [f], `centre` [f] and `scale` [f] belong to the figures, of which there are
    four where marked samples can be compared with each other, else three. `auroc` is that of what no label fits, during
    the fit."""

    TENSORS: ClassVar = ("weights", "centre", "scale", "intercept", "auroc")
    """What `tensors` names."""

    weights: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    intercept: float
    auroc: float

    @classmethod
    def fit(
        cls,
        samples: Sequence[Sample],
        prints: Mapping[str, Fingerprint],
        vectors: np.ndarray,
        learn: Learn,
        told: Told,
        share: float,
        seed: int,
    ) -> Self | None:
        """None where samples or labels are too few to tell.

        Args:
            samples: labelled ones.
            prints: fingerprints of their pictures by name, where these tell near-duplicates.
            vectors: of `samples`, as those of `Seen`.
            share: of all samples, those that the data mark.
        """
        seen, unseen = _left_out(samples, prints, vectors, learn, told.compared, seed)
        marked = told.figures(vectors)
        if min(len(seen), len(unseen) + len(marked)) < ENOUGH:
            return None
        figures = np.vstack([seen, unseen, marked])
        inside = np.arange(len(figures)) < len(seen)
        # both sides count alike, and so do labels left out and marked samples
        kinds = [kind for kind in (unseen, marked) if len(kind)]
        shares = np.concatenate([np.full(len(kind), 1 / len(kind) / len(kinds)) for kind in kinds])
        counts = len(figures) / 2 * np.concatenate([np.full(len(seen), 1 / len(seen)), shares])
        centre, scale = figures.mean(axis=0), figures.std(axis=0) + 1e-9
        weights, intercept = monotone_regression((figures - centre) / scale, inside, counts)
        auroc = float(roc_auc_score(inside, (figures - centre) / scale @ weights))
        assumed = max(OUTSIDE, share)
        return cls(weights, centre, scale, intercept + float(np.log((1 - assumed) / assumed)), auroc)

    def probability(self, seen: Seen, near: np.ndarray, marks: Marks | None) -> np.ndarray:
        """Of samples [n]; NaN where the expert sees nothing.

        Args:
            near: vectors [k, d] of labelled samples.
        """
        compared = marks.vectors if marks is not None and len(self.weights) == 4 else near[:0]
        figures = seen.figures(near, compared)
        return np.asarray(expit((figures - self.centre) / self.scale @ self.weights + self.intercept))

    def tensors(self) -> dict[str, np.ndarray]:
        """The state as arrays by name, for safetensors."""
        return {name: np.atleast_1d(np.asarray(getattr(self, name))) for name in self.TENSORS}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What `tensors` gave."""
        weights, centre, scale, intercept, auroc = (tensors[name] for name in cls.TENSORS)
        return cls(weights, centre, scale, float(intercept[0]), float(auroc[0]))


def _left_out(
    samples: Sequence[Sample],
    prints: Mapping[str, Fingerprint],
    vectors: np.ndarray,
    learn: Learn,
    marked: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Figures of held-out samples of labels that the expert knows, and of all samples of labels that it does not."""
    groups = near_duplicates(samples, prints)
    labels = np.array([sample.label or "" for sample in samples])
    shown = np.unique(labels)
    width = 4 if len(marked) else 3
    seen, unseen = [np.zeros((0, width))], [np.zeros((0, width))]
    if len(shown) >= 3 and len(samples) - sum(len(ids) - 1 for ids in groups) >= FOLDS:
        fold_of = stratified_folds(samples, FOLDS, seed, groups)
        folds = np.array([fold_of[sample.id] for sample in samples])
        order = np.random.default_rng(seed).permutation(shown).tolist()
        for fold in range(FOLDS):
            gone = order[fold::FOLDS]
            away = np.isin(labels, gone)
            kept = np.flatnonzero(~away & (folds != fold))
            if len(np.unique(labels[kept])) < 2:
                continue
            logits = learn(kept, gone)
            for rows, found in ((np.flatnonzero(~away & (folds == fold)), seen), (np.flatnonzero(away), unseen)):
                if len(rows):
                    found.append(Seen(logits(rows), vectors[rows]).figures(vectors[kept], marked))
    known, unknown = np.vstack(seen), np.vstack(unseen)
    return known[~np.isnan(known).any(axis=1)], unknown[~np.isnan(unknown).any(axis=1)]
