"""Checks of tasks against models: the question must fit into the prompt, and labels must not be special tokens.

Only the tokenizer is needed, so the checks run before pictures are read or weights are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config import NANO, Config
from kdsl.data.sample import Sample
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.models.chat import frame_of
from kdsl.models.label_tree import LabelTree
from kdsl.models.processors import open_processor
from kdsl.models.prompts import build_prompt
from kdsl.runs import listed
from kdsl.tasks import Task


def check_tasks(tasks: Sequence[Task], config: Config) -> None:
    """Check tasks against the models of a config.

    Raises:
        ConfigError: there are faults; the message lists those of `task_faults`.
        MissingDependency: a model's files are missing and cannot be downloaded.
    """
    if faults := task_faults(tasks, config):
        raise ConfigError(f"tasks do not fit the models:\n{listed(faults)}")


def task_faults(tasks: Sequence[Task], config: Config, fetch: bool = True) -> list[str]:
    """The faults of tasks for the models of a config: labels with special tokens, questions too long for a prompt.

    Args:
        fetch: download missing files of a model from its hub; if False, such a model is not checked.
    """
    faults = [fault for name in config.beside for fault in task_faults(tasks, config.of_beside(name), fetch)]
    models = [config.large] if config.large == config.small else [config.large, config.small]
    for model in filter(None, models):
        if not fetch and model.source != NANO and not Path(model.source).expanduser().is_dir():
            continue
        frame = frame_of(open_processor(model))
        for task in tasks:
            try:
                LabelTree(frame, task.names)
                build_prompt(Evidence(Sample("", task.name, (), ()), ()), task, config.prompt, frame)
            except ConfigError as error:
                faults.append(f"task '{task.name}': {error}")
    return list(dict.fromkeys(faults))
