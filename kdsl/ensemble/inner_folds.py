"""Inner folds: the labelled samples of a training cut into parts that are held out in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import Config
from kdsl.data.splits import stratified_folds
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task


def check_inner_folds(groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config) -> None:
    """Refuse samples that cannot be trained on without a fold.

    Raises:
        InputError: a task's labels are too few or too rare.
    """
    n = config.ensemble.inner_folds
    for task in tasks:
        counts = Counter(evidence.sample.label for evidence in groups[task.name])
        often = sum(count >= n for count in counts.values())
        if often < 2:
            raise InputError(
                f"task '{task.name}' needs at least 2 labels with {n} samples each (one per inner fold); found "
                f"{often} among {counts.total()} samples."
            )


def inner_folds(
    groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config
) -> dict[str, np.ndarray]:
    """Task name -> the fold of each of its samples; a task's folds depend on its own samples alone."""
    samples = [evidence.sample for task in tasks for evidence in groups[task.name]]
    folds = stratified_folds(samples, config.ensemble.inner_folds, config.seed)
    return {task.name: np.array([folds[e.sample.id] for e in groups[task.name]]) for task in tasks}
