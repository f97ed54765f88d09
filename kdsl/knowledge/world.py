"""Documents written by the synthetic world: many ways to ask, many screens, at no labelling cost."""

from __future__ import annotations

import random
from collections.abc import Iterator

from kdsl.data.world.dataset import make_sample
from kdsl.data.world.dialogues import ask
from kdsl.errors import InputError
from kdsl.knowledge.documents import Document
from kdsl.tasks import Task

SOURCE = "synthetic world"


def world_documents(task: Task, per_label: int, seed: int) -> list[Document]:
    """Up to `per_label` documents for each label that the world knows; none for a user's own labels.

    A dialogue task gets utterances that tell the label (kind `faq`), a picture task what OCR would read on
    drawn screens (kind `page`). Equal texts enter once, so that small phrase books do not outvote others.
    """
    documents = []
    for column, label in enumerate(task.names):
        texts: set[str] = set()
        try:
            texts.update(_texts(task, column, label, per_label, seed))
        except InputError:  # the world has no such label
            continue
        for number, text in enumerate(sorted(texts)):
            id = f"world-{task.name}-{column}-{number}"
            if task.input == "dialogue":
                documents.append(Document(id, task.name, label, "faq", text, "", SOURCE))
            else:
                documents.append(Document(id, task.name, label, "page", "", text, SOURCE))
    return documents


def _texts(task: Task, column: int, label: str, count: int, seed: int) -> Iterator[str]:
    for number in range(count):
        if task.input == "dialogue":
            yield ask(label, random.Random(f"{seed}/{label}/{number}"))
        else:
            sample = make_sample(task, number * len(task.names) + column, seed)  # labels take turns there
            text = "\n".join(line.text for lines in sample.lines for line in lines)
            if text:
                yield text
