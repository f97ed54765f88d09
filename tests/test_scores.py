"""Scores: what is computed from them agrees with its definition."""

from __future__ import annotations

import pytest
from helpers.wilson import closed_form

from kdsl.scores import wilson_interval


def test_wilson_is_the_closed_form_to_the_last_digit_that_rule_books_show() -> None:
    for total in (1, 2, 3, 7, 20, 61, 749):
        for hits in range(0, total + 1, max(1, total // 60)):
            low, high = closed_form(hits, total, 1.96)
            interval = wilson_interval(hits, total)
            assert interval == pytest.approx((low, high), abs=1e-12)
            assert tuple(round(edge, 4) for edge in interval) == (round(low, 4), round(high, 4))


def test_wilson_holds_known_values() -> None:
    # R: prop.test(8, 10, correct = FALSE)
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=2e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(0, 5)[0] == 0.0
    assert wilson_interval(5, 5)[1] == 1.0
