"""Checks whether samples are sufficient for training, before any picture is read; also used by `kdsl data check`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.duplicates import Fingerprint, near_duplicates
from kdsl.data.notes import Notes
from kdsl.data.readers import placed_rows
from kdsl.data.sample import Sample
from kdsl.data.splits import stratified_folds
from kdsl.errors import InputError
from kdsl.runs import listed
from kdsl.tasks import Task

log = logging.getLogger(__name__)

_LISTED = 10


def learned_from(
    samples: Sequence[Sample], data: Sequence[Path], tasks: Sequence[Task], columns: Columns = AS_KNOWN
) -> list[Sample]:
    """The samples that have a label or are marked as out of scope; the log says where the others stand.

    Args:
        data: the files that the samples were read from, by `tasks` and `columns`; none where they were handed in.
    """
    bare = {sample.id for sample in samples if sample.label is None and not sample.out_of_scope}
    if bare:
        places = [
            f"{path.name}, {where}"
            for path in data
            for where, row in placed_rows(path, tasks, notes=Notes(), columns=columns)
            if isinstance(row, Sample) and row.id in bare
        ]
        log.warning(
            "%d samples have no label and are not learned from; if another field holds the labels, name it as the "
            "label's column:\n%s",
            len(bare),
            listed(places or [f"sample {id}" for id in sorted(bare)], _LISTED),
        )
    return [sample for sample in samples if sample.id not in bare]


def check_trainable(samples: Iterable[Sample], tasks: Sequence[Task]) -> None:
    """Refuse samples on which training cannot work.

    Raises:
        InputError: a task has no labelled samples or one label only, or labels are not the task's; the
            message lists all of it.
    """
    labelled = [sample for sample in samples if sample.label is not None]
    faults = [fault for task in tasks for fault in _label_faults([s for s in labelled if s.task == task.name], task)]
    if faults:
        raise InputError(f"these samples cannot be learned from:\n{listed(faults, _LISTED)}")


def check_fit(
    samples: Sequence[Sample], tasks: Sequence[Task], n_folds: int, seed: int, *, unlabelled: bool = False
) -> None:
    """Refuse samples that a fit of a bundle cannot use.

    Args:
        unlabelled: as `fit_faults` takes it.

    Raises:
        InputError: what `fit_faults` lists.
    """
    faults = fit_faults(samples, tasks, n_folds, seed, unlabelled=unlabelled)
    if faults:
        raise InputError(f"a bundle cannot be fitted to these samples:\n{listed(faults, _LISTED)}")


def fit_faults(
    samples: Sequence[Sample],
    tasks: Sequence[Task],
    n_folds: int,
    seed: int,
    prints: Mapping[str, Fingerprint] | None = None,
    *,
    unlabelled: bool = False,
) -> list[str]:
    """What would stop a fit of a bundle, task by task; a task needs no sample, and some may lack a label.

    Args:
        n_folds: inner folds, `ensemble.fewest_folds`.
        prints: of the pictures, if they have been read; copies of one picture share a fold.
        unlabelled: whether all samples of a task may lack a label; else that is taken for a mistake.
    """
    faults = []
    for task in tasks:
        own = [sample for sample in samples if sample.task == task.name and not sample.out_of_scope]
        labelled = [sample for sample in own if sample.label is not None]
        if not labelled and (unlabelled or not own):
            continue
        if not labelled:
            faults.append(
                f"all {len(own)} sample(s) of task '{task.name}' have no label, such as {own[0].id}. If another "
                "field holds the labels, name it as the label's column; if none does, give the task's file as "
                "`task_file`: a first prediction needs no labelled sample."
            )
        else:
            wrong = _label_faults(labelled, task)
            if not wrong:
                try:
                    inner_folds(labelled, task, n_folds, seed, prints or {})
                except InputError as error:
                    wrong = [str(error)]
            faults += wrong
    return faults


def inner_folds(
    samples: Sequence[Sample], task: Task, n_folds: int, seed: int, prints: Mapping[str, Fingerprint]
) -> dict[str, int]:
    """Id -> fold of one task's samples, near-duplicates together.

    Raises:
        InputError: the samples cannot be trained on without a fold: they are too few, or a single label is left.
            One sample of a label is enough.
    """
    fold_of = stratified_folds(samples, n_folds, seed, near_duplicates(samples, prints))
    left = min(len({s.label for s in samples if fold_of[s.id] != fold}) for fold in range(n_folds))
    if left < 2:
        found = len({sample.label for sample in samples})
        raise InputError(
            f"task '{task.name}' needs samples of at least 2 labels in each of {n_folds} inner trainings, which leave "
            f"one fold out; its {len(samples)} samples of {found} label(s) leave {left}. Label more."
        )
    return fold_of


def _label_faults(labelled: Sequence[Sample], task: Task) -> list[str]:
    labels = {sample.label for sample in labelled}
    faults = []
    if len(labels) < 2:
        found = f"only label '{next(iter(labels))}'" if labels else "no labelled sample"
        faults.append(f"task '{task.name}' has {found}; training needs samples of two labels at least.")
    for sample in labelled:
        try:
            task.index(sample.label or "")
        except InputError as error:
            faults.append(f"sample '{sample.id}': {error}")
    return faults
