"""Whether a label fits is learned from labels that are left out, whatever the expert sees."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pytest

from kdsl.data.sample import Sample
from kdsl.ensemble.label_fit import LabelFit, Seen, Told

KINDS, EACH, DIM = 9, 10, 24
CENTRES = np.linalg.qr(np.random.default_rng(0).normal(size=(DIM, DIM)))[0][:KINDS]


def around(kinds: Collection[int], each: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = np.repeat(CENTRES[list(kinds)], each, axis=0)
    points = points + 0.15 * rng.normal(size=points.shape)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


VECTORS = around(range(6), EACH, 1)
LABELS = np.repeat(np.arange(6), EACH)
SAMPLES = [Sample(f"s{i}", "kind", (), (), f"kind {label}") for i, label in enumerate(LABELS)]
NOTHING = Told(Seen(np.zeros((0, 1)), VECTORS[:0]), np.zeros(0, int))


def logits(asked: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Ten times the cosine to each kind's mean over `rows` of the labelled vectors."""
    means = np.stack([VECTORS[rows][LABELS[rows] == kind].mean(axis=0) for kind in np.unique(LABELS[rows])])
    return np.asarray(10 * asked @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T)


def learn(kept: np.ndarray, gone: Collection[str]) -> Callable[[np.ndarray], np.ndarray]:
    assert not {SAMPLES[row].label for row in kept} & set(gone)
    return lambda rows: logits(VECTORS[rows], kept)


def seen(asked: np.ndarray) -> Seen:
    return Seen(logits(asked, np.arange(len(VECTORS))), asked)


def fitted(told: Told = NOTHING, share: float = 0.0) -> LabelFit:
    found = LabelFit.fit(SAMPLES, {}, VECTORS, learn, told, share, 17)
    assert found is not None
    return found


def test_kinds_without_a_label_are_told_from_others_and_what_shows_nothing_is_not_judged() -> None:
    model = fitted()
    assert model.auroc > 0.95
    assert model.weights.min() >= 0
    assert np.median(model.probability(seen(around(range(6), 9, 2)), VECTORS, None)) > 0.5
    assert np.median(model.probability(seen(around(range(6, 9), 9, 3)), VECTORS, None)) < 0.5
    assert np.isnan(model.probability(seen(np.zeros((1, DIM))), VECTORS, None)).all()


def test_marked_samples_are_a_fourth_figure_where_they_can_be_compared() -> None:
    marked = seen(around([7], 5, 4))
    assert len(fitted(Told(marked, np.arange(5))).weights) == 4
    assert len(fitted(Told(marked, np.zeros(5, int))).weights) == 3
    assert len(fitted().weights) == 3


def test_a_larger_share_that_is_marked_makes_doubt_greater() -> None:
    assert fitted(share=0.5).intercept == pytest.approx(fitted().intercept - np.log(0.8 / 0.2))
    assert fitted(share=0.1).intercept == fitted().intercept


@pytest.mark.parametrize("rows", [20, 6])
def test_too_few_labels_or_samples_make_no_model(rows: int) -> None:
    few = np.arange(rows) if rows == 20 else np.arange(0, 60, 10)  # two labels, and one sample of each of six
    samples = [SAMPLES[row] for row in few]

    def one(kept: np.ndarray, gone: Collection[str]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda asked: logits(VECTORS[few[asked]], few[kept])

    assert LabelFit.fit(samples, {}, VECTORS[few], one, NOTHING, 0.0, 17) is None


def test_a_model_reads_back() -> None:
    model, asked = fitted(), seen(around(range(KINDS), 4, 5))
    again = LabelFit.of(model.tensors())
    assert again.probability(asked, VECTORS, None) == pytest.approx(model.probability(asked, VECTORS, None))
    assert again.auroc == model.auroc
