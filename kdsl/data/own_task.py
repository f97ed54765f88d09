"""`tasks_for`: the tasks that labelled data belongs to; one is made of the data where its labels are its own.

A task that is made so has the labels of the data and no descriptions. `kdsl tasks init` writes one to a file instead,
where descriptions can be added.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.files import Row
from kdsl.data.formats import LAST_MESSAGE, Conventions, Record, parse_row
from kdsl.data.readers import load_task_files, shows_a_picture
from kdsl.data.rows import file_rows
from kdsl.data.sample import Sample
from kdsl.data.speakers import Speakers
from kdsl.errors import InputError, did_you_mean
from kdsl.tasks import Label, Task

log = logging.getLogger(__name__)

Kind = Literal["picture", "dialogue"]
PROMPTS: dict[Kind, str] = {
    "picture": "Which label fits this picture?",
    "dialogue": "Which label fits what the customer writes?",
}
_LISTED = 30


@dataclass(frozen=True, slots=True)
class Found:
    """What data says about its task: how many samples have each label, and what the samples are.

    `named` are the tasks that rows name; these rows do not count for labels and kinds.
    """

    labels: Mapping[str, int]
    kinds: frozenset[Kind]
    named: frozenset[str] = frozenset()


def tasks_for(
    data: Sequence[Path] | Sequence[Sample],
    tasks: Sequence[Task],
    columns: Columns = AS_KNOWN,
    name: str | None = None,
) -> list[Task]:
    """`tasks`, unless they are the shipped ones and the data has none of their labels: then one made of the data.

    The log says what the made task was assumed to be.

    Args:
        data: files of samples, or the samples themselves.
        tasks: what the settings name.
        columns: those of the files that are called otherwise than docs/data.md says.
        name: of the made task; by default that of the first file.

    Raises:
        InputError: a file cannot be read; or labels are its own, but they make no task (`own_task`).
    """
    if list(tasks) != load_task_files([]):
        return list(tasks)
    stem, found = _look(data, columns)
    known = {label for task in tasks for label in task.names}
    own = [label for label in found.labels if label not in known]
    if not own or len(own) < len(found.labels):  # a few unknown labels are faults, which the reader refuses
        return list(tasks)
    if len(own) == 1 and (found.named or found.labels[own[0]] == 1 or did_you_mean(own[0], known)):  # misspelt, maybe
        return list(tasks)
    task = own_task(name or stem, found, taken=[task.name for task in tasks])
    log.info(
        "labels are not those of the shipped tasks: task '%s' is made of them (%ss, %d samples, %d labels: %s)",
        task.name,
        task.input,
        sum(found.labels.values()),
        len(task.labels),
        _some(f"{label} {found.labels[label]}" for label in task.names),
    )
    _note_rare(task.name, found.labels)
    return [task]


def own_task(name: str, found: Found, taken: Sequence[str] = ()) -> Task:
    """A task whose labels are those of the data, sorted, without descriptions.

    Args:
        name: of the data; made to a valid name of a task.
        taken: names that the task must not have.

    Raises:
        InputError: the data has fewer than two labels, or both pictures alone and texts.
    """
    if len(found.labels) < 2 and found.named:
        raise InputError(
            f"rows of '{name}' name their task ({', '.join(sorted(found.named))}), and one is made only of rows that "
            "name none: leave the field 'task' out where there is one, or write a task file for each (docs/tasks.md)."
        )
    if len(found.labels) < 2:
        only = [f"only the label '{label}' ({n} of them)" for label, n in found.labels.items()]
        raise InputError(
            f"the samples of '{name}' have {only[0] if only else 'no label that can be read'}; a task needs two labels "
            "at least, to tell one from the other. Labels are read from the field 'label' "
            "(docs/data.md has its other names); if another one holds them, name it as the label's column."
        )
    if len(found.kinds) > 1:
        raise InputError(
            f"'{name}' holds pictures alone and texts, which are two tasks: give each a file of its own and fit "
            "them apart, or write two task files and give both as `task_file`. Where customers sent a picture without "
            "words, it is a dialogue: write `user: <image>` in the text of that row."
        )
    valid = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    valid = valid if re.match("[a-z]", valid) else f"task-{valid}".rstrip("-")
    (kind,) = found.kinds
    return Task(
        name=f"own-{valid}" if valid in taken else valid,
        input=kind,
        prompt=PROMPTS[kind],
        labels=tuple(Label(name=label) for label in sorted(found.labels)),
    )


def found_in(paths: Sequence[Path], columns: Columns = AS_KNOWN, last_messages: bool = False) -> Found:
    """The labels and kinds of the samples in files; rows that cannot be read are left to the reader.

    Args:
        columns: those of the files that are called otherwise than docs/data.md says.
        last_messages: take the last message of a chat without a field for its label; a fit takes it for one only where
            a task has it.

    Raises:
        InputError: a file as a whole cannot be read.
    """
    conventions = Conventions(Speakers.of(), frozenset())
    labels: Counter[str] = Counter()
    kinds: set[Kind] = set()
    named: set[str] = set()
    for path in paths:
        for row in file_rows(path, columns=columns):
            record = _record(row.value, conventions) if isinstance(row, Row) else None
            if record and record.task:
                named.add(record.task)
            elif record and record.label is not None and (last_messages or record.label_from != LAST_MESSAGE):
                labels[record.label] += 1
                kinds.add("picture" if shows_a_picture(record) else "dialogue")
    return Found(labels, frozenset(kinds), frozenset(named))


def _note_rare(task: str, labels: Mapping[str, int]) -> None:
    """Warn of labels of one sample that are called almost as another one is: they may be misspelt."""
    for rare, times in labels.items():
        hint = did_you_mean(rare, [name for name, n in labels.items() if n > times]) if times == 1 else ""
        if hint:
            log.warning("task '%s': one sample alone has the label '%s'.%s", task, rare, hint)


def note_descriptions(tasks: Iterable[Task]) -> None:
    """Log which labels have no description, and what that costs."""
    for task in tasks:
        bare = [label.name for label in task.labels if not label.descriptions]
        if bare:
            log.info(
                "%d of %d labels of task '%s' have no description: learned from their names and samples alone, "
                "which costs accuracy where samples are few (`kdsl tasks init` writes a file to describe them in)",
                len(bare),
                len(task.labels),
                task.name,
            )


def _look(data: Sequence[Path] | Sequence[Sample], columns: Columns) -> tuple[str, Found]:
    samples = [one for one in data if isinstance(one, Sample)]
    if not samples:
        paths = [one for one in data if isinstance(one, Path)]
        return paths[0].resolve().stem, found_in(paths, columns)
    labels = Counter(sample.label for sample in samples if sample.label is not None and not sample.task)
    kinds: set[Kind] = {"dialogue" if sample.turns else "picture" for sample in samples if sample.label is not None}
    return "samples", Found(labels, frozenset(kinds))


def _record(row: object, conventions: Conventions) -> Record | None:
    silent: Callable[..., None] = lambda *_: None  # noqa: E731
    try:
        return parse_row(row, conventions, silent)
    except InputError:
        return None


def _some(names: Iterable[str]) -> str:
    every = list(names)
    rest = f", and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + rest
