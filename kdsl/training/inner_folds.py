"""Inner folds: the labelled training samples split into parts that are held out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import Config
from kdsl.data.duplicates import Fingerprint
from kdsl.data.trainable import inner_folds as inner_folds_of
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task


def inner_folds(
    groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task], config: Config
) -> dict[str, np.ndarray]:
    """Task name -> the fold of each of its samples; a task's folds depend on its own samples alone.

    Samples of the same words or of copies of one picture share a fold: what is fitted on held-out samples must not
    rest on having seen them.

    Raises:
        InputError: a task's samples cannot be trained on without a fold: they are too few, or a single label is left.
            One sample of a label is enough.
    """
    found = {}
    for task in tasks:
        group = groups[task.name]
        samples = [evidence.sample for evidence in group]
        folds = inner_folds_of(samples, task, config.ensemble.inner_folds, config.seed, _fingerprints(group))
        found[task.name] = np.array([folds[sample.id] for sample in samples])
    return found


def _fingerprints(evidences: Sequence[Evidence]) -> dict[str, Fingerprint]:
    """Of each picture, by name, from what was observed of it: copies are alike, and no file is read."""
    found = {}
    for picture in (picture for evidence in evidences for picture in evidence.pictures):
        found[picture.name] = Fingerprint(picture.width, picture.height, picture.digest(), look=bytes(32))
    return found
