"""What tests of trainings share."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.folder import Run
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapter


def with_training(config: Config, **training: Any) -> Config:
    """The config with other settings of training."""
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def weights_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """A copy of all that the model holds."""
    return {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}


def losses_of(folder: Path) -> list[float]:
    """The loss of every step of a finished training."""
    return [json.loads(line)["loss"] for line in (folder / "loss.jsonl").read_text("utf-8").splitlines()]


def train(
    loaded: LoadedModel,
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    out: Path,
    *,
    seed: int = 1,
    **run: bool,
) -> Path:
    """Train one adapter into `out`; `run` are settings of `Run`."""
    return train_adapter(
        TrainingJob(loaded, evidences, tasks, config.model_copy(update={"seed": seed})), Run(out, **run)
    )


def check_that_it_learns(
    loaded: LoadedModel, evidences: Sequence[Evidence], task: Task, config: Config, out: Path
) -> None:
    """Train an adapter: the loss falls, gold labels' scores rise, and the base is left as it was."""
    before = weights_of(loaded)
    adapter = train(loaded, evidences, [task], config, out)
    losses = losses_of(adapter)
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])
    after = weights_of(loaded)
    assert all(torch.equal(before[name], after[name]) for name in before)
    scorer = LabelScorer(loaded, task, config.prompt)
    gold = [task.index(evidence.sample.label or "") for evidence in evidences]
    each = range(len(gold))
    untrained = scorer.score(evidences)[each, gold].mean()
    with adapter_on(loaded, adapter):
        assert scorer.score(evidences)[each, gold].mean() > untrained


@contextmanager
def killed_at(step: int, title: str | None = None) -> Iterator[None]:
    """End the training of that title, or any, within the block as it begins this step, counted from 0."""
    from kdsl.training import trainer  # here: it loads bitsandbytes, which one of the tests wants to be absent

    class Kill(trainer.RichProgress):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == step and title in (None, self.title):
                raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "RichProgress", Kill)
        with pytest.raises(KeyboardInterrupt):
            yield


@contextmanager
def heard(listen: Callable[[str], None], logger: str = "kdsl.training") -> Iterator[None]:
    """Hand each message that kdsl logs within the block to `listen`, which may raise."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            listen(record.getMessage())

    handler, listened = Listener(), logging.getLogger(logger)
    before = listened.level
    listened.setLevel(logging.INFO)
    listened.addHandler(handler)
    try:
        yield
    finally:
        listened.removeHandler(handler)
        listened.setLevel(before)
