"""Reads snippets, texts that people wrote about a task or a shop, from YAML, Markdown, JSON and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from kdsl.data.columns import AS_KNOWN, Columns, Known
from kdsl.data.fields import kind as value_kind
from kdsl.data.notes import Notes
from kdsl.errors import did_you_mean, fault_message
from kdsl.knowledge.documents import Document
from kdsl.knowledge.entries import Anchors, Entry, Faults, by_part, clean, entries, files_of, source_of, too_long
from kdsl.knowledge.products import PRODUCT
from kdsl.tasks import Task

SNIPPET: Known = MappingProxyType(
    {
        "id": ("id", "编号"),
        "title": ("title", "question", "name", "q", "标题", "问题", "名称"),
        "text": ("text", "answer", "content", "a", "答案", "回答", "答复", "内容", "正文"),
        "task": ("task", "任务"),
        "label": ("label", "标签"),
        "kind": ("kind", "类型"),
        "language": ("language", "lang", "语言"),
    }
)
"""The parts of a snippet."""


@lru_cache
def _hint(name: str) -> str:
    return did_you_mean(name, SNIPPET)


def _where_looked(part: str, entry: Entry) -> str:
    """Names under which a part is looked for in tables; where the row is of a catalogue, what to do with that."""
    if "price" in by_part(entry.values, PRODUCT)[0]:
        return "; a catalogue of products is given as `products`"
    if entry.strict or {str(name).strip().lower() for name in entry.values} & set(SNIPPET[part]):
        return ""
    return f"; it is looked for under {', '.join(SNIPPET[part])}"


class _Snippet(BaseModel):
    """The parts of an entry, checked."""

    id: str | None = None
    title: str = Field(min_length=1)
    text: str = Field(min_length=1)
    task: str | None = None
    label: str | None = None
    kind: Literal["description", "faq", "product", "page", "intention"] = "faq"
    language: str = Field("", pattern=r"^([a-z]{2,3}|other|)$")


def load_snippets(path: Path, tasks: Sequence[Task], base: Path | None = None) -> list[Document]:
    """The snippets of a file or a folder tree that are about one of these tasks, or about none.

    Args:
        base: the folder that sources are named from; by default the one that is given.

    Raises:
        InputError: there is no such file, or files have faults (all of them are listed, each with its file and
            entry).
    """
    names = {task.name for task in tasks}
    base = base or (path if path.is_dir() else path.parent)
    found = read_snippets([path], tasks, base, other_tasks=True)
    return [document for document in found if document.task is None or document.task in names]


def read_snippets(
    paths: Sequence[Path],
    tasks: Sequence[Task],
    base: Path,
    columns: Columns = AS_KNOWN,
    *,
    other_tasks: bool = False,
    leave_out: Collection[Path] = (),
) -> list[Document]:
    """All snippets of files and folder trees.

    An entry's id may be left out where its title tells it apart from the others of the file. A label without a task
    belongs to the task that has it.

    Args:
        base: the folder that sources are named from.
        columns: part of a snippet -> column of tables and JSON that is called otherwise than `SNIPPET` says.
        leave_out: files and folders within them that hold no snippets.
        other_tasks: whether entries may name tasks that are not in `tasks`; their labels are not checked.

    Raises:
        InputError: a path has no file to read, or files have faults (all of them are listed).
    """
    faults, notes = Faults(), Notes()
    reader = _Reader(tasks, other_tasks, faults, notes)
    documents: list[Document] = []
    files = {source_of(file, base): file for path in paths for file in files_of(path, notes, leave_out)}
    for source, file in files.items():  # a file that is given twice, or beside its folder, is read once
        for entry in entries(file, source, SNIPPET, columns, faults, notes):
            if document := reader.document(entry):
                documents.append(document)
    what = ", ".join(map(str, paths))
    faults.raise_any(what, "snippets")
    notes.log(Path(what))
    return documents


class _Reader:
    """Turns entries into documents; what is wrong with them goes to `faults`."""

    def __init__(self, tasks: Sequence[Task], other_tasks: bool, faults: Faults, notes: Notes) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._other_tasks = other_tasks
        self._faults = faults
        self._notes = notes
        self._anchors = Anchors()
        self._seen: dict[str, str] = {}

    def document(self, entry: Entry) -> Document | None:
        parts, others = by_part(entry.values, SNIPPET)
        given = parts.get("id")
        if isinstance(given, int) and not isinstance(given, bool):
            given = parts["id"] = str(given)
        where = f"{entry.source}, {entry.where}" + (f" (id {given})" if given else "")
        self._tell_others(entry, where, others)
        try:
            snippet = _Snippet.model_validate(
                {part: clean(value) if isinstance(value, str) else value for part, value in parts.items()}
            )
        except ValidationError as error:
            for fault in error.errors():
                part = str(fault["loc"][0])
                missing = fault["type"] in ("missing", "string_too_short")
                if missing:
                    said = f"is missing or empty{_where_looked(part, entry)}"
                elif fault["type"] == "string_type" and not entry.strict:  # of JSON: no advice on YAML
                    value = fault["input"]
                    said = f"expected a text, found {'a list' if isinstance(value, list) else value_kind(value)}"
                else:
                    said = fault_message(fault)
                self._faults.add(where, f"{part}: {said}")
            return None
        if excess := too_long([snippet.title, snippet.text]):
            self._faults.add(where, excess)
        id = snippet.id or self._anchors.id_of(entry.source, snippet.title)
        if id in self._seen:
            self._faults.add(where, f"id '{id}' stands in {self._seen[id]} already")
        self._seen.setdefault(id, where)
        task = self._task(where, snippet)
        return Document(
            id, snippet.kind, snippet.title, snippet.text, task, snippet.label, snippet.language, entry.source
        )

    def _tell_others(self, entry: Entry, where: str, others: Iterable[str]) -> None:
        """Names that are no part of a snippet: a fault in YAML, a note of other files."""
        for name in others:
            hint = _hint(name.lower())
            if entry.strict:
                self._faults.add(where, f"'{name}' is no part of a snippet ({', '.join(SNIPPET)}).{hint}")
            else:
                self._notes.add(f"'{name}' is not read.{hint}" if hint else f"'{name}' is not read", where)

    def _task(self, where: str, snippet: _Snippet) -> str | None:
        """The task of a snippet; checks its name and its label's."""
        if snippet.task is None:
            if snippet.label is None:
                return None
            having = [task.name for task in self._tasks.values() if snippet.label in task.names]
            if len(having) == 1:
                return having[0]
            known = [name for task in self._tasks.values() for name in task.names]
            why = f"label '{snippet.label}' is of the tasks {', '.join(having)}; name one as `task`"
            none = f"label '{snippet.label}' is of no task that is known ({', '.join(self._tasks) or 'none'})."
            self._faults.add(where, why if having else f"{none}{did_you_mean(snippet.label, known)}")
            return None
        task = self._tasks.get(snippet.task)
        if task is None:
            if not self._other_tasks:
                hint = did_you_mean(snippet.task, self._tasks)
                there = ", ".join(self._tasks) or "none"
                self._faults.add(where, f"task '{snippet.task}' is unknown; there are: {there}.{hint}")
        elif snippet.label is not None and snippet.label not in task.names:
            hint = did_you_mean(snippet.label, task.names)
            self._faults.add(where, f"label '{snippet.label}' is unknown to task '{task.name}'.{hint}")
        return snippet.task
