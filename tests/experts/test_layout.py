"""The layout expert learns from places and colours alone, abstains without a picture, and reads back what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import material_of, setup_of
from sklearn.linear_model import LogisticRegression

from kdsl.evidence.types import Evidence, OcrLine
from kdsl.experts.layout import C, LayoutExpert, _features
from kdsl.experts.linear import FLOOR
from kdsl.tasks import Task

LABELS = ("购物车页面", "退款页面", "外部APP截图")


def screen(make: Callable[..., Evidence], label: str, i: int) -> Evidence:
    """The same words under every label: a list on white at the left, on red at the right, or no text on dark."""
    evidence = make(f"{label}{i}", label, lines=("店铺",))
    picture = evidence.pictures[0]
    kind = LABELS.index(label)
    left = 0.05 * picture.width if kind == 0 else 0.7 * picture.width
    lines = tuple(
        OcrLine("店铺", 0.9, (left, y * picture.height, left + 0.2 * picture.width, (y + 0.02) * picture.height))
        for y in (0.1 + 0.01 * i, 0.3, 0.5, 0.7)
    )
    cells = ((0.9, 0.0, 0.0, 0.1), (0.5, 0.4, 0.0, 0.2), (0.1, 0.0, 0.0, 0.05))[kind] * 24
    facts = replace(picture.facts, cells=cells, brightness=cells[0], has_text=kind < 2)
    return Evidence(evidence.sample, (replace(picture, lines=lines if kind < 2 else (), facts=facts),))


def fitted(task: Task, labelled: list[Evidence]) -> LayoutExpert:
    return LayoutExpert(task, setup_of(task)).fit(material_of(task, labelled))


@pytest.fixture
def screens(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    return [screen(make_evidence, label, i) for label in LABELS for i in range(4)]


def test_learns_saves_and_loads(screens: list[Evidence], scene: Task, tmp_path: Path) -> None:
    expert = fitted(scene, screens[::2])
    scores = expert.scores(screens[1::2])
    assert [scene.names[i] for i in scores.argmax(1)] == [e.sample.label for e in screens[1::2]]
    assert (scores[:, scene.index("物流页面-物流异常页面")] == FLOOR).all()
    expert.save(tmp_path / "layout")
    assert np.array_equal(
        LayoutExpert.load(tmp_path / "layout", scene, setup_of(scene)).scores(screens), expert.scores(screens)
    )


@pytest.mark.parametrize("n_labels", [2, 3])
def test_gives_the_probabilities_of_scikit_learn(screens: list[Evidence], scene: Task, n_labels: int) -> None:
    shown = screens[: 4 * n_labels]
    expert = fitted(scene, shown)
    features = np.stack([_features(e) for e in shown])
    standard = (features - expert.mean_) / expert.scale_
    labels = [scene.index(e.sample.label or "") for e in shown]
    wanted = LogisticRegression(C=C, max_iter=3000).fit(standard, labels).predict_proba(standard)
    assert np.exp(expert.scores(shown))[:, expert.model_.classes] == pytest.approx(wanted, abs=1e-3)


def test_abstains_without_a_picture(screens: list[Evidence], scene: Task) -> None:
    blind = replace(screens[0], pictures=())
    scores = fitted(scene, [*screens, blind]).scores([blind, screens[0]])
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1]).all()


def test_features_do_not_depend_on_words(screens: list[Evidence]) -> None:
    picture = screens[0].pictures[0]
    other = replace(picture, lines=tuple(replace(line, text="订单") for line in picture.lines))
    assert np.array_equal(_features(screens[0]), _features(replace(screens[0], pictures=(other,))))
