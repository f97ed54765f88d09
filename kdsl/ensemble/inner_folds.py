"""Inner folds: the labelled samples of a training cut into parts that are held out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import Config
from kdsl.data.splits import stratified_folds
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task


def check_inner_folds(groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config) -> None:
    """Refuse samples that cannot be trained on without a fold. One sample of a label is enough.

    Raises:
        InputError: a task's samples are too few, or without one of the folds a single label is left.
    """
    n = config.ensemble.inner_folds
    for task in tasks:
        labels = np.array([evidence.sample.label for evidence in groups[task.name]])
        fold = inner_folds(groups, [task], config)[task.name]
        left = min(len(set(labels[fold != k])) for k in range(n))
        if left < 2:
            raise InputError(
                f"task '{task.name}' needs samples of at least 2 labels in each of {n} inner trainings, which leave "
                f"one fold out; its {len(labels)} samples of {len(set(labels))} label(s) leave {left}. Label more."
            )


def inner_folds(
    groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config
) -> dict[str, np.ndarray]:
    """Task name -> the fold of each of its samples; a task's folds depend on its own samples alone."""
    samples = [evidence.sample for task in tasks for evidence in groups[task.name]]
    folds = stratified_folds(samples, config.ensemble.inner_folds, config.seed)
    return {task.name: np.array([folds[e.sample.id] for e in groups[task.name]]) for task in tasks}
