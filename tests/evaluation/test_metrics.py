"""Figures equal scikit-learn's, and calibration and coverage figures equal what is worked out by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from helpers.judged_lines import judge
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score

from kdsl.data.prediction import FiredRule, FoundSnippet, Trace
from kdsl.data.sample import Sample
from kdsl.evaluation.metrics import (
    Unsupported,
    accuracy_at,
    calibration_error,
    calibration_interval,
    compute_metrics,
    confusions,
    coverage_at,
    reliability,
    risk_curve,
    scope_metrics,
)
from kdsl.evaluation.predictions import Judged, PredictionLine

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


def test_the_interval_of_the_calibration_error_holds_it_and_narrows_with_samples() -> None:
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.3, 1, 4000)
    right = rng.random(4000) < probability - 0.1
    widths = []
    for n in (100, 4000):
        low, high = calibration_interval(probability[:n], right[:n])
        assert (low, high) == calibration_interval(probability[:n], right[:n])  # no chance in it
        widths.append(high - low)
    assert low < calibration_error(reliability(probability, right)) < high
    assert widths[1] < widths[0] / 3


def test_coverage_at_an_error_rate_by_hand() -> None:
    curve = np.array([0, 0.5, 1 / 3, 0.25, 0.4])
    assert coverage_at(curve, 0.25) == 4 / 5
    assert coverage_at(curve, 0.0) == 1 / 5
    assert coverage_at(np.array([1.0, 0.5]), 0.05) == 0


def test_brier_score_and_confident_errors_by_hand() -> None:
    def one(gold: str, distribution: dict[str, float]) -> Judged:
        label = max(distribution, key=distribution.__getitem__)
        line = PredictionLine(label=label, probability=distribution[label], distribution=distribution)
        return Judged(Sample("a", "scene", (), (), gold), gold, line)

    found = compute_metrics([one("x", {"x": 0.9, "y": 0.1}), one("x", {"y": 0.95, "x": 0.05})]).confidence
    assert found is not None
    assert found.brier == pytest.approx(((0.1**2 + 0.1**2) + (0.95**2 + 0.95**2)) / 2)
    assert (found.sure, found.sure_and_wrong) == (2, 1)
    assert found.coverage_at_5 == 0
    partial = compute_metrics([one("x", {"x": 0.9})]).confidence
    assert partial is not None
    assert partial.brier is None


def test_an_answer_without_evidence_has_neither_a_rule_nor_a_snippet_of_its_label() -> None:
    rule = FiredRule(id="r", label="x", weight=1.0, text="")
    snippet = FoundSnippet(id="s", label="y", title="", source="", score=0.4)

    def one(label: str, trace: Trace) -> Judged:
        return Judged(Sample("a", "scene", (), (), "x"), "x", PredictionLine(label=label, trace=trace))

    said = [one("x", Trace(rules=(rule,))), one("y", Trace(snippets=(snippet,))), one("x", Trace(snippets=(snippet,)))]
    assert compute_metrics([*said, one("z", Trace(rules=(rule,)))]).unsupported == Unsupported(2, 0.5, 0.5)
    assert compute_metrics(said[:1]).unsupported == Unsupported(0, 0.0, None)
    assert compute_metrics([judge("x", "x")]).unsupported is None


def test_scope_by_hand() -> None:
    def one(gold: str | None, label: str, in_scope: float | None) -> Judged:
        sample = Sample("a", "scene", (), (), gold, out_of_scope=None if gold else "NONE")
        line = PredictionLine(label=label, in_scope=in_scope, out_of_scope=in_scope is not None and in_scope < 0.5)
        return Judged(sample, gold or "NONE", line)

    judged = [one("x", "x", 0.9), one("y", "x", 0.6), one("y", "y", 0.4), one(None, "x", 0.2), one(None, "y", 0.5)]
    found = scope_metrics(judged)
    assert found is not None
    assert (found.n, found.found, found.rejected) == (2, 0.5, pytest.approx(1 / 3))
    assert found.auroc == pytest.approx(5 / 6)
    assert found.mcc == pytest.approx(matthews_corrcoef(["x", "y", "y", "-", "-"], ["x", "x", "-", "-", "y"]))
    assert scope_metrics(judged[:3]) is None
    untold = scope_metrics([one("x", "x", None), one(None, "x", None)])
    assert untold is not None
    assert untold.auroc is None
