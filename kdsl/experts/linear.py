"""`LinearModel`: multinomial logistic regression, kept as three arrays; what the classical experts end in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from kdsl.scores import log_softmax

FLOOR = -9.0
"""Log-probability of a label that the training samples do not show."""


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
        model = LogisticRegression(C=c, max_iter=3000).fit(features, columns, weights)
        coef, intercept = model.coef_, model.intercept_
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
