"""What tests of trainings share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from kdsl.config import Config
from kdsl.models.base import LoadedModel


def with_training(config: Config, **training: Any) -> Config:
    """The config with other settings of training."""
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def weights_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """A copy of all that the model holds."""
    return {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}


def losses_of(folder: Path) -> list[float]:
    """The loss of every step of a finished training."""
    return [json.loads(line)["loss"] for line in (folder / "loss.jsonl").read_text("utf-8").splitlines()]
