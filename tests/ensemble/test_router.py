"""The threshold below which predictions are left to a person is read off held-out ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from kdsl.ensemble.router import ask_threshold


def threshold(told: Sequence[tuple[float, bool]], accuracy: float) -> float:
    """Of two labels: the first is predicted with these probabilities, and is right or not."""
    log_p = np.log([[probability, 1 - probability] for probability, _ in told])
    return ask_threshold(log_p, np.array([0 if right else 1 for _, right in told]), accuracy)


def test_predictions_above_the_threshold_reach_the_accuracy() -> None:
    told = [(0.6, False), (0.9, True), (0.8, False), (0.7, True), (0.95, True)]
    assert threshold(told, 0.9) == pytest.approx(0.9)
    assert threshold(told, 0.7) == pytest.approx(0.7)
    assert threshold(told, 0.5) == pytest.approx(0.6)
    assert threshold([(0.9, False), (0.8, True)], 0.9) == 1.0


@pytest.mark.parametrize("first", [0, 3])
def test_predictions_of_one_probability_are_judged_together_in_any_order(first: int) -> None:
    alike = [(0.6, i == first) for i in range(4)]
    assert threshold(alike, 0.9) == 1.0
    assert threshold([*alike, (0.9, True)], 0.9) == pytest.approx(0.9)
