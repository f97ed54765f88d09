"""Qwen3.5, of whose four layers three are recurrent: trained in every regime, resumed exactly, not taught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import RECURRENT
from helpers.trainings import check_that_it_learns, killed_at, losses_of, train, with_training
from safetensors.torch import load_file

from kdsl.config import Config, ModelConfig, StudentConfig
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import weights_file
from kdsl.models.base import LoadedModel
from kdsl.tasks import Task
from kdsl.training.folder import Run
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapter
from kdsl.training.memory import check_fit, check_memory
from kdsl.training.regimes import target_modules
from kdsl.training.teacher import SoftTargets

Load = Callable[..., LoadedModel]


def test_all_linear_layers_of_both_kinds_of_layers_are_adapted(load_tiny: Load) -> None:
    recurrent = {"in_proj_qkv", "in_proj_z", "in_proj_a", "in_proj_b", "out_proj"}
    attention = {"q_proj", "k_proj", "v_proj", "o_proj"}
    feed_forward = {"gate_proj", "up_proj", "down_proj"}
    assert set(target_modules(load_tiny(RECURRENT).model)) == recurrent | attention | feed_forward


@pytest.mark.parametrize("regime", ["lora", "freeze", "full"])
def test_a_training_learns_and_leaves_the_base_as_it_was(
    regime: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, regime=regime, epochs=8, last_layers=2, gradient_checkpointing=True)
    check_that_it_learns(load_tiny(RECURRENT), dialogues, care, config, tmp_path / "care")


@pytest.mark.parametrize("regime", ["lora", "full"])
def test_a_killed_training_resumes_to_the_weights_it_would_have_had(
    regime: str,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    config = with_training(small_config, regime=regime)
    whole = train(load_tiny(RECURRENT), dialogues, [care], config, tmp_path / "whole", seed=5)
    with killed_at(3):  # within the second epoch, one step after a checkpoint
        train(load_tiny(RECURRENT), dialogues, [care], config, tmp_path / "cut", seed=5)
    assert (tmp_path / "cut" / "checkpoints" / "checkpoint-2").is_dir()
    torch.manual_seed(999)  # a new process has another random state
    cut = train(load_tiny(RECURRENT), dialogues, [care], config, tmp_path / "cut", seed=5)
    assert losses_of(cut) == pytest.approx(losses_of(whole), abs=1e-3)
    found, expected = (load_file(weights_file(folder)) for folder in (cut, whole))
    assert found.keys() == expected.keys()
    assert any("linear_attn" in name for name in expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-4)


def test_a_recurrent_student_is_refused(
    load_tiny: Load,
    base_of: Callable[..., ModelConfig],
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    teaching = {"large": base_of("qwen2_vl"), "small": base_of(RECURRENT), "student": StudentConfig(train=True)}
    config = small_config.model_copy(update=teaching)
    with pytest.raises(ConfigError, match=r"student\.train=false"):
        check_fit(config)
    with pytest.raises(ConfigError, match=r"student\.train=false"):
        check_memory(config, trained="small")
    check_fit(config.model_copy(update={"student": StudentConfig(train=False)}))
    rows = {evidence.sample.id: np.full(3, 1 / 3) for evidence in dialogues}
    soft = SoftTargets(care, rows, StudentConfig())
    with pytest.raises(ConfigError, match="cannot be taught"):
        train_adapter(TrainingJob(load_tiny(RECURRENT), dialogues, [care], config, soft), Run(tmp_path / "student"))
