"""How far the nearest marked sample is to be trusted is learned from labelled samples."""

from __future__ import annotations

import numpy as np
import pytest

from kdsl.ensemble.marks import Marks


def around(centres: np.ndarray, each: int, spread: float, seed: int) -> np.ndarray:
    """`each` vectors of length 1 about each of the centres [m, d], one centre after the other."""
    rng = np.random.default_rng(seed)
    points = np.repeat(centres, each, axis=0) + spread * rng.normal(size=(each * len(centres), centres.shape[1]))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


CENTRES = np.eye(16)[:6]
LABELS = np.repeat(np.arange(5), 8)


def fitted(spread: float, marked: int = 1) -> tuple[Marks, np.ndarray]:
    labelled = around(CENTRES[:5], 8, spread, 1)
    found = Marks.fit(labelled, LABELS, np.arange(40), around(CENTRES[5:], marked, spread, 2))
    assert found is not None
    return found, labelled


def test_what_is_near_the_only_mark_is_of_its_kind_and_labelled_samples_are_not() -> None:
    marks, labelled = fitted(0.05)
    assert marks.unlike(around(CENTRES[5:], 20, 0.05, 3), labelled).max() < 0.5
    assert marks.unlike(around(CENTRES[:5], 20, 0.05, 4), labelled).min() > 0.5


def test_where_neighbours_often_have_other_labels_a_mark_says_less() -> None:
    (sure, labelled), (unsure, scattered) = fitted(0.05), fitted(0.6)
    near = around(CENTRES[5:], 20, 0.05, 3)
    assert sure.unlike(near, labelled).mean() < unsure.unlike(near, scattered).mean() - 0.1


def test_weights_are_not_negative_and_copies_are_not_compared() -> None:
    marks, labelled = fitted(0.3)
    assert marks.weights.min() >= 0
    twice = np.vstack([labelled, labelled])
    group = np.tile(np.arange(40), 2)
    again = Marks.fit(twice, np.tile(LABELS, 2), group, marks.vectors)
    assert again is not None
    asked = around(CENTRES, 10, 0.3, 5)
    assert again.unlike(asked, twice) == pytest.approx(marks.unlike(asked, labelled), abs=0.05)


@pytest.mark.parametrize(("rows", "marked"), [(40, 0), (8, 3), (1, 3)])
def test_no_mark_or_no_other_label_makes_no_model(rows: int, marked: int) -> None:
    labelled = around(CENTRES[:5], 8, 0.1, 1)[:rows]
    assert Marks.fit(labelled, LABELS[:rows], np.arange(rows), around(CENTRES[5:], marked, 0.1, 2)) is None


def test_a_model_reads_back() -> None:
    marks, labelled = fitted(0.2, 3)
    asked = around(CENTRES, 10, 0.2, 5)
    assert Marks.of(marks.tensors()).unlike(asked, labelled) == pytest.approx(marks.unlike(asked, labelled), abs=0.02)
