"""Rare classes: drawn more often, and scores that no longer favour the frequent ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.trainings import train

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.balance import draw_shares, label_shifts
from kdsl.training.trainer import SimilarLengths

Load = Callable[..., LoadedModel]


@pytest.fixture(scope="module")
def skewed(dialogues: list[Evidence]) -> list[Evidence]:
    """Sixteen samples of the first label, four of the second, one of the third."""
    counts = (16, 4, 1)
    return [
        replace(dialogues[3 * (i % 3) + k], sample=replace(dialogues[3 * (i % 3) + k].sample, id=f"{k}-{i}"))
        for k, n in enumerate(counts)
        for i in range(n)
    ]


@pytest.mark.parametrize(("balance", "expected"), [("sqrt", (12, 6, 3)), ("uniform", (7, 7, 7))])
def test_an_epoch_draws_classes_as_often_as_asked(
    balance: str, expected: tuple[int, ...], skewed: list[Evidence], care: Task
) -> None:
    shares = draw_shares(skewed, balance)  # type: ignore[arg-type]
    assert shares is not None
    assert sum(shares) == pytest.approx(1)
    lengths = [10 + i % 5 for i in range(len(skewed))]
    sampler = SimilarLengths(lengths, 4, 3, shares)
    orders = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        drawn = Counter(skewed[i].sample.label for i in orders[-1])
        assert len(orders[-1]) == len(sampler) == 21
        for label, n in zip(care.names, expected, strict=True):
            assert abs(drawn[label] - n) <= 2  # each sample's count is rounded by lot
    assert orders[0] != orders[1]
    sampler.set_epoch(0)
    assert list(sampler) == orders[0]
    assert draw_shares(skewed, "none") is None


def test_samples_without_a_label_are_drawn_as_often_as_without_balance(skewed: list[Evidence]) -> None:
    bare = [replace(e, sample=replace(e.sample, id=f"bare-{i}", label=None)) for i, e in enumerate(skewed * 3)]
    shares = draw_shares([*skewed, *bare], "uniform")
    assert shares is not None
    assert sum(shares) == pytest.approx(1)
    assert shares[len(skewed) :] == pytest.approx([1 / 84] * 63)
    assert shares[:21] == pytest.approx([7 / 84 / n for n in (16, 4, 1) for _ in range(n)])


def test_shifts_are_the_log_prior_of_what_training_draws(skewed: list[Evidence], care: Task) -> None:
    shifts = label_shifts(skewed, [care], "none", 2.0)["care"]
    assert list(shifts.values()) == pytest.approx([2 * math.log(n / 24) for n in (17, 5, 2)])
    assert len(set(label_shifts(skewed, [care], "uniform", 2.0)["care"].values())) == 1


def test_logit_adjustment_favours_rare_labels_by_their_prior(
    load_tiny: Load, skewed: list[Evidence], dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny()
    scorer = LabelScorer(loaded, care, small_config.prompt)
    gold = np.array([care.index(e.sample.label or "") for e in dialogues])
    scores = {}
    for tau in (0.0, 1.0):
        training = small_config.training.model_copy(update={"epochs": 3, "logit_adjustment": tau})
        config = small_config.model_copy(update={"training": training})
        with adapter_on(loaded, train(loaded, skewed, [care], config, tmp_path / str(tau), seed=1)):
            scores[tau] = scorer.score(dialogues)
    prior = np.log(np.array([17, 5, 2]) / 24)
    expected = scores[0.0] - prior
    expected -= np.logaddexp.reduce(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(scores[1.0], expected, atol=1e-5)
    # over a test set in which all labels are alike, its purpose: the gold labels' mean log-probability rises
    loss = {tau: -float(s[range(9), gold].mean()) for tau, s in scores.items()}
    assert loss[1.0] < loss[0.0]
    assert not loaded.label_shifts
