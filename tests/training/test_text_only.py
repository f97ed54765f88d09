"""Text-only models are trained in every regime as those that see are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import TEXT_KINDS
from helpers.trainings import check_that_it_learns, with_training

from kdsl.config import Config, ModelConfig, StudentConfig
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.examples import make_examples
from kdsl.training.memory import check_memory
from kdsl.training.regimes import target_modules
from kdsl.training.student_trainer import TreeCollator
from kdsl.training.teacher import SoftTargets
from kdsl.training.trainer import run_model

Load = Callable[..., LoadedModel]


@pytest.mark.parametrize("regime", ["lora", "freeze", "full"])
@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_training_learns_and_leaves_the_base_as_it_was(
    kind: str,
    regime: str,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    config = with_training(small_config, regime=regime, epochs=8, last_layers=1, gradient_checkpointing=True)
    check_that_it_learns(load_tiny(kind), dialogues, care, config, tmp_path / "care")


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_all_linear_layers_are_adapted(kind: str, load_tiny: Load) -> None:
    expected = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert target_modules(load_tiny(kind).model) == expected


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_student_is_taught_the_scores_that_it_is_ranked_by(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny(kind)
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    rows = {evidence.sample.id: np.full(3, 1 / 3) for evidence in dialogues}
    collator = TreeCollator(loaded, examples, SoftTargets(care, rows, StudentConfig()), dialogues)
    inputs = collator([{"number": i} for i in range(len(examples))])
    with torch.no_grad():
        outputs = run_model(loaded.model, inputs, range(-len(collator.tree) - 1, 0))
    found = collator.tree.log_probabilities(outputs.logits.float())
    scorer = LabelScorer(loaded, care, small_config.prompt)
    expected = scorer.score_prompts([example.prompt for example in examples]).raw
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_memory_is_estimated(kind: str, base_of: Callable[..., ModelConfig], small_config: Config) -> None:
    config = small_config.model_copy(update={"large": base_of(kind), "small": None})
    assert check_memory(config).total > 0
