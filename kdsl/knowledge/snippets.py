"""Reads snippets, texts that people wrote about a task's labels, from the YAML files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.errors import InputError, did_you_mean
from kdsl.knowledge.documents import Document
from kdsl.runs import listed
from kdsl.tasks import Task


class _Snippet(BaseModel):
    """One entry of a file in knowledge_base/."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1)
    task: str
    label: str | None = None
    kind: Literal["faq", "product", "page"]
    title: str = Field(min_length=1)
    text: str = Field(min_length=1)


def load_snippets(folder: Path, tasks: Sequence[Task]) -> list[Document]:
    """All snippets of the YAML files in a folder tree; snippets for other tasks than `tasks` are left out.

    Raises:
        InputError: there is no such file, or files have faults (all of them are listed, each with its file and
            entry).
    """
    files = sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    if not files:
        raise InputError(
            f"{folder}: holds no *.yaml file with snippets. Expected lists of "
            "{id, task, label, kind: faq|product|page, title, text}; knowledge_base/README.md shows one."
        )
    by_name = {task.name: task for task in tasks}
    documents: list[Document] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for file in files:
        name = file.relative_to(folder).as_posix()
        for number, entry in enumerate(_entries(file, name, faults), start=1):
            where = f"{name}, entry {number}"
            if isinstance(entry, dict) and entry.get("id"):
                where += f" (id {entry['id']})"
            try:
                snippet = _Snippet.model_validate(entry)
            except ValidationError as error:
                faults += [f"{where}: {_fault(dict(fault))}" for fault in error.errors()]
                continue
            if snippet.id in seen:
                faults.append(f"{where}: id '{snippet.id}' stands in {seen[snippet.id]} already")
            seen.setdefault(snippet.id, where)
            task = by_name.get(snippet.task)
            if task is None:
                continue
            if snippet.label is not None and snippet.label not in task.names:
                hint = did_you_mean(snippet.label, task.names)
                faults.append(f"{where}: label '{snippet.label}' is unknown to task '{task.name}'.{hint}")
            documents.append(Document(**snippet.model_dump(), source=name))
    if faults:
        raise InputError(f"{folder}: {len(faults)} fault(s) in snippets:\n{listed(faults, most=len(faults))}")
    return documents


def _entries(file: Path, name: str, faults: list[str]) -> list[Any]:
    try:
        entries = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        faults.append(f"{name}: cannot be read as YAML: {error}")
        return []
    if not isinstance(entries, list):
        faults.append(f"{name}: expected a list of snippets, found {type(entries).__name__}")
        return []
    return entries


def _fault(fault: dict[str, Any]) -> str:
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"'{key}' is no key of a snippet.{did_you_mean(key, _Snippet.model_fields)}"
    if not key:
        return f"expected a mapping with {', '.join(_Snippet.model_fields)}"
    return f"{key}: {fault['msg']}"
