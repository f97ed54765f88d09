"""Reads samples from files: detects the format and checks task, label, pictures and id of each row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.dialogue import IMAGE, LONGEST, is_cut
from kdsl.data.files import BadRow
from kdsl.data.formats import LAST_MESSAGE, Conventions, Record, parse_row
from kdsl.data.ids import Ids, IdsInMemory
from kdsl.data.notes import Notes, grouped
from kdsl.data.pictures import check_name
from kdsl.data.rows import file_rows
from kdsl.data.sample import Sample, Turn
from kdsl.data.speakers import Speakers, stranger
from kdsl.errors import ConfigError, InputError, did_you_mean
from kdsl.resources import resource
from kdsl.runs import listed
from kdsl.tasks import Task, load_task, task_by_name

MIRE_TASKS = ("configs/tasks/mire-scene.yaml", "configs/tasks/mire-intent.yaml")
_CONTENT = "content-"
_STRANGER = (
    "a line within a turn reads like the turn of another speaker; if it is one, name the speaker under 'speakers' in "
    "the task file"
)
TOO_LONG = f"a turn is longer than {LONGEST:,} characters, of which only these first ones are read"
_MIRE_PICTURE = f"Picture 1: {IMAGE}"
"""What the challenge's rows about a picture begin with; what follows is the question put to a model."""


@dataclass(frozen=True, slots=True)
class BadSample:
    """A row that cannot be used as a sample: `where` is its location ('sample 3', 'line 3'), `message` the reason."""

    id: str | None
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}{f' (id {self.id})' if self.id else ''}: {self.message}"


FROM_LAST_MESSAGE = "the last message was taken for the label, and no task has it"
"""What a reader that keeps unknown labels notes of a chat."""


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


def read_samples(path: Path, tasks: Sequence[Task], columns: Columns = AS_KNOWN) -> list[Sample]:
    """All samples of a file in any format that docs/data.md lists.

    Raises:
        InputError: the file cannot be read, holds no sample, or holds bad ones (the first kinds of faults are listed).
    """
    samples: list[Sample] = []
    bad: list[BadSample] = []
    for row in read_rows(path, tasks, columns=columns):
        if isinstance(row, Sample):
            samples.append(row)
        else:
            bad.append(row)
    if bad:
        faults = listed(grouped((fault.where, str(fault)) for fault in bad), rest="`kdsl data check` lists all")
        raise InputError(f"{path}: {len(bad)} sample(s) cannot be used:\n{faults}")
    if not samples:
        raise InputError(f"{path}: holds no sample.")
    return samples


def read_files(paths: Sequence[Path], tasks: Sequence[Task], columns: Columns = AS_KNOWN) -> list[Sample]:
    """The samples of several files as one list, in their order.

    Raises:
        InputError: what `read_samples` raises, or two files hold a sample of the same id.
    """
    first: dict[str, Path] = {}
    samples = []
    for path in paths:
        for sample in read_samples(path, tasks, columns):
            if sample.id in first and sample.id.startswith(_CONTENT):
                said = " / ".join(turn.text for turn in sample.turns) or ", ".join(sample.images)
                raise InputError(
                    f"{path}: a row without an id ('{said[:40]}') stands in {first[sample.id]} too; leave one of "
                    "them out, or give both an id."
                )
            if sample.id in first:
                raise InputError(f"{path}: id '{sample.id}' stands in {first[sample.id]} already; ids must differ.")
            first[sample.id] = path
            samples.append(sample)
    return samples


def read_rows(
    path: Path,
    tasks: Sequence[Task],
    on_unknown_label: Literal["error", "keep"] = "error",
    notes: Notes | None = None,
    columns: Columns = AS_KNOWN,
) -> Iterator[Sample | BadSample]:
    """The samples of a file one by one; see `placed_rows`."""
    return (row for _, row in placed_rows(path, tasks, on_unknown_label, notes, columns))


