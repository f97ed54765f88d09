"""Checks of tasks against models: the question must fit into the prompt, and labels must not be special tokens.

Only the tokenizer is needed, so the checks run before pictures are read or weights are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config import NANO, Config, ModelConfig
from kdsl.data.sample import Sample
from kdsl.errors import ConfigError, MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.models.base import TEXT_TYPES, load_processor, model_type_of
from kdsl.models.chat import ChatFrame
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import build_prompt
from kdsl.models.weights import find_weights
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
    for model in dict.fromkeys(model for model in (config.large, config.small) if model is not None):
        if not fetch and model.source != NANO and not Path(model.source).expanduser().is_dir():
            continue
        frame = _frame(model)
        for task in tasks:
            try:
                LabelTree(frame, task.names)
                build_prompt(Evidence(Sample("", task.name, (), ()), ()), task, config.prompt, frame)
            except ConfigError as error:
                faults.append(f"task '{task.name}': {error}")
    return list(dict.fromkeys(faults))


def _frame(config: ModelConfig) -> ChatFrame:
    folder = find_weights(config)
    model_type = model_type_of(folder)
    try:
        processor = load_processor(folder, model_type)
    except (OSError, ValueError) as error:
        raise MissingDependency(f"the tokenizer in {folder} cannot be loaded: {error}.") from error
    if model_type in TEXT_TYPES:
        return ChatFrame(processor, 0)
    pictures = processor.image_processor
    return ChatFrame(processor, pictures.patch_size * pictures.merge_size)
