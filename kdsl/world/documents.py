"""Documents written by the synthetic world: many ways to ask, many screens, at no labelling cost."""

from __future__ import annotations

import random

from kdsl.knowledge.documents import Document
from kdsl.tasks import Task
from kdsl.world.dialogues import ask, labels
from kdsl.world.evidence import imagine

SOURCE = "synthetic world"


def world_documents(task: Task, per_label: int, seed: int) -> list[Document]:
    """Up to `per_label` documents for each label that the world knows; none for a user's own labels.

    A dialogue task gets utterances that tell the label (kind `faq`), a picture task what OCR would read on
    drawn screens (kind `page`). Equal texts enter once, so that small phrase books do not outvote others.
    """
    if task.input == "dialogue":
        known = (label for label in task.names if label in labels())
        texts = [(label, ask(label, random.Random(f"{seed}/{label}/{n}"))) for label in known for n in range(per_label)]
    else:
        texts = [(str(e.sample.label), e.ocr_text) for e in imagine(task, per_label, seed)]
    documents = []
    for number, (label, text) in enumerate(sorted({pair for pair in texts if pair[1]})):
        id = f"world-{task.name}-{number}"
        if task.input == "dialogue":
            documents.append(Document(id, task.name, label, "faq", text, "", SOURCE))
        else:
            documents.append(Document(id, task.name, label, "page", "", text, SOURCE))
    return documents