def placed_rows(
    path: Path,
    tasks: Sequence[Task],
    on_unknown_label: Literal["error", "keep"] = "error",
    notes: Notes | None = None,
    columns: Columns = AS_KNOWN,
    ids: Ids | None = None,
) -> Iterator[tuple[str, Sample | BadSample]]:
    """The samples of a file one by one, each with its place; a bad row is yielded as `BadSample`, and reading goes on.

    Which task a row belongs to: its `task` key, else the only task whose input fits (`_task`). A row without `id`
    gets one from a hash of its content.

    Args:
        on_unknown_label: `keep` yields samples whose label the task does not have (for `kdsl data check`).
        notes: takes what was seen and left alone; None logs it as one warning when the file has been read.
        columns: those of the file that are called otherwise than docs/data.md says.
        ids: keeps the ids; by default in memory.

    Raises:
        InputError: the file as a whole cannot be read (missing, not UTF-8, cut off, not a list), or lacks one of
            `columns`.
    """
    ids = IdsInMemory() if ids is None else ids
    kept = Notes() if notes is None else notes
    names = [name for task in tasks for name in (*task.names, task.out_of_scope) if name]
    conventions = Conventions(Speakers.of(tasks), frozenset(names))
    for row in file_rows(path, kept, columns):
        if isinstance(row, BadRow):
            yield row.where, BadSample(None, row.where, row.message)
            continue
        say = _speaker_at(kept, row.where)
        id_: str | None = None
        try:
            record = parse_row(row.value, conventions, say)
            id_ = record.id
            sample = _sample(record, tasks, say)
            id_ = sample.id
            # two rows of the same content and no id are two samples
            if not record.id and (number := ids.copies(id_)) > 1:
                id_ = f"{id_}-{number}"
                sample = replace(sample, id=id_)
            _check_label(sample, record.label_from, tasks, on_unknown_label, say)  # the row has its id by now
        except InputError as error:
            yield row.where, BadSample(id_, row.where, str(error))
            continue
        earlier = ids.claim(id_, row.where)
        if earlier is None:
            yield row.where, sample
        else:  # the id is the other's
            yield row.where, BadSample(None, row.where, f"id '{id_}' stands in {earlier} already; ids must differ.")
    if notes is None:
        kept.log(path)


def _speaker_at(notes: Notes, where: str) -> Callable[..., None]:
    def say(what: str, example: str = "") -> None:
        notes.add(what, where, example)

    return say


def _sample(record: Record, tasks: Sequence[Task], say: Callable[..., None]) -> Sample:
    task = _task(record, tasks)
    for name in record.images:
        check_name(name)
    turns: tuple[Turn, ...] = ()
    if task.input == "dialogue":
        turns = record.turns()
        _note_turns(turns, task, say)
        placed = sum(turn.text.count(IMAGE) for turn in turns)
        if placed > len(record.images):
            raise InputError(
                f"the dialogue holds {placed} {IMAGE} but {len(record.images)} picture(s) are listed; "
                "list one path for each."
            )
    elif not record.images:
        raise InputError(f"has no picture, but task '{task.name}' is about pictures; list at least one path.")
    elif not shows_a_picture(record) and not _asks(record, task):
        say(f"the text beside a picture is not read: task '{task.name}' is about pictures alone", record.said[:40])
    id_ = record.id or _content_id(task, record, turns)
    return Sample(id_, task.name, record.images, turns, record.label).marked(task)


def _check_label(
    sample: Sample, source: str, tasks: Sequence[Task], on_unknown_label: str, say: Callable[..., None]
) -> None:
    """Refuse a label that the sample's task does not have, or let it be.

    Args:
        source: the field that held it, or `LAST_MESSAGE`.
    """
    label, task = sample.label, task_by_name(tasks, sample.task)
    if label is None or label in task.names:
        return
    if on_unknown_label == "error":
        raise InputError(_unknown_label(label, source, task))
    if source == LAST_MESSAGE:
        say(FROM_LAST_MESSAGE, label[:40])


