"""Several scorers together: their scores added up, or weighted as learned on the items of other products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold

from kdsl.evaluation.intentionqa.answers import Answers
from kdsl.evaluation.intentionqa.items import Item

FOLDS = 5
_PENALTY = 1.0
"""Of the squared weights, on features of unit spread: it matters little with a handful of weights."""


def product_groups(items: Sequence[Item]) -> np.ndarray:
    """A number per item [n]: items that share a product, directly or through others, have the same one."""
    _, products = np.unique(np.array([item.ids for item in items]), return_inverse=True)
    first, second = products.reshape(len(items), 2).T
    n = int(products.max()) + 1
    _, group = connected_components(coo_matrix((np.ones(len(items)), (first, second)), (n, n)), directed=False)
    return np.asarray(group[first])


def learned(features: np.ndarray, items: Sequence[Item]) -> np.ndarray:
    """Scores [n, 4] of a conditional logit over the options' features [n, 4, k].

    Each item's are by weights that were learned on items of other products (`FOLDS` folds).

    Source: McFadden (1974), Conditional logit analysis of qualitative choice behavior.
    """
    centred = features - features.mean(1, keepdims=True)
    centred = centred / np.maximum(centred.std((0, 1)), 1e-9)
    gold = np.array([item.gold for item in items])
    groups = product_groups(items)
    scores = np.zeros(centred.shape[:2])
    folds = GroupKFold(min(FOLDS, len(set(groups.tolist()))))
    for train, test in folds.split(centred, groups=groups):
        scores[test] = centred[test] @ _weights(centred[train], gold[train])
    return scores


def features_of(answers: Sequence[Answers], *, priors_alone: bool = False) -> np.ndarray:
    """[n, 4, k]: each scorer's fit and prior as features of their own, or the priors alone, which see no product."""
    columns = [] if priors_alone else [one.fit for one in answers]
    return np.stack([*columns, *(one.prior for one in answers if one.has_prior)], axis=-1)


def _weights(features: np.ndarray, gold: np.ndarray) -> np.ndarray:
    rows = np.arange(len(gold))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = features @ weights  # [n, 4]
        log_probs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        slope = np.einsum("no,nok->k", np.exp(log_probs), features) - features[rows, gold].sum(0)
        return -log_probs[rows, gold].sum() + _PENALTY * weights @ weights, slope + 2 * _PENALTY * weights

    found: np.ndarray = minimize(loss, np.zeros(features.shape[-1]), jac=True, method="L-BFGS-B").x
    return found
