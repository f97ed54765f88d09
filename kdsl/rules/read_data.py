"""Samples for rule books that are in no bundle: those of files, or a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kdsl.config import EvidenceConfig
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.dialogue import clean_text
from kdsl.data.folders import picture_root
from kdsl.data.own_task import PROMPTS, Kind
from kdsl.data.readers import load_task_files, read_files
from kdsl.data.sample import Sample, Turn
from kdsl.errors import InputError, did_you_mean
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.literals import TurnGroup, TurnText
from kdsl.tasks import Label, Task


def evidence_for(
    books: Iterable[RuleBook],
    data: Sequence[Path],
    images: Path,
    ocr: Path | None = None,
    task_files: Sequence[Path] = (),
    columns: Columns = AS_KNOWN,
) -> list[Evidence]:
    """Read and observe samples of the books' tasks.

    Args:
        task_files: the books' tasks; by default the shipped ones, where a book has their labels, or else a task that
            is made of the book: its labels, and dialogues if a literal is about turns, pictures if none is.

    Raises:
        KdslError: a task file, a sample or a picture cannot be used.
    """
    books = list(books)
    tasks = load_task_files(task_files) if task_files else tasks_of(books)
    wanted = {book.task for book in books}
    samples = [sample for sample in read_files(data, tasks, columns) if sample.task in wanted]
    return observe(samples, picture_root(data, images), EvidenceConfig(), ocr)


def tasks_of(books: Sequence[RuleBook]) -> list[Task]:
    """The shipped tasks where the books have their labels, or else a task made of each book."""
    shipped = {task.name: task for task in load_task_files([])}
    if all(book.task in shipped and book.labels == shipped[book.task].names for book in books):
        return list(shipped.values())  # a file of theirs may hold samples of both
    return [_task_of(book) for book in books]


def _task_of(book: RuleBook) -> Task:
    kind: Kind = "dialogue" if _of_turns(book) else "picture"
    return Task(
        name=book.task, input=kind, prompt=PROMPTS[kind], labels=tuple(Label(name=name) for name in book.labels)
    )


def _of_turns(book: RuleBook) -> bool:
    return any(isinstance(literal, TurnText | TurnGroup) for rule in book.rules for literal in rule.when.literals)


def said(text: str, books: Iterable[RuleBook]) -> list[Evidence]:
    """A text as the only turn of a user: one sample for each book that has literals about turns.

    Raises:
        InputError: no book has any.
    """
    spoken = [book for book in books if _of_turns(book)]
    if not spoken:
        raise InputError("no literal of the book is about what a user says; give `data`, and the id of a sample in it.")
    turn = Turn("user", clean_text(text), text)
    return [Evidence(Sample(id="text", task=book.task, images=(), turns=(turn,)), ()) for book in spoken]


def with_id(evidences: Iterable[Evidence], id: str) -> Evidence:
    """The sample with an id.

    Raises:
        InputError: there is none.
    """
    by_id = {evidence.sample.id: evidence for evidence in evidences}
    if id not in by_id:
        raise InputError(f"no sample has the id '{id}' (of {len(by_id)}).{did_you_mean(id, by_id)}")
    return by_id[id]
