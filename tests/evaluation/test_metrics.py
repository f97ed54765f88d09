"""Figures equal scikit-learn's, and calibration and coverage figures equal what is worked out by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from helpers.judged_lines import judge
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from kdsl.evaluation.metrics import accuracy_at, calibration_error, compute_metrics, confusions, reliability, risk_curve

LABELS = ("退款页面", "退货页面", "换货页面", "购物车页面")
pairs = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, "列表之外"))), min_size=1, max_size=60)


@given(pairs)
def test_figures_equal_scikit_learns(rows: list[tuple[str, str]]) -> None:
    gold, said = [g for g, _ in rows], [p for _, p in rows]
    metrics = compute_metrics([judge(g, p) for g, p in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        assert metrics.f1 == pytest.approx(f1_score(gold, said, average="weighted", zero_division=0))
        assert metrics.macro_f1 == pytest.approx(f1_score(gold, said, average="macro", zero_division=0))
        assert metrics.precision == pytest.approx(precision_score(gold, said, average="weighted", zero_division=0))
        assert metrics.recall == pytest.approx(recall_score(gold, said, average="weighted", zero_division=0))
    assert metrics.accuracy == pytest.approx(accuracy_score(gold, said))
    assert sum(label.support for label in metrics.labels) == len(rows)
    assert sum(label.predicted for label in metrics.labels) == len(rows)
    assert sum(pair.n for pair in metrics.confusions) == sum(g != p for g, p in rows)


@given(pairs)
def test_failed_samples_count_as_wrong_and_add_no_label(rows: list[tuple[str, str]]) -> None:
    rows = [*rows, ("退款页面", "退款页面")]
    gold, said = [*(g for g, _ in rows), "退款页面"], [*(p for _, p in rows), ""]
    metrics = compute_metrics([judge(g, p or None) for g, p in zip(gold, said, strict=True)])
    assert metrics.f1 == pytest.approx(f1_score(gold, said, average="weighted", zero_division=0))
    assert metrics.failed == 1
    assert "" not in {label.label for label in metrics.labels}
    assert all(pair.predicted for pair in metrics.confusions)


def test_calibration_error_by_hand() -> None:
    # two bins are used: 0.9 and 0.9 (one of two right), 0.3 (right)
    bins = reliability(np.array([0.9, 0.9, 0.3]), np.array([True, False, True]))
    assert [(b.n, b.accuracy) for b in bins] == [(1, 1.0), (2, 0.5)]
    assert calibration_error(bins) == pytest.approx((1 * 0.7 + 2 * 0.4) / 3)


def test_bins_cover_both_ends() -> None:
    bins = reliability(np.array([0.0, 1.0, 1 / 15]), np.array([False, True, True]))
    assert [(b.low, b.n) for b in bins] == [(0.0, 2), (pytest.approx(14 / 15), 1)]


def test_calibrated_predictions_have_a_small_error_and_overconfident_ones_do_not() -> None:
    rng = np.random.default_rng(3)
    probability = rng.uniform(0.2, 1, 20_000)
    assert calibration_error(reliability(probability, rng.random(20_000) < probability)) < 0.02
    assert calibration_error(reliability(probability, rng.random(20_000) < probability - 0.2)) > 0.15


def test_risk_curve_by_hand() -> None:
    curve = risk_curve(np.array([0.2, 0.9, 0.5, 0.7]), np.array([False, True, False, True]))
    assert curve.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert accuracy_at(curve, 0.5) == 1
    assert accuracy_at(curve, 0.7) == pytest.approx(2 / 3)  # 2.8 samples are rounded up to 3
    assert accuracy_at(curve, 1.0) == 0.5


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30))
def test_risk_of_ties_does_not_depend_on_their_order(rows: list[tuple[float, bool]]) -> None:
    def curve(rows: list[tuple[float, bool]]) -> np.ndarray:
        return risk_curve(np.array([p for p, _ in rows]), np.array([r for _, r in rows], dtype=bool))

    assert curve(rows) == pytest.approx(curve(rows[::-1]))
    assert curve(rows)[-1] == pytest.approx(sum(not right for _, right in rows) / len(rows))


def test_confidence_is_left_out_without_probabilities() -> None:
    assert compute_metrics([judge("a", "a"), judge("a", "b", 0.5)]).confidence is None
    metrics = compute_metrics([judge("a", "a", 0.9), judge("a", None)])
    assert metrics.confidence is not None
    assert metrics.confidence.ece == pytest.approx(0.1)  # the failed sample has no probability
    assert metrics.accuracy == 0.5


def test_confusions_come_by_frequency_with_their_share() -> None:
    judged = [judge("a", "b"), judge("a", "b"), judge("a", "a"), judge("c", "a"), judge("c", None)]
    assert [(c.gold, c.predicted, c.n, c.share) for c in confusions(judged)] == [
        ("a", "b", 2, 2 / 3),
        ("c", "a", 1, 0.5),
    ]
