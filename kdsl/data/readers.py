"""From a file to samples: format, task, label, pictures and id of each row checked, faults named."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kdsl.data.dialogue import IMAGE
from kdsl.data.files import BadRow, json_rows
from kdsl.data.formats import Record, parse_row
from kdsl.data.pictures import check_name
from kdsl.data.sample import Sample, Turn
from kdsl.errors import ConfigError, InputError, did_you_mean
from kdsl.resources import resource
from kdsl.tasks import Task, load_task, task_by_name

MIRE_TASKS = ("configs/tasks/mire-scene.yaml", "configs/tasks/mire-intent.yaml")
_LISTED = 5


@dataclass(frozen=True, slots=True)
class BadSample:
    """A row that is no usable sample: `where` says which ('sample 3', 'line 3'), `message` what is wrong."""

    id: str | None
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}{f' (id {self.id})' if self.id else ''}: {self.message}"


def load_task_files(files: Sequence[Path]) -> list[Task]:
    """The tasks in these files, or the two of the MIRE challenge where none is given.

    Raises:
        ConfigError: a file holds faults, or two files have tasks of the same name.
    """
    tasks = [load_task(file) for file in files or [resource(name) for name in MIRE_TASKS]]
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise ConfigError(f"two task files have the same name: {', '.join(names)}")
    return tasks


def read_samples(path: Path, tasks: Sequence[Task]) -> list[Sample]:
    """All samples of a file in MIRE, ShareGPT or OpenAI format (JSON list or JSONL).

    Raises:
        InputError: the file cannot be read, holds no sample, or holds bad ones (the first few are listed).
    """
    samples: list[Sample] = []
    bad: list[BadSample] = []
    for row in read_rows(path, tasks):
        if isinstance(row, Sample):
            samples.append(row)
        else:
            bad.append(row)
    if bad:
        listed = "\n".join(f"  - {fault}" for fault in bad[:_LISTED])
        more = f"\n  and {len(bad) - _LISTED} more; `kdsl data check` lists all." if len(bad) > _LISTED else ""
        raise InputError(f"{path}: {len(bad)} sample(s) cannot be used:\n{listed}{more}")
    if not samples:
        raise InputError(f"{path}: holds no sample.")
    return samples


def read_files(paths: Sequence[Path], tasks: Sequence[Task]) -> list[Sample]:
    """The samples of several files as one list, in their order.

    Raises:
        InputError: what `read_samples` raises, or two files hold a sample of the same id.
    """
    first: dict[str, Path] = {}
    samples = []
    for path in paths:
        for sample in read_samples(path, tasks):
            if sample.id in first:
                raise InputError(f"{path}: id '{sample.id}' stands in {first[sample.id]} already; ids must differ.")
            first[sample.id] = path
            samples.append(sample)
    return samples


def read_rows(
    path: Path, tasks: Sequence[Task], on_unknown_label: Literal["error", "keep"] = "error"
) -> Iterator[Sample | BadSample]:
    """The samples of a file one by one; a bad row is yielded as `BadSample` and reading goes on.

    Which task a row belongs to: its `task` key, else the only task whose input fits (a row with a
    dialogue, or with pictures alone). A row without `id` gets one from a hash of its content.

    Args:
        on_unknown_label: `keep` yields samples whose label the task does not have (for `kdsl data check`).

    Raises:
        InputError: the file as a whole cannot be read (missing, not UTF-8, cut off, not a list).
    """
    first: dict[str, str] = {}
    copies: Counter[str] = Counter()
    for row in json_rows(path):
        if isinstance(row, BadRow):
            yield BadSample(None, row.where, row.message)
            continue
        id_: str | None = None
        try:
            record = parse_row(row.value)
            id_ = record.id
            sample = _sample(record, tasks, on_unknown_label)
            id_ = sample.id
            if not record.id:
                copies[id_] += 1
                if copies[id_] > 1:  # two rows of the same content and no id are two samples
                    id_ = f"{id_}-{copies[id_]}"
                    sample = replace(sample, id=id_)
            if id_ in first:  # the id is the other's
                yield BadSample(None, row.where, f"id '{id_}' stands in {first[id_]} already; ids must differ.")
                continue
            first[id_] = row.where
            yield sample
        except InputError as error:
            yield BadSample(id_, row.where, str(error))


def _sample(record: Record, tasks: Sequence[Task], on_unknown_label: str) -> Sample:
    task = _task(record, tasks)
    for name in record.images:
        check_name(name)
    turns: tuple[Turn, ...] = ()
    if task.input == "dialogue":
        turns = record.turns()
        placed = sum(turn.text.count(IMAGE) for turn in turns)
        if placed > len(record.images):
            raise InputError(
                f"the dialogue holds {placed} {IMAGE} but {len(record.images)} picture(s) are listed; "
                "list one path for each."
            )
    elif not record.images:
        raise InputError(f"has no picture, but task '{task.name}' is about pictures; list at least one path.")
    label = record.label
    if label is not None and label not in task.names and on_unknown_label == "error":
        raise InputError(f"label '{label}' is unknown to task '{task.name}'.{did_you_mean(label, task.names)}")
    return Sample(record.id or _content_id(task, record, turns), task.name, record.images, turns, label)


def _task(record: Record, tasks: Sequence[Task]) -> Task:
    if record.task:
        return task_by_name(tasks, record.task)
    kind = "dialogue" if record.is_dialogue else "picture"
    fitting = [task for task in tasks if task.input == kind]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(task.name for task in fitting)
        raise InputError(f"tasks {names} all take a {kind}; set 'task' to the one that is meant.")
    have = ", ".join(f"{task.name} ({task.input})" for task in tasks)
    raise InputError(f"holds a {kind}, and no task takes one; tasks: {have}. Set 'task', or give its task file.")


def _content_id(task: Task, record: Record, turns: tuple[Turn, ...]) -> str:
    content = [task.name, record.images, [(turn.role, turn.raw) for turn in turns]]
    return "content-" + hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
