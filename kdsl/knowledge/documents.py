"""`Document`: a searchable text of the knowledge base: a snippet, a product, a mined intention, a labelled sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import regex

from kdsl.evidence.types import Evidence
from kdsl.runs import digest
from kdsl.tasks import Task
from kdsl.words import units

Kind = Literal["description", "faq", "product", "page", "intention", "sample"]

LAST_LINE, TITLE, TEXT = 1.0, 0.7, 0.5
"""Weights of a document's passages, chosen by cross-validation; values from 0.5 to 1 change F1 by at most 0.02."""
PAGE_TITLE, PAGE_TEXT = 0.3, 1.0
"""The same for pages, which are recognised by their text rather than by their title."""

_EXCERPT = 60
_HAN = regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_LATIN = regex.compile(r"[\p{Latin}\p{M}\p{N}]*\p{Latin}[\p{Latin}\p{M}\p{N}]*")


@dataclass(frozen=True, slots=True)
class Document:
    """One searchable document.

    `title` is a question or name, `text` the answer or content. For a sample, `title` is the user's turns that have
    text, one per line, and `text` the agent's last such turn, or the text of the pictures. `task` and `label` are None
    if the document is not about a single one; `source` says where it comes from, for people. `language` is 'zh', 'en'
    or any other code that a source states; where none is given, it is that of the script (`language_of`).
    """

    id: str
    kind: Kind
    title: str
    text: str
    task: str | None = None
    label: str | None = None
    language: str = ""
    source: str = ""
    picture: str | None = None
    """Path of its picture below the folder of pictures that the document was read with."""

    def __post_init__(self) -> None:
        if not self.language:
            object.__setattr__(self, "language", language_of(f"{self.title}\n{self.text}"))

    @property
    def digest(self) -> str:
        """Of all that the document says, which is everything but its id and source: other content, other digest."""
        return digest(self.kind, self.title, self.text, self.task, self.label, self.language, self.picture)

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


def label_documents(task: Task) -> list[Document]:
    """One document for each description of each label of a task."""
    return [
        Document(f"{task.name}/{label.name}/{n}", "description", label.name, text, task.name, label.name, source=source)
        for source in (task_source(task),)
        for label in task.labels
        for n, text in enumerate(label.descriptions, start=1)
    ]


def task_source(task: Task) -> str:
    """The source of a task's descriptions."""
    return f"task {task.name}"


def evidence_document(evidence: Evidence, task: Task) -> Document:
    """A sample as a document: an entry of the index if it has a label, and a query otherwise."""
    sample = evidence.sample
    if task.input == "picture":
        title, text = "", evidence.ocr_text
    else:
        title = "\n".join(telling_turns(evidence, "user"))
        text = "\n".join(telling_turns(evidence, "agent")[-1:])
    return Document(sample.id, "sample", title, text, task.name, sample.label, source=f"sample {sample.id}")


def telling_turns(evidence: Evidence, role: Literal["user", "agent"]) -> list[str]:
    """The turns of a role that contain more than placeholders, each on one line."""
    return [turn.said for turn in evidence.sample.turns if turn.role == role and turn.said]


def language_of(text: str) -> str:
    """The language of a text by its script: 'zh' where most of its units are Chinese characters, 'en' where most are
    words in Latin letters, and 'other'; so is a text without letters. Kana in more than every fourth place is Japanese;
    single ones decorate Chinese titles."""
    letters = [unit for unit in units(text) if any(map(str.isalpha, unit))]
    chinese = sum(_HAN.fullmatch(unit) is not None for unit in letters)
    if 3 * sum(_KANA.fullmatch(unit) is not None for unit in letters) > chinese:
        return "other"
    latin = sum(_LATIN.fullmatch(unit) is not None for unit in letters)
    language, most = max(("zh", chinese), ("en", latin), key=lambda pair: pair[1])
    return language if 2 * most > len(letters) else "other"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