def _unknown_label(label: str, source: str, task: Task) -> str:
    """What is wrong with a label that a task does not have.

    Args:
        source: the field that held it, or `LAST_MESSAGE`.
    """
    hint = did_you_mean(label, task.names) or (
        " If labels are your own, write a task file (`kdsl tasks init`) and name it by `task_file`."
    )
    if source == LAST_MESSAGE:
        return (
            f"the last message, '{label[:40]}', was taken for the label, and task '{task.name}' has no such label."
            f"{hint} Where it belongs to the dialogue, add a field 'label' (empty if the label is not known)."
        )
    return f"label '{label}' is unknown to task '{task.name}'.{hint}"


def _note_turns(turns: Sequence[Turn], task: Task, say: Callable[..., None]) -> None:
    for number, turn in enumerate(turns):
        if is_cut(turn.raw):
            say(TOO_LONG, turn.text[:40])
        found = stranger(turn.raw if number or turn.raw != turn.text else f"\n{turn.raw}")
        if found:
            say(_STRANGER, found)
    if turns[-1].role == "agent" and turns[-1].text in task.names:
        say("the agent's last turn is the name of a label, which a model would see", turns[-1].text)


def _task(record: Record, tasks: Sequence[Task]) -> Task:
    """The task of a row: the one it names, else the one that takes what it holds.

    A dialogue, or a text alone, belongs to a task of dialogues; pictures alone, or with the question of a task, to one
    of pictures. A text with pictures may be either: its label decides, or that there is one kind of task only.

    Raises:
        InputError: no task fits, or more than one; the message says how to choose.
    """
    if record.task:
        try:
            return task_by_name(tasks, record.task)
        except InputError as error:
            raise InputError(f"{error} If it is a task of your own, give its task file.") from None
    dialogues = [task for task in tasks if task.input == "dialogue"]
    pictures = [task for task in tasks if task.input == "picture"]
    if record.is_dialogue:
        return _only(dialogues, "dialogue", tasks)
    if any(_asks(record, task) for task in pictures) or record.text.startswith(_MIRE_PICTURE):
        return _only(pictures, "picture", tasks)
    if not record.images:
        return _only(dialogues, "dialogue", tasks)
    if not record.said or not dialogues:
        return _only(pictures, "picture", tasks)
    if not pictures:
        return _only(dialogues, "dialogue", tasks)
    fitting = [task for task in tasks if record.label in task.names]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(f"'{task.name}' ({task.input})" for task in tasks)
    raise InputError(
        f"holds a picture and a text without a speaker, and could belong to any of the tasks {names}. Set 'task' to "
        "the one that is meant, or give a single task."
    )


def _only(fitting: Sequence[Task], kind: str, tasks: Sequence[Task]) -> Task:
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(task.name for task in fitting)
        raise InputError(f"tasks {names} all take a {kind}; set 'task' to the one that is meant.")
    have = ", ".join(f"{task.name} ({task.input})" for task in tasks)
    raise InputError(f"holds a {kind}, and no task takes one; tasks: {have}. Set 'task', or give its task file.")


def shows_a_picture(record: Record) -> bool:
    """Whether a row is about pictures alone: it has no words of its own."""
    return bool(record.images) and not record.is_dialogue and (not record.said or record.text.startswith(_MIRE_PICTURE))


def _asks(record: Record, task: Task) -> bool:
    """Whether a row's text is the question of a task of pictures, which says nothing of the sample itself."""
    named = sum(name in record.text for name in task.names)
    return task.prompt in record.text or named > len(task.names) / 2


def _content_id(task: Task, record: Record, turns: tuple[Turn, ...]) -> str:
    content = [task.name, record.images, [(turn.role, turn.raw) for turn in turns]]
    return _CONTENT + hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
