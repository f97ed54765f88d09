"""Inner folds: the labelled training samples split into parts that are held out in turn."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from kdsl.config import MANY_FOLDS, Config
from kdsl.data.trainable import inner_folds as inner_folds_of
from kdsl.errors import InputError
from kdsl.evidence.copies import fingerprints
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task

log = logging.getLogger(__name__)


def inner_folds(
    groups: Mapping[str, Sequence[Evidence]],
    tasks: Sequence[Task],
    config: Config,
    given: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Task name -> the fold of each of its samples; a task's folds depend on its own samples alone.

    Samples of the same words or of copies of one picture share a fold: what is fitted on held-out samples must not
    rest on having seen them.

    Args:
        given: id -> fold of all samples of some tasks, whose folds are these.

    Raises:
        InputError: a task's samples cannot be trained on without a fold: they are too few, or a single label is left.
            One sample of a label is enough.
    """
    of_given = [task for task in tasks if groups[task.name] and all(e.sample.id in given for e in groups[task.name])]
    found = {task.name: np.array([given[e.sample.id] for e in groups[task.name]]) for task in of_given}
    return found | _drawn(groups, [task for task in tasks if task.name not in found], config)


def _drawn(groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config) -> dict[str, np.ndarray]:
    settings = config.ensemble
    if settings.inner_folds is None and config.large is None and not config.beside:
        # more folds leave more to learn from, as the final experts have; worth it where no model is trained in each
        try:
            return _split(groups, tasks, MANY_FOLDS, config.seed)
        except InputError:
            log.info("too few samples for %d inner folds", MANY_FOLDS)
    return _split(groups, tasks, settings.fewest_folds, config.seed)


def _split(
    groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], n_folds: int, seed: int
) -> dict[str, np.ndarray]:
    found = {}
    for task in tasks:
        group = groups[task.name]
        samples = [evidence.sample for evidence in group]
        folds = inner_folds_of(samples, task, n_folds, seed, fingerprints(group))
        found[task.name] = np.array([folds[sample.id] for sample in samples])
    return found
