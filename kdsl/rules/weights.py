"""Weights of rules: a sparse multinomial regression in which a rule can only speak for its own label.

scikit-learn's L1 regression gives every rule a coefficient for every label, and negative ones; neither can be
said of a rule. Here the logit of label l is bias[l] plus the weights of the rules for l that fire, weights are
not negative, and an L1 penalty (smooth, as weights are not negative) sets most of them to exactly zero.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from kdsl.scores import log_softmax

BIAS_RIDGE = 2.0
"""Strength of the squared penalty on biases, so that a few votes do not move them far."""

GIVEN_SPREAD = 1.0
"""How far, in logits, a weight that a person gave is thought to be from the best one (standard deviation)."""


def fit_weights(
    votes: np.ndarray, owners: np.ndarray, gold: np.ndarray, m: int, penalty: float, given: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of rules and biases of labels that explain the gold labels of the samples some rule fires on.

    Args:
        votes: [n, r], 1 where a rule fires.
        owners: [r], the column of each rule's label.
        gold: [n], the column of each sample's label.
        m: number of labels.
        penalty: strength of the L1 penalty, in nats of one sample's log-likelihood.
        given: [r], the weight that a person gave a rule, NaN for mined rules. Such a rule is not drawn to zero but to
            that weight (a normal prior of deviation `GIVEN_SPREAD`): what the data does not contradict stays.

    Returns:
        weights [r], all >= 0, and biases [m].
    """
    spoken = votes.any(axis=1)
    x, y = csr_array(votes[spoken], dtype=float), gold[spoken]
    r = x.shape[1]
    by_hand = ~np.isnan(given)
    if not len(y):
        return np.where(by_hand, given, 0.0), np.zeros(m)
    lasso = np.where(by_hand, 0.0, penalty)
    ridge = np.where(by_hand, GIVEN_SPREAD**-2, 0.0)
    centre = np.where(by_hand, given, 0.0)
    votes_for = np.zeros((r, m))
    votes_for[np.arange(r), owners] = 1.0
    truth = np.zeros((len(y), m))
    truth[np.arange(len(y)), y] = 1.0

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:r], parameters[r:]
        log_p = log_softmax(x @ (votes_for * weights[:, None]) + bias)
        error = np.exp(log_p) - truth  # [n, m]
        off = weights - centre
        value = -log_p[np.arange(len(y)), y].sum() + lasso @ weights + (ridge @ off**2 + BIAS_RIDGE * (bias @ bias)) / 2
        slope = (x.T @ error)[np.arange(r), owners] + lasso + ridge * off
        grad = np.concatenate([slope, error.sum(axis=0) + BIAS_RIDGE * bias])
        return float(value), grad

    start = np.concatenate([np.where(by_hand, given, 1.0), np.zeros(m)])
    bounds = [(0.0, None)] * r + [(None, None)] * m
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return solved.x[:r], solved.x[r:]
