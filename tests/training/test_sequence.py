"""Strategy `sequence`: one adapter, trained on each task in turn and then on all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.trainings import killed_at, losses_of, train, with_training
from safetensors.torch import load_file

from kdsl.config import Config
from kdsl.errors import BundleError
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.tasks import Task
from kdsl.training import trainer as trainer_module
from kdsl.training.folder import half_epochs
from kdsl.training.job import adapter_groups, count_trainings

Load = Callable[..., LoadedModel]
SEQUENCE = {"strategy": "sequence", "epochs": 1, "learning_rate": 0.01, "save_every": 1}
FULL = SEQUENCE | {"regime": "full", "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def both(care: Task) -> list[Task]:
    return [care, care.model_copy(update={"name": "other", "prompt": "选一个标签。"})]


@pytest.fixture(scope="module")
def mixed(dialogues: list[Evidence]) -> list[Evidence]:
    """Nine samples of the one task, six of the other."""
    return dialogues + [replace(e, sample=replace(e.sample, task="other")) for e in dialogues[:6]]


@pytest.mark.parametrize("settings", [SEQUENCE, FULL], ids=["lora", "full"])
def test_each_stage_begins_where_the_one_before_ended(
    settings: dict[str, Any],
    load_tiny: Load,
    mixed: list[Evidence],
    both: list[Task],
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages: list[tuple[str, list[float]]] = []

    class Heard(trainer_module.RichProgress):
        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            stages.append((self.title, [row["loss"] for row in state.log_history if "loss" in row]))

    monkeypatch.setattr(trainer_module, "RichProgress", Heard)
    config = with_training(small_config, **settings)
    out = train(load_tiny(), mixed, both, config, tmp_path / "sequence")
    joint = train(load_tiny(), mixed, both, with_training(config, strategy="joint"), tmp_path / "joint")
    care = train(load_tiny(), mixed, both[:1], with_training(config, strategy="separate"), tmp_path / "care")

    assert [(title, len(losses)) for title, losses in stages[:3]] == [("care", 3), ("other", 2), ("sequence", 5)]
    assert stages[0][1] == losses_of(care)  # the first stage is the task's own training
    assert losses_of(out) == stages[2][1]
    with pytest.raises(BundleError, match="these differ: sequence"):  # nor is it taken for the other
        train(load_tiny(), mixed, both, with_training(config, strategy="joint"), out)
    with pytest.raises(BundleError, match="these differ: sequence"):
        train(load_tiny(), mixed, both, config, joint)
    # the same samples in the same order, by a model that has seen them
    assert losses_of(out)[0] < losses_of(joint)[0] - 0.05
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in joint.iterdir())
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["sequence"] == ["care", "other"]
    assert manifest["samples"] == {"care": 9, "other": 6}


@pytest.mark.parametrize("stage", ["other", "cut"])
def test_a_sequence_killed_within_a_stage_ends_as_if_it_had_not_been(
    stage: str,
    load_tiny: Load,
    mixed: list[Evidence],
    both: list[Task],
    small_config: Config,
    tmp_path: Path,
) -> None:
    config = with_training(small_config, **SEQUENCE)
    whole = train(load_tiny(), mixed, both, config, tmp_path / "whole")

    with killed_at(1, stage):
        train(load_tiny(), mixed, both, config, tmp_path / "cut")
    assert (tmp_path / "cut" / "stages" / "care" / "manifest.json").is_file()
    with pytest.raises(BundleError, match="these differ: seed"):
        train(load_tiny(), mixed, both, config, tmp_path / "cut", seed=2)

    torch.manual_seed(999)  # a new process has another random state
    cut = train(load_tiny(), mixed, both, config, tmp_path / "cut", halves=True)
    assert losses_of(cut) == pytest.approx(losses_of(whole), abs=1e-3)
    ended, undisturbed = (load_file(folder / "adapter_model.safetensors") for folder in (cut, whole))
    for name, tensor in undisturbed.items():
        torch.testing.assert_close(ended[name], tensor, rtol=0, atol=1e-4)
    assert half_epochs(cut) == [0.5, 1.0]  # of the last stage
    assert not (cut / "stages").exists()


def test_what_is_discarded_is_begun_with_its_first_stage(
    load_tiny: Load,
    mixed: list[Evidence],
    both: list[Task],
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = []

    class Kill(trainer_module.RichProgress):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            super().on_train_begin(args, state, control, **kwargs)
            begun.append(self.title)
            if len(begun) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(trainer_module, "RichProgress", Kill)
    config = with_training(small_config, **SEQUENCE)
    with pytest.raises(KeyboardInterrupt):
        train(load_tiny(), mixed, both, config, tmp_path / "out")
    train(load_tiny(), mixed, both, with_training(config, lora_r=2), tmp_path / "out", resume=False)
    assert begun == ["care", "other", "out"] * 2


def test_a_sequence_of_one_task_is_its_own_training(
    load_tiny: Load, mixed: list[Evidence], both: list[Task], small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, **SEQUENCE)
    assert adapter_groups(both, config) == {"joint": both}
    assert count_trainings(both, config) == 3
    assert count_trainings(both, with_training(config, strategy="joint")) == 1
    assert count_trainings(both, with_training(config, strategy="separate")) == 2
    assert adapter_groups(both[:1], config) == {"joint": both[:1]}
    assert count_trainings(both[:1], config) == 1
    alone = train(load_tiny(), mixed, both[:1], config, tmp_path / "alone")
    separate = train(load_tiny(), mixed, both[:1], with_training(config, strategy="separate"), tmp_path / "separate")
    assert losses_of(alone) == losses_of(separate)
