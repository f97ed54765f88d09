"""Scores equal what scikit-learn and scipy give on small matrices, and read back as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as sklearn_log_loss

from kdsl.errors import InputError
from kdsl.scores import (
    OutOfFold,
    fit_temperature,
    log_loss,
    log_softmax,
    macro_f1,
    margins,
    mean_sd,
    weighted_f1,
)


@pytest.fixture
def log_p() -> np.ndarray:
    """Five samples, three labels."""
    return log_softmax(np.random.default_rng(3).normal(size=(5, 3)))


def test_log_softmax_is_scipys_by_row_and_keeps_abstentions() -> None:
    logits = np.array([[1.0, 2.0, 900.0], [0.0, 0.0, 0.0], [np.nan] * 3])
    np.testing.assert_array_equal(log_softmax(logits), scipy_log_softmax(logits, axis=1))
    assert np.isnan(log_softmax(logits)[2]).all()
    np.testing.assert_allclose(np.exp(log_softmax(logits)[:2]).sum(axis=1), 1)


def test_f1_is_scikit_learns_for_columns_and_for_names() -> None:
    gold, said = ["a", "b", "b", "c"], ["a", "b", "x", ""]  # a label that is not gold, and none at all
    assert weighted_f1(gold, said) == pytest.approx(f1_score(gold, said, average="weighted", zero_division=0))
    assert macro_f1(gold, said) == pytest.approx(f1_score(gold, said, average="macro", zero_division=0))
    columns = np.array([0, 1, 1, 2]), np.array([0, 1, 0, 0])
    assert weighted_f1(*columns) == pytest.approx((1 * 0.5 + 2 * 2 / 3 + 0) / 4)


def test_log_loss_is_scikit_learns(log_p: np.ndarray) -> None:
    gold = np.array([0, 1, 2, 1, 0])
    assert log_loss(log_p, gold) == pytest.approx(sklearn_log_loss(gold, np.exp(log_p), labels=[0, 1, 2]))


def test_a_margin_is_the_best_minus_the_second_probability() -> None:
    log_p = np.log([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(margins(log_p), [0.2, 0.7, 0.0], atol=1e-12)
    assert np.isnan(margins(np.full((1, 3), np.nan))).all()


def test_the_temperature_found_is_the_one_that_was_applied() -> None:
    rng = np.random.default_rng(0)
    honest = log_softmax(rng.normal(size=(4000, 4)) * 2)
    gold = np.array([rng.choice(4, p=np.exp(row)) for row in honest])
    assert fit_temperature(honest, gold) == pytest.approx(1.0, abs=0.1)
    assert fit_temperature(log_softmax(honest * 2), gold) == pytest.approx(2.0, abs=0.2)  # too sure of itself
    assert 0.25 <= fit_temperature(np.log([[0.99, 0.01]]), np.array([0])) <= 4  # bounded where more is always better
    lucky = np.log(np.tile([[0.6, 0.2, 0.2]], (20, 1)))
    assert fit_temperature(lucky, np.zeros(20, int)) > 0.3  # all right, but they are few


@pytest.mark.parametrize(
    ("values", "signed", "text"),
    [
        ([0.8, 0.9], False, "0.850 ± 0.071"),
        ([0.85], False, "0.850"),
        ([], False, "-"),
        ([0.01, 0.03], True, "+0.020 ± 0.014"),
        ([-0.5], True, "-0.500"),
    ],
)
def test_mean_and_standard_deviation_as_text(values: list[float], signed: bool, text: str) -> None:
    assert mean_sd(values, signed=signed) == text


def test_out_of_fold_scores_read_back_as_they_were_saved(tmp_path: Path, log_p: np.ndarray) -> None:
    scores = {"large": log_p, "silent": np.full((5, 3), np.nan)}
    made = OutOfFold(tuple("abcde"), np.array([0, 1, 2, 1, 0]), scores)
    made.save(tmp_path / "new" / "scores.npz")
    read = OutOfFold.load(tmp_path / "new" / "scores.npz")
    assert read.ids == made.ids
    assert list(read.scores) == ["large", "silent"]
    np.testing.assert_array_equal(read.gold, made.gold)
    for name, matrix in scores.items():
        np.testing.assert_array_equal(read.scores[name], matrix)


def test_what_holds_no_scores_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.npz holds no scores of experts"):
        OutOfFold.load(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"b\.npz holds no scores of experts"):
        OutOfFold.load(tmp_path / "b.npz")
