"""Scores: log-probabilities of n samples over m labels, what is computed from them, and the files they lie in.

A matrix of scores is [n, m], natural logarithms, its columns in the order of the task's labels. A row of NaN says
that whoever scored abstained.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax as scipy_log_softmax
from scipy.special import ndtr
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from kdsl.errors import InputError
from kdsl.files import written_whole

Scores = Mapping[str, np.ndarray]
"""Name of an expert -> its scores [n, m]."""

CALM = 3.0
"""Strength of the prior of a temperature of 1."""
_PREFIX = "scores/"
_WILSON_LEVEL = 2 * ndtr(1.96) - 1
"""95% with the quantile as it is printed in tables: the statistics in rule books, of four digits, are made with it."""


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of logits [n, m] as log-probabilities."""
    normalised: np.ndarray = scipy_log_softmax(logits, axis=1)
    return normalised


def weighted_f1(gold: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray) -> float:
    """F1 of each gold label, averaged by its number of samples (scikit-learn's `average="weighted"`)."""
    return _f1(gold, predicted, "weighted")


def macro_f1(gold: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray) -> float:
    """F1 of each label that is gold or predicted somewhere, averaged alike (scikit-learn's `average="macro"`)."""
    return _f1(gold, predicted, "macro")


def _f1(gold: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray, average: str) -> float:
    return float(f1_score(gold, predicted, average=average, zero_division=0))


def log_loss(log_p: np.ndarray, gold: np.ndarray) -> float:
    """Mean negative log-probability, in nats, of the gold columns [n] in scores [n, m]."""
    return float(-log_p[np.arange(len(gold)), gold].mean())


def margins(log_p: np.ndarray) -> np.ndarray:
    """Best minus second-best probability of each row of scores [n, m]."""
    top = np.sort(np.exp(log_p), axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


@lru_cache(10_000)
def wilson_interval(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval (low, high) of the share `hits / total`; (0, 1) of nothing.

    Source: Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    """
    if not total:
        return 0.0, 1.0
    interval = binomtest(hits, total).proportion_ci(_WILSON_LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def likelihood_gain(log_p: np.ndarray, gold: np.ndarray) -> float:
    """By how many nats scores [n, m] raise the log-likelihood of the gold columns [n] above the labels' frequencies.

    The frequencies are those of `gold`, each label counted once more; the scores, less their mean over the samples (a
    label that is scored high whatever is asked tells nothing), are added with the one weight in [0, 4] that fits best.
    So chance gains less than 2 nats nineteen times in twenty (the likelihood-ratio test of Wilks 1938, one parameter).
    """
    said = np.nan_to_num(log_p, nan=0.0)
    said = said - said.mean(axis=0)
    prior = np.log(np.bincount(gold, minlength=log_p.shape[1]) + 1.0)

    def loss(weight: float) -> float:
        return log_loss(log_softmax(prior + weight * said), gold)

    best = minimize_scalar(loss, bounds=(0.0, 4.0), method="bounded")
    return max(0.0, (loss(0.0) - float(best.fun)) * len(gold))


def fit_temperature(log_p: np.ndarray, gold: np.ndarray) -> float:
    """The temperature in [0.25, 4] that minimises the log-loss of scores [n, m] (Guo et al. 2017, arXiv 1706.04599).

    `CALM` times its squared logarithm is added to the summed log-loss: a few samples that happen to be all right do not
    make it extreme.
    """
    found = minimize_scalar(
        lambda log_t: len(gold) * log_loss(log_softmax(log_p / np.exp(log_t)), gold) + CALM * log_t**2,
        bounds=(np.log(0.25), np.log(4.0)),
        method="bounded",
    )
    return float(np.exp(found.x))


def mean_sd(values: Sequence[float], *, signed: bool = False) -> str:
    """Mean and sample standard deviation: '0.853 ± 0.004'; the mean alone for one value, '-' for none.

    Args:
        signed: write a positive mean with its sign, as a difference is.
    """
    if not values:
        return "-"
    text = f"{mean(values):{'+' if signed else ''}.3f}"
    return f"{text} ± {stdev(values):.3f}" if len(values) > 1 else text


@dataclass(frozen=True)
class OutOfFold:
    """Scores of every expert on samples of one task that it has not seen, with their ids and gold columns [n].

    What fusion is fitted on, and what experts are judged by. `flattered` are experts and calls that learned from
    texts which were written with such samples in view: their scores are better here than on samples that are new.
    """

    ids: tuple[str, ...]
    gold: np.ndarray
    scores: dict[str, np.ndarray]
    flattered: tuple[str, ...] = ()

    def flattered_of(self, names: Collection[str]) -> tuple[str, ...]:
        """`flattered`, or none of them where all of `names` are: then nothing else tells."""
        return () if set(names) <= set(self.flattered) else self.flattered

    def save(self, file: Path) -> None:
        """Write an npz file, whole or not at all."""
        arrays = {_PREFIX + name: matrix for name, matrix in self.scores.items()}
        names = {"ids": np.array(self.ids), "flattered": np.array(self.flattered, str)}
        with written_whole(file) as partial:
            np.savez_compressed(partial, gold=self.gold, **names, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> OutOfFold:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or is no such file.
        """
        try:
            with np.load(file, allow_pickle=False) as found:
                scores = {name.removeprefix(_PREFIX): found[name] for name in found.files if name.startswith(_PREFIX)}
                return cls(tuple(found["ids"].tolist()), found["gold"], scores, tuple(found["flattered"].tolist()))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{file} holds no scores of experts ({error}); a cross-validation writes such files."
            ) from error
