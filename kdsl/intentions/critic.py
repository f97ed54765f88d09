"""`Critic`: a logistic regression on embeddings, trained on verdicts, with a threshold at a stated precision.

FolkScope (arXiv 2211.08316, section 3.4) and COSMO train such a critic on people's verdicts and read the threshold off
its precision-recall curve. Here the curve is of out-of-fold probabilities, with whole pairs left out, and the precision
that is reported is that of verdicts of further pairs, which neither fit nor threshold have seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import GroupKFold

from kdsl.encoders.base import TextEncoder
from kdsl.errors import BundleError, InputError
from kdsl.files import atomic_write, write_json
from kdsl.intentions.rules import plain
from kdsl.runs import digest
from kdsl.scores import log_loss

STRENGTHS = (0.03, 0.3, 3.0)
"""Inverse strengths of regularisation to choose from, by out-of-fold log-loss."""
FEWEST = 20
"""Verdicts of each kind that a critic needs."""
FEWEST_KEPT = 10
"""Verdicts above the threshold that its precision must rest on."""
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What the critic looks at: an intention, its relation, both titles, and the judge's log-odds of yes."""

    relation: str
    tail: str
    titles: tuple[str, str]
    log_odds: float


@dataclass(frozen=True)
class Curve:
    """Precision and recall of all that has at least each threshold, out of fold; recall falls."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    kept: tuple[int, ...]

    def threshold_at(self, precision: float) -> float:
        """The threshold that keeps most with at least this precision.

        Raises:
            InputError: none has it; says which one comes nearest.
        """
        enough = [i for i, kept in enumerate(self.kept) if kept >= FEWEST_KEPT]
        good = [i for i in enough if self.precision[i] >= precision]
        if not good:
            best = max(enough, key=lambda i: self.precision[i])
            raise InputError(
                f"no threshold reaches a precision of {precision:g} on these verdicts: the best is "
                f"{self.precision[best]:.2f}, with {self.kept[best]} kept. Ask for less, or give more verdicts."
            )
        return self.thresholds[max(good, key=lambda i: self.kept[i])]


@dataclass(frozen=True)
class Critic:
    """A fitted critic. `threshold` is a probability; `curve` is what it was read off."""

    relations: tuple[str, ...]
    encoder: str
    """Name and version of the encoder."""
    weights: np.ndarray
    bias: float
    threshold: float
    precision: float
    """The precision that was asked for."""
    strength: float
    curve: Curve

    def probabilities(self, judged: Sequence[Judged], encoder: TextEncoder) -> np.ndarray:
        """Probability that a person would approve of each intention, [n].

        Raises:
            BundleError: the encoder is not the one that the critic was fitted on.
        """
        if self.encoder != encoder_id(encoder):
            raise BundleError(
                f"the critic was fitted on encoder {self.encoder}, and {encoder_id(encoder)} is used; fit it again."
            )
        if not judged:
            return np.zeros(0)
        return 1 / (1 + np.exp(-(_features(judged, self.relations, encoder) @ self.weights + self.bias)))

    def save(self, folder: Path) -> None:
        """Write critic.safetensors and, last, critic.json."""
        atomic_write(folder / "critic.safetensors", save({"weights": self.weights}))
        rest = {key: value for key, value in asdict(self).items() if key != "weights"}
        write_json(folder / "critic.json", {**rest, "of": digest(self.weights.tobytes())})

    @classmethod
    def load(cls, folder: Path) -> Critic:
        """Read what `save` wrote.

        Raises:
            BundleError: it is missing, damaged, or half of it is of another fit.
        """
        try:
            rest: dict[str, Any] = json.loads((folder / "critic.json").read_text("utf-8"))
            weights = load_file(folder / "critic.safetensors")["weights"]
            if rest.pop("of") != digest(weights.tobytes()):
                raise ValueError("the two files are of different fits")
            curve = Curve(**{key: tuple(values) for key, values in rest.pop("curve").items()})
            return cls(weights=weights, curve=curve, relations=tuple(rest.pop("relations")), **rest)
        except Exception as error:  # readers raise anything on damaged files
            raise BundleError(f"{folder}: its critic cannot be read ({error}); fit it again.") from error


def fit_critic(
    judged: Sequence[Judged],
    approved: Sequence[bool],
    pairs: Sequence[str],
    encoder: TextEncoder,
    precision: float,
) -> Critic:
    """Fit a critic to verdicts, and choose its threshold out of fold.

    Args:
        pairs: the pair that each verdict is about; a pair's verdicts stay together.
        precision: least share of approved ones among what is kept, out of fold.

    Raises:
        InputError: there are too few verdicts of a kind, or of different pairs; or no threshold has that precision.
    """
    gold = np.array(approved, bool)
    for kind, count in (("approve", int(gold.sum())), ("reject", int((~gold).sum()))):
        if count < FEWEST:
            raise InputError(f"only {count} verdict(s) {kind}; a critic needs {FEWEST} of each kind. Judge more.")
    if len(set(pairs)) < _FOLDS:
        raise InputError(f"the verdicts are about {len(set(pairs))} pair(s); a critic needs {_FOLDS} or more.")
    relations = tuple(sorted({one.relation for one in judged}))
    x = _features(judged, relations, encoder)
    folds = list(GroupKFold(_FOLDS).split(x, gold, list(pairs)))
    held_out = {strength: _out_of_fold(x, gold, folds, strength) for strength in STRENGTHS}
    strength = min(STRENGTHS, key=lambda one: log_loss(np.log(np.c_[1 - held_out[one], held_out[one]]), gold * 1))
    curve = curve_of(held_out[strength], gold)
    model = LogisticRegression(C=strength, max_iter=1000).fit(x, gold)
    return Critic(
        relations,
        encoder_id(encoder),
        model.coef_[0],
        float(model.intercept_[0]),
        curve.threshold_at(precision),
        precision,
        strength,
        curve,
    )


def curve_of(probabilities: np.ndarray, gold: np.ndarray) -> Curve:
    """The precision-recall curve of probabilities [n] against verdicts [n]."""
    precision, recall, thresholds = precision_recall_curve(gold, probabilities)
    kept = [int((probabilities >= threshold).sum()) for threshold in thresholds]
    return Curve(tuple(thresholds.tolist()), tuple(precision[:-1].tolist()), tuple(recall[:-1].tolist()), tuple(kept))


def encoder_id(encoder: TextEncoder) -> str:
    """The encoder that vectors are of."""
    return f"{encoder.name} {encoder.version}"


def _out_of_fold(x: np.ndarray, gold: np.ndarray, folds: Sequence[Any], strength: float) -> np.ndarray:
    """Probability of approval [n] of each verdict by a model that has not seen its pair; the prior where a fold has
    verdicts of one kind alone."""
    held_out = np.full(len(gold), gold.mean())
    for train, test in folds:
        if 0 < gold[train].sum() < len(train):
            model = LogisticRegression(C=strength, max_iter=1000).fit(x[train], gold[train])
            held_out[test] = model.predict_proba(x[test])[:, 1]
    return held_out.clip(1e-9, 1 - 1e-9)


def _features(judged: Sequence[Judged], relations: Sequence[str], encoder: TextEncoder) -> np.ndarray:
    """[n, 2 d + 5 + r]: the intention's vector, its product with the mean of both titles' vectors, how near it is to
    each title and they to each other, the judge's log-odds, the length, and the relation."""
    tails = encoder.encode([plain(one.tail) for one in judged])
    a, b = (encoder.encode([one.titles[side] for one in judged]) for side in (0, 1))
    near = np.c_[(tails * a).sum(1), (tails * b).sum(1), (a * b).sum(1)]
    # log-odds and lengths on the scale of cosines
    others = np.c_[[one.log_odds / 5 for one in judged], [np.log1p(len(one.tail)) / 5 for one in judged]]
    ties = np.array([[one.relation == name for name in relations] for one in judged], np.float64)
    return np.hstack([tails, tails * (a + b) / 2 * np.sqrt(encoder.dim), near, others, ties]).astype(np.float64)
