"""`Document`: a searchable text, made from a snippet that a person wrote or from a labelled sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.errors import InputError, did_you_mean
from kdsl.evidence.types import Evidence
from kdsl.runs import listed
from kdsl.tasks import Task

Kind = Literal["faq", "product", "page", "sample"]

LAST_LINE, TITLE, TEXT = 1.0, 0.7, 0.5
"""Weights of a document's passages, chosen by cross-validation; values from 0.5 to 1 change F1 by at most 0.02."""
PAGE_TITLE, PAGE_TEXT = 0.3, 1.0
"""The same for pages, which are recognised by their text rather than by their title."""

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Document:
    """One searchable document.

    `title` is a question or name, `text` the answer or content. For a sample, `title` is the user's turns that have
    text, one per line, and `text` the agent's last such turn, or the text of the pictures. `label` is None if the
    document is not about a single label; `source` says where it comes from, for people.
    """

    id: str
    task: str
    label: str | None
    kind: Kind
    title: str
    text: str
    source: str

    @property
    def passages(self) -> tuple[tuple[str, float], ...]:
        """Texts to embed, with their weights. The title's last line, which has the question, weighs most."""
        if self.kind == "page":
            weighted = [(self.title, PAGE_TITLE), (self.text, PAGE_TEXT)]
        else:
            last = self.title.rsplit("\n", 1)[-1]
            weighted = [(last, LAST_LINE), (self.title, TITLE), (self.text, TEXT)]
        return tuple((text, weight) for text, weight in weighted if text.strip())

    @property
    def excerpt(self) -> str:
        """Title and text on one line, short enough for a prompt or a table."""
        title = _cut(self.title.rsplit("\n", 1)[-1])
        return f"{title} {_cut(self.text)}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


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


def sample_documents(evidences: Iterable[Evidence], task: Task) -> list[Document]:
    """One document for each labelled sample of a task, in their order."""
    return [
        evidence_document(evidence, task)
        for evidence in evidences
        if evidence.sample.task == task.name and evidence.sample.label is not None
    ]


def evidence_document(evidence: Evidence, task: Task) -> Document:
    """A sample as a document: an entry of the index if it has a label, and a query otherwise."""
    sample = evidence.sample
    if task.input == "picture":
        title, text = "", evidence.ocr_text
    else:
        title = "\n".join(telling_turns(evidence, "user"))
        text = "\n".join(telling_turns(evidence, "agent")[-1:])
    return Document(sample.id, task.name, sample.label, "sample", title, text, f"sample {sample.id}")


def telling_turns(evidence: Evidence, role: Literal["user", "agent"]) -> list[str]:
    """The turns of a role that contain more than placeholders, each on one line."""
    return [turn.said for turn in evidence.sample.turns if turn.role == role and turn.said]


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


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
