"""A first look at each large model: whether it can tell labels apart at all, before minutes are spent on training it.

The base is asked about a few samples as it is. If that is no better than the labels' frequencies, it is trained once,
on a few others, and asked again. A model that does not know the shop's language or a task's labels is then not
trained for that task, and a prediction spends no call on it.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import ModelConfig
from kdsl.ensemble.router import ENOUGH, GAIN
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.beside import setup_of
from kdsl.experts.large import LargeExpert
from kdsl.files import write_json
from kdsl.scores import likelihood_gain
from kdsl.tasks import Task

log = logging.getLogger(__name__)

ASKED = 64
"""Samples that the model is asked about, at most half of a task's."""
TAUGHT = 128
"""Samples of the small training, at most."""


def first_look(setup: Setup, groups: Mapping[str, Sequence[Evidence]], folder: Path) -> Setup:
    """The setup, in which each large model is asked only about tasks whose labels it can tell apart.

    A model that tells no task's is left out. With `large` goes a small model of the same weights, and the student that
    it would teach.

    Args:
        groups: task name -> labelled evidence; a task of fewer than `ENOUGH` samples is not judged: it keeps the model.
        folder: where the small trainings are made and the verdicts are kept: a continued fit does not look again.
    """
    config = setup.config
    changes: dict[str, Any] = {}
    if config.large is not None:
        large = _kept(LargeExpert.name, config.large, setup, groups, folder)
        if large != config.large:
            changes["large"] = large
        if large is None:
            changes["student"] = config.student.model_copy(update={"train": False})
            if config.large.same_as(config.small):
                changes["small"] = None
    beside = {}
    for name, further in config.beside.items():
        model = _kept(name, further.model, setup_of(setup, name), groups, folder)
        if model is not None:
            beside[name] = further.model_copy(update={"model": model})
    if beside != config.beside:
        changes["beside"] = beside
    if not changes:
        return setup
    left = config.model_copy(update=changes)
    return Setup(setup.tasks, left, setup.models.narrowed(left))


def _kept(
    name: str, model: ModelConfig, setup: Setup, groups: Mapping[str, Sequence[Evidence]], folder: Path
) -> ModelConfig | None:
    """The model with the tasks that it is worth asking about; None where there is none.

    Args:
        setup: of a run in which it is the large model.
    """
    asked = [task for task in setup.tasks if model.asked(task)]
    if not asked:
        log.warning(
            "%s (%s) is asked about no task of this fit: its `tasks` are %s, and there are %s; left out",
            name,
            model.source,
            ", ".join(model.tasks or ()) or "none",
            ", ".join(task.name for task in setup.tasks),
        )
    told = []
    for task in asked:
        verdict = folder / f"{name}-{task.name}.json"
        if not verdict.is_file():
            write_json(verdict, {"tells": _tells(task, groups[task.name], setup, folder / f"{name}-{task.name}")})
        if json.loads(verdict.read_text("utf-8"))["tells"]:
            told.append(task.name)
        else:
            log.info("%s (%s): no better than chance on your labels of %s, left out", name, model.source, task.name)
    if not told:
        return None
    return model if told == [task.name for task in asked] else model.model_copy(update={"tasks": tuple(told)})


def _tells(task: Task, group: Sequence[Evidence], setup: Setup, folder: Path) -> bool:
    """Whether the large model's scores are better than chance, as it is or after a small training in `folder`."""
    if len(group) < ENOUGH:
        return True
    order = np.random.default_rng(setup.config.seed).permutation(len(group))
    asked = [group[i] for i in order[: min(ASKED, len(group) // 2)]]
    taught = [group[i] for i in order[len(asked) :][:TAUGHT]]
    gold = np.array([task.index(evidence.sample.label or "") for evidence in asked])
    if likelihood_gain(_as_it_is(task, asked, setup), gold) >= GAIN:
        return True
    if setup.config.model("large").server is not None:  # nothing will train it
        return False
    if len({evidence.sample.label for evidence in taught}) < 2:  # nothing that could be trained on
        return True
    return likelihood_gain(_after_training(task, taught, asked, setup, folder), gold) >= GAIN


def _as_it_is(task: Task, asked: Sequence[Evidence], setup: Setup) -> np.ndarray:
    config = setup.config
    if config.model("large").server is not None:
        from kdsl.models.server_scorer import ServerScorer

        served = setup.models.server
        return ServerScorer(served, task, config.prompt, served.server.model, {}).score(asked)
    from kdsl.models.scorer import LabelScorer

    large = setup.models.large
    with large.using(None):
        return LabelScorer(large, task, config.prompt).score(asked)


def _after_training(
    task: Task, taught: Sequence[Evidence], asked: Sequence[Evidence], setup: Setup, folder: Path
) -> np.ndarray:
    from kdsl.training.folder import Run
    from kdsl.training.job import TrainingJob
    from kdsl.training.lora import train_adapter

    config = setup.config
    brief = config.training.model_copy(update={"epochs": 1.0, "stop": None, "search": None})
    settings = config.model_copy(update={"training": brief})
    log.info("%s: a small training on %d samples of %s", setup.models.large.name, len(taught), task.name)
    train_adapter(TrainingJob(setup.models.large, taught, [task], settings), Run(folder))
    expert = LargeExpert.load(folder, task, setup)
    scores = expert.scores(asked)
    expert.close()
    shutil.rmtree(folder)
    return scores
