"""`Doubt`: why a prediction should be looked at, and which one first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from kdsl.data.prediction import Prediction

Why = Literal["asks", "close", "disagree", "sure"]
ORDER: tuple[Why, ...] = ("asks", "close", "disagree", "sure")
"""From the first to be looked at: the bundle abstained or found no label fitting; its two likeliest labels are close;
most of the experts' weight is for other labels than the one that was said; none of these."""
CLOSE = 0.2
"""Difference of the two largest probabilities below which they are close."""


@dataclass(frozen=True)
class Doubt:
    """`margin` is the largest less the second probability; `disagreement` the share of the experts' weight that is for
    another label than the one that was said, those that abstain left out."""

    why: Why
    margin: float
    disagreement: float

    @classmethod
    def of(cls, prediction: Prediction) -> Self:
        """What there is to doubt in a prediction."""
        first, second = [*sorted(prediction.distribution.values(), reverse=True), 0.0, 0.0][:2]
        votes = [(vote.weight, vote.top[0][0]) for vote in prediction.trace.experts.values() if vote.top]
        total = sum(weight for weight, _ in votes)
        against = sum(weight for weight, label in votes if label != prediction.label)
        share = against / total if total else 0.0
        if prediction.abstained or prediction.out_of_scope:
            why: Why = "asks"
        elif first - second < CLOSE:
            why = "close"
        else:
            why = "disagree" if share > 0.5 else "sure"
        return cls(why, first - second, share)
