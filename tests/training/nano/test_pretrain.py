"""Pretraining: a run is its seed, survives a kill, and refuses to be mixed with another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.tiny_pretraining import SNIPPETS, TINY
from safetensors.torch import load_file

from kdsl.errors import BundleError, ConfigError
from kdsl.models.nano.manifest import read_manifest
from kdsl.tasks import Task
from kdsl.training.nano.pretrain import pretrain
from kdsl.training.nano.schedule import WARM_UP, Schedule
from kdsl.world.rows import build_world


def test_a_killed_run_ends_where_an_uninterrupted_one_does(
    finished: Path, stopped_after_two: Path, scene: Task, intent: Task
) -> None:
    state = json.loads((stopped_after_two / "checkpoint" / "state.json").read_text("utf-8"))
    assert state["step"] == 2
    pretrain(stopped_after_two, TINY, (scene, intent), SNIPPETS)
    whole = load_file(finished / "weights" / "model.safetensors")
    resumed = load_file(stopped_after_two / "weights" / "model.safetensors")
    assert whole.keys() == resumed.keys()
    assert all(whole[name].equal(resumed[name]) for name in whole)


def test_progress_is_logged(
    tmp_path: Path, finished: Path, scene: Task, intent: Task, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "world").symlink_to(finished / "world")
    with caplog.at_level("INFO", "kdsl.training.nano"):
        pretrain(tmp_path, TINY, (scene, intent), SNIPPETS)
    assert [message for message in caplog.messages if message.startswith("step 2: held-out scene")]


def test_the_manifest_tells_how_the_weights_were_made(finished: Path) -> None:
    manifest = read_manifest(finished / "weights")
    assert manifest.steps == 3
    assert manifest.seed == 5
    assert "--seed 5 --steps 3" in manifest.command
    assert manifest.world == {"dialogues": 100, "screens": 100, "snippets": 2}
    assert set(manifest.held_out) == {"scene", "intent"}


def test_another_seed_is_refused_in_the_same_folder(finished: Path, scene: Task, intent: Task) -> None:
    with pytest.raises(BundleError, match=r"these differ: seed\)"):
        pretrain(finished, replace(TINY, seed=6), (scene, intent), SNIPPETS)


def test_a_run_needs_a_length(tmp_path: Path, scene: Task, intent: Task) -> None:
    with pytest.raises(ConfigError, match="by `steps` or by `minutes`"):
        pretrain(tmp_path, replace(TINY, steps=None), (scene, intent), SNIPPETS)


def test_the_world_is_its_seed_and_is_split_without_overlap(
    finished: Path, tmp_path: Path, scene: Task, intent: Task
) -> None:
    first = build_world(finished / "world", (scene, intent), 5, {"dialogues": 100, "screens": 100}, 1)
    again = build_world(tmp_path, (scene, intent), 5, {"dialogues": 100, "screens": 100}, 1)
    other = build_world(tmp_path / "other", (scene, intent), 6, {"dialogues": 100}, 1)
    assert first.dialogues == again.dialogues
    assert first.dialogues != other.dialogues
    assert [row.lines for row in first.screens] == [row.lines for row in again.screens]
    assert {row.label for row in first.dialogues} == set(intent.names)
    assert {row.label for row in first.screens} == set(scene.names)
    assert len(first.dialogues) + len(first.held_out_dialogues) == 100
    assert not {row.picture.name for row in first.screens} & {row.picture.name for row in first.held_out_screens}


def test_the_rate_rises_stays_and_falls_to_almost_nothing() -> None:
    schedule = Schedule(steps=1000)
    assert schedule.factor(0) == pytest.approx(1 / WARM_UP)
    assert schedule.factor(WARM_UP) == schedule.factor(749) == 1
    assert schedule.factor(875) == pytest.approx(0.5)
    assert 0 < schedule.factor(999) < 0.01


def test_a_run_given_minutes_fixes_its_steps_when_the_fall_begins() -> None:
    timed = Schedule(steps=None, minutes=40)
    timed.tick(300, 10.0)
    assert timed.steps is None
    assert timed.factor(300) == 1
    timed.tick(750, 30.0)
    assert timed.steps == 1000
    assert [timed.factor(step) for step in range(750, 1000)] == [
        Schedule(steps=1000).factor(step) for step in range(750, 1000)
    ]
