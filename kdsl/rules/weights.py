"""Weights of rules: a sparse multinomial regression in which a rule can only vote for its own label.

scikit-learn's L1 regression gives every rule a coefficient for every label, some of them negative, which a rule book
cannot express. Here the logit of label l is bias[l] plus the weights of the rules for l that fire. Weights are not
negative, and an L1 penalty (smooth, because weights are not negative) sets most of them to exactly zero.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from kdsl.scores import log_softmax

BIAS_RIDGE = 2.0
"""Strength of the squared penalty on biases, so that few votes change them little."""

PRIOR_SD = 1.0
"""Standard deviation, in logits, of the normal prior on the weight of a rule that a person wrote."""


def fit_weights(
    votes: np.ndarray, columns: np.ndarray, gold: np.ndarray, m: int, penalty: float, prior_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit weights of rules and biases of labels to the gold labels of the samples on which some rule fires.

    Args:
        votes: [n, r], 1 where a rule fires.
        columns: [r], the column of each rule's label.
        gold: [n], the column of each sample's label.
        m: number of labels.
        penalty: strength of the L1 penalty, in nats of one sample's log-likelihood.
        prior_weights: [r], the prior mean of the weight of a rule that a person wrote, NaN for mined rules. Such a rule
            has a normal prior with standard deviation `PRIOR_SD` instead of the L1 penalty.

    Returns:
        weights [r], all >= 0, and biases [m].
    """
    voted = votes.any(axis=1)
    x, y = csr_array(votes[voted], dtype=float), gold[voted]
    r = x.shape[1]
    by_hand = ~np.isnan(prior_weights)
    if not len(y):
        return np.where(by_hand, prior_weights, 0.0), np.zeros(m)
    lasso = np.where(by_hand, 0.0, penalty)
    ridge = np.where(by_hand, PRIOR_SD**-2, 0.0)
    centre = np.where(by_hand, prior_weights, 0.0)
    votes_for = np.zeros((r, m))
    votes_for[np.arange(r), columns] = 1.0
    truth = np.zeros((len(y), m))
    truth[np.arange(len(y)), y] = 1.0

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:r], parameters[r:]
        log_p = log_softmax(x @ (votes_for * weights[:, None]) + bias)
        error = np.exp(log_p) - truth  # [n, m]
        off = weights - centre
        value = -log_p[np.arange(len(y)), y].sum() + lasso @ weights + (ridge @ off**2 + BIAS_RIDGE * (bias @ bias)) / 2
        slope = (x.T @ error)[np.arange(r), columns] + lasso + ridge * off
        grad = np.concatenate([slope, error.sum(axis=0) + BIAS_RIDGE * bias])
        return float(value), grad

    start = np.concatenate([np.where(by_hand, prior_weights, 1.0), np.zeros(m)])
    bounds = [(0.0, None)] * r + [(None, None)] * m
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return solved.x[:r], solved.x[r:]
