"""`Fusion`: a regularised log-linear model over expert scores, followed by a temperature.

p(y | x) is proportional to exp(sum_e w_e s_e(y | x) / T), where s_e are the log-probabilities of expert e, or zero if
it abstains. The weights are few, non-negative and regularised towards a prior, because there are only a few hundred
labels. The temperature is fitted on scores that the weights have not seen (Guo et al. 2017, arXiv 1706.04599).

A label may have no sample yet. Some experts know it by its description, others put it last whatever they are asked. The
latter only share out, among the labels that they know, what the former leave to these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.model_selection import KFold

from kdsl.scores import Scores, fit_temperature, log_softmax

FLOOR = -7.0
"""Lower limit of an expert's log-probabilities, so that no single expert can veto a label."""
PULL = 3.0
"""Of weights towards their prior."""


def stack(scores: Scores, names: Sequence[str]) -> np.ndarray:
    """Scores [e, n, m] with the lower limit `FLOOR`, zero where an expert abstains."""
    return np.stack([np.nan_to_num(np.maximum(scores[name], FLOOR), nan=0.0) for name in names])


@dataclass(frozen=True)
class Fusion:
    """Weights of the experts and the temperature of one task.

    `unseen` are the columns of labels without a sample that the experts `ignorant` know nothing of.
    """

    weights: dict[str, float]
    temperature: float = 1.0
    unseen: Sequence[int] = ()
    ignorant: Sequence[str] = ()

    def log_probabilities(self, scores: Scores) -> np.ndarray:
        """Fused, calibrated log-probabilities [n, m]."""
        names = list(self.weights)
        weights = np.array([self.weights[name] for name in names])
        block = stack(scores, names)  # [e, n, m]
        logits = np.tensordot(weights, block, axes=1)
        if len(self.unseen):
            knows = np.array([name not in self.ignorant for name in names])
            known = np.tensordot(weights * knows, block, axes=1)
            seen = np.setdiff1d(np.arange(logits.shape[1]), self.unseen)
            left = logsumexp(known[:, seen], axis=1) - logsumexp(logits[:, seen], axis=1)
            known[:, seen] = logits[:, seen] + left[:, None]
            logits = known
        return log_softmax(logits / self.temperature)


def fit_weights(
    scores: Scores,
    gold: np.ndarray,
    prior: Mapping[str, float] | None = None,
    flattered: Collection[str] = (),
) -> dict[str, float]:
    """Non-negative weights that minimise log-loss plus `PULL` times the squared distance from `prior`.

    Args:
        scores: expert -> [n, m], from models that have not seen the samples.
        gold: [n] column of the gold label.
        prior: weight of each expert that the penalty pulls towards; by default equal weights that sum to 1.
        flattered: experts whose scores are better on these samples than on new ones, however many these are: they are
            pulled towards 0, by each sample as far as the others by all of them.
    """
    names = list(scores)
    block = stack(scores, names)  # [e, n, m]
    start = np.array([(prior or {}).get(name, 0.0 if prior else 1 / len(names)) for name in names])
    flatters = np.array([name in flattered for name in names])
    start, pull = np.where(flatters, 0.0, start), PULL * np.where(flatters, len(gold), 1)
    rows = np.arange(len(gold))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(np.tensordot(weights, block, axes=1))
        expected = (np.exp(log_p)[None] * block).sum(axis=2)  # [e, n]
        gradient = (expected - block[:, rows, gold]).sum(axis=1) + 2 * pull * (weights - start)
        return float(-log_p[rows, gold].sum() + (pull * (weights - start) ** 2).sum()), gradient

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(names))
    return dict(zip(names, found.x.tolist(), strict=True))


def ignorant_experts(scores: Scores, unlabelled: Sequence[int]) -> list[str]:
    """The experts that put one of the columns `unlabelled` last for every sample; none if all of them do."""
    found = []
    for name, matrix in scores.items():
        said = matrix[~np.isnan(matrix).any(axis=1)]
        last = np.isclose(said[:, list(unlabelled)], said.min(axis=1, keepdims=True)).all(axis=0)
        if last.any():
            found.append(name)
    return found if len(found) < len(scores) else []


def fit_fusion(
    scores: Scores,
    gold: np.ndarray,
    seed: int,
    prior: Mapping[str, float] | None = None,
    folds: int = 5,
    unlabelled: Sequence[int] = (),
    flattered: Collection[str] = (),
) -> tuple[Fusion, np.ndarray]:
    """Fit weights on all samples and the temperature on scores of held-out folds.

    Args:
        unlabelled: columns of labels that no sample has.
        flattered: as `fit_weights` takes them.

    Returns:
        The fusion, and held-out calibrated log-probabilities [n, m], on which thresholds are chosen.
    """
    ignorant = ignorant_experts(scores, unlabelled) if unlabelled else []
    of_labels: dict[str, Any] = {"unseen": tuple(unlabelled) if ignorant else (), "ignorant": tuple(ignorant)}
    fused = held_out(scores, gold, seed, prior, folds, of_labels, flattered)
    temperature = fit_temperature(fused, gold)
    fusion = Fusion(fit_weights(scores, gold, prior, flattered), temperature, **of_labels)
    return fusion, log_softmax(fused / temperature)


def held_out(
    scores: Scores,
    gold: np.ndarray,
    seed: int,
    prior: Mapping[str, float] | None = None,
    folds: int = 5,
    of_labels: Mapping[str, Any] = MappingProxyType({}),
    flattered: Collection[str] = (),
) -> np.ndarray:
    """Fused log-probabilities [n, m] of each fold by weights fitted on the others, before a temperature.

    Args:
        of_labels: `unseen` and `ignorant` of `Fusion`.
        flattered: as `fit_weights` takes them.
    """
    found = np.zeros_like(next(iter(scores.values())))
    # the weights are shared by all labels, so the folds need not be stratified
    for train, test in KFold(min(folds, len(gold)), shuffle=True, random_state=seed).split(gold):
        weights = fit_weights({name: s[train] for name, s in scores.items()}, gold[train], prior, flattered)
        found[test] = Fusion(weights, **of_labels).log_probabilities({name: s[test] for name, s in scores.items()})
    return found
