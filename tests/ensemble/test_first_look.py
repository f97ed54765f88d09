"""No work for nothing: models and experts that are no better than chance are neither trained, kept nor asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import Config, EnsembleConfig
from kdsl.ensemble import first_look as first_look_module
from kdsl.ensemble.first_look import first_look
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.router import fit_router, worth_asking
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.models.roles import Models
from kdsl.scores import OutOfFold, likelihood_gain, log_softmax
from kdsl.tasks import Task

RANDOM = np.random.default_rng(3)
GOLD = np.arange(60) % 3
NOISE = log_softmax(RANDOM.normal(size=(60, 3)))
TOLD = log_softmax(RANDOM.normal(size=(60, 3)) + 2 * np.eye(3)[GOLD])
BIASED = log_softmax(np.tile([5.0, 0.0, 0.0], (60, 1)))


def _out_of_fold(n: int = 60, **scores: np.ndarray) -> OutOfFold:
    return OutOfFold(tuple(map(str, range(n))), GOLD[:n], {name: matrix[:n] for name, matrix in scores.items()})


@pytest.fixture
def asking(tasks: list[Task], make_evidence: Callable[..., Evidence]) -> tuple[Task, list[Evidence]]:
    """A task of dialogues with 54 samples that plain words tell apart."""
    task = next(task for task in tasks if task.name == "ask")
    made = [
        make_evidence(f"{label} {i}", label, turns=(("user", f"{label} 问题 {i}"),), task=task.name)
        for i in range(18)
        for label in task.names
    ]
    return task, [Evidence(one.sample, ()) for one in made]


def test_gain_tells_knowledge_from_noise_bias_and_silence() -> None:
    assert likelihood_gain(TOLD, GOLD) > 20
    for nothing in (NOISE, BIASED, np.full((60, 3), np.nan)):
        assert likelihood_gain(nothing, GOLD) < 2


def test_an_expert_no_better_than_chance_is_left_out(said: list[str]) -> None:
    said.clear()
    first = _out_of_fold(knows=TOLD, guesses=NOISE)
    assert worth_asking(first) == ["knows"]
    assert "guesses: no better than chance on these labels, left out" in said
    asked: list[str] = []
    router = fit_router(first, lambda names, fused, rows: asked.extend(names) or {}, EnsembleConfig(), seed=1)
    assert router.names == {"knows"}
    assert asked == ["knows"]
    assert {"f1_knows", "f1_guesses"} <= set(router.figures)


def test_few_samples_leave_nobody_out() -> None:
    assert worth_asking(_out_of_fold(40, knows=TOLD, guesses=NOISE)) == ["knows", "guesses"]
    assert worth_asking(_out_of_fold(guesses=NOISE)) == ["guesses"]


def test_a_model_that_tells_nothing_is_left_out_and_costs_no_call(
    asking: tuple[Task, list[Evidence]], config: Config, models: Models, tmp_path: Path, said: list[str]
) -> None:
    task, samples = asking
    said.clear()
    # a random model of two layers: this many optimizer steps teach it nothing
    settings = config.model_copy(
        update={"training": config.training.model_copy(update={"learning_rate": 1e-6}), "small": config.large}
    )
    bundle = fit_bundle(samples, [task], settings, tmp_path / "bundle", Models(settings))
    assert (
        f"large ({settings.large and settings.large.source}): no better than chance on your labels of ask, left out"
        in said
    )
    assert bundle.config.large is None
    assert bundle.config.small is None
    assert bundle.manifest["base"] == {}
    assert not (bundle.folder / "adapters").exists()
    predictor = Predictor(bundle)
    found = predictor.predict(samples[:3])
    assert [one.spend.calls for one in found] == [0, 0, 0]
    assert [one.label for one in found] == [one.sample.label for one in samples[:3]]
    everyone = predictor.tasks[task.name].first_scores(samples[:3])
    assert set(everyone) == {"rules", "retrieval", "lexical", "semantic"}


def test_a_model_that_knows_the_labels_is_kept_without_training(
    asking: tuple[Task, list[Evidence]],
    config: Config,
    models: Models,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, samples = asking
    setup = Setup((task,), config, models)
    knows = lambda task, asked, setup: 3 * np.eye(3)[[task.index(e.sample.label or "") for e in asked]]  # noqa: E731
    monkeypatch.setattr(first_look_module, "_as_it_is", knows)
    monkeypatch.setattr(first_look_module, "_after_training", lambda *_: pytest.fail("trained for nothing"))
    assert first_look(setup, {task.name: samples}, tmp_path) is setup
    monkeypatch.setattr(first_look_module, "_as_it_is", lambda *_: pytest.fail("asked again"))
    assert first_look(setup, {task.name: samples}, tmp_path) is setup
    assert json.loads((tmp_path / "large-ask.json").read_text("utf-8")) == {"tells": True}


def test_few_samples_are_not_judged(
    asking: tuple[Task, list[Evidence]], config: Config, models: Models, tmp_path: Path
) -> None:
    task, samples = asking
    setup = Setup((task,), config, models)
    assert first_look(setup, {task.name: samples[:40]}, tmp_path) is setup


def test_a_model_that_is_asked_about_no_task_is_told(
    asking: tuple[Task, list[Evidence]],
    config: Config,
    models: Models,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    task, samples = asking
    assert config.large is not None
    settings = config.model_copy(update={"large": config.large.model_copy(update={"tasks": ("intent",)})})
    left = first_look(Setup((task,), settings, models), {task.name: samples}, tmp_path)
    assert "is asked about no task of this fit: its `tasks` are intent, and there are ask" in caplog.text
    assert left.config.large is None
