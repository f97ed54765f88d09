"""`LinearModel`: multinomial logistic regression, kept as three arrays; what the classical experts end in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from kdsl.scores import log_softmax

FLOOR = -9.0
"""Log-probability of a label that the training samples do not show."""
FEW_ROWS = 1500
"""Samples up to which their products with each other, [n, n], are worth computing."""


@dataclass(frozen=True)
class LinearModel:
    """Weights [c, f] and intercepts [c] of the columns `classes` [c] that training showed."""

    classes: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(
        cls, features: np.ndarray | csr_matrix, columns: np.ndarray, c: float, weights: np.ndarray | None = None
    ) -> Self:
        """Fit features [n, f] to columns [n] of at least two classes.

        Args:
            c: inverse strength of the regularisation.
            weights: how many samples each row [n] counts for.
        """
        points, back = _in_fewer_axes(features)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The number of unique classes")  # few samples per label are expected
            model = LogisticRegression(C=c, max_iter=3000).fit(points, columns, weights)
        coef, intercept = model.coef_, model.intercept_
        if back is not None:
            coef = np.asarray(coef @ back @ features)
        if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes
            coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
        return cls(model.classes_.astype(np.int64), coef, intercept)

    def log_probs(self, features: np.ndarray | csr_matrix, m: int) -> np.ndarray:
        """Log-probabilities [n, m], none below `FLOOR`."""
        out = np.full((features.shape[0], m), FLOOR)
        out[:, self.classes] = np.maximum(log_softmax(self.logits(features)), FLOOR)
        return out

    def logits(self, features: np.ndarray | csr_matrix) -> np.ndarray:
        """Unnormalised scores [n, c] of the columns `classes`."""
        return np.asarray(features @ self.coef.T + self.intercept)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays by name, for safetensors, which writes memory as it lies."""
        return {"coef": np.ascontiguousarray(self.coef), "intercept": self.intercept, "classes": self.classes}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What `tensors` gave."""
        return cls(tensors["classes"], tensors["coef"], tensors["intercept"])


def _in_fewer_axes(features: np.ndarray | csr_matrix) -> tuple[np.ndarray | csr_matrix, np.ndarray | None]:
    """The samples [n, r] in at most n axes, and the matrix [r, n] that makes weights sums of samples again.

    Unchanged, and None, where samples are not few.

    With a penalty on squared weights the best weights are sums of samples (the representer theorem), so nothing is lost
    where features are many more than samples, and the fit is several times faster.
    """
    n, f = features.shape
    if n > FEW_ROWS or n >= f:
        return features, None
    values, axes = np.linalg.eigh(_products(features))
    kept = values > max(values[-1], 0.0) * 1e-10
    if not kept.any():  # samples without any feature
        return features, None
    lengths = np.sqrt(values[kept])
    return axes[:, kept] * lengths, (axes[:, kept] / lengths).T


def _products(features: np.ndarray | csr_matrix) -> np.ndarray:
    """Of each two samples, float64 [n, n]."""
    if isinstance(features, np.ndarray):
        return np.asarray(features @ features.T, np.float64)
    # a product of two sparse matrices is slow where columns are dense, as those of an encoder's vectors are
    parts = [features[start : start + 256].toarray() for start in range(0, features.shape[0], 256)]
    return np.hstack([np.asarray(features @ part.T, np.float64) for part in parts])
