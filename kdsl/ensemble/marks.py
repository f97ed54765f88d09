"""`Marks`: whether a sample is of the kind of one that the data mark as out of scope (`Task.out_of_scope`).

Whoever marks a sample expects what resembles it to be out of scope, too, also where it is the only one of its kind. So
the nearest marked sample is weighed against the nearest labelled one. How far a nearest sample is to be trusted is
learned from labelled samples: whether each has the label of its nearest neighbour, and whether it has that of the
nearest one with another label, by the cosine to it and by how much nearer it is than samples of other labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import expit

from kdsl.ensemble.familiar import monotone_regression


@dataclass(frozen=True)
class Marks:
    """Of one kind of vectors of a task: `vectors` [j, d] are those of the marked samples, of length 1.

    `weights` [2] and `intercept` belong to the logistic regression on the cosine to the nearest of them, and on how
    much larger it is than that to the nearest labelled sample.
    """

    TENSORS: ClassVar = ("marked", "alike")
    """What `tensors` names."""

    vectors: np.ndarray
    weights: np.ndarray
    intercept: float

    @classmethod
    def fit(cls, labelled: np.ndarray, labels: np.ndarray, group: np.ndarray, marked: np.ndarray) -> Self | None:
        """Fit on vectors of length 1; None without marks, or where no sample can be compared with others.

        Args:
            labelled: [n, d].
            labels: [n] numbers, equal for the same label.
            group: [n] a number per sample, the same for near-duplicates, which are not compared with each other.
            marked: [j, d].
        """
        names = np.unique(labels)
        if not len(marked) or len(names) < 2:
            return None
        cosines = labelled @ labelled.T
        cosines[group[:, None] == group[None]] = -1
        nearest = np.stack([cosines[:, labels == name].max(axis=1) for name in names], axis=1)  # [n, m]
        first, second = np.argsort(-nearest, axis=1)[:, :2].T
        rows = np.flatnonzero(nearest[np.arange(len(nearest)), second] > -1)
        if not len(rows):
            return None
        here, there = nearest[rows, first[rows]], nearest[rows, second[rows]]
        figures = np.vstack([_figures(here, there), _figures(there, here)])
        alike = np.concatenate([names[first[rows]] == labels[rows], names[second[rows]] == labels[rows]])
        centre, scale = figures.mean(axis=0), figures.std(axis=0) + 1e-9
        weights, intercept = monotone_regression((figures - centre) / scale, alike, np.ones(len(figures)))
        return cls(marked, weights / scale, intercept - float(weights / scale @ centre))

    def unlike(self, vectors: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        """The probability [n] that a sample is not of the kind of its nearest mark.

        Args:
            vectors: [n, d].
            labelled: [k, d] of labelled samples.
        """
        figures = _figures((vectors @ self.vectors.T).max(axis=1), (vectors @ labelled.T).max(axis=1))
        return np.asarray(expit(-(figures @ self.weights + self.intercept)))

    def tensors(self) -> dict[str, np.ndarray]:
        """The state as arrays by name, for safetensors."""
        return {"marked": self.vectors.astype(np.float16), "alike": np.append(self.weights, self.intercept)}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What `tensors` gave."""
        *weights, intercept = tensors["alike"].tolist()
        return cls(tensors["marked"].astype(np.float32), np.array(weights), intercept)


def _figures(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[n, 2] of the cosines [n] to the nearest sample of a kind, and to the nearest of any other."""
    return np.stack([own, own - other], axis=1)
