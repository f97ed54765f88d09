"""Synthetic documents for retrieval: many phrasings and screens per label, without labelling cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config import AUTO
from kdsl.config_file import load_config, load_tasks
from kdsl.knowledge.base import Changes, KnowledgeBase
from kdsl.knowledge.documents import Document, label_documents, task_source
from kdsl.knowledge.snippets import load_snippets
from kdsl.tasks import Task
from kdsl.world.dialogues import ask
from kdsl.world.draw import Stream, known_labels
from kdsl.world.evidence import imagine

SOURCE = "synthetic world"


def world_documents(task: Task, per_label: int, seed: int, blind: bool = False) -> list[Document]:
    """Up to `per_label` documents for each label that the world knows; none for a user's own labels.

    A dialogue task gets utterances that tell the label (kind `faq`), a picture task what OCR would read on
    drawn screens (kind `page`). Equal texts enter once, so that small phrase books do not outvote others.

    Args:
        blind: as `imagine` takes it.
    """
    if task.input == "dialogue":
        streams = [Stream(f"{seed}/{label}{'/blind' * blind}", (label,)) for label in known_labels(task)]
        texts = {(stream.labels[0], ask(*stream.row(n), blind)) for stream in streams for n in range(per_label)}
    else:
        texts = {(str(evidence.sample.label), evidence.ocr_text) for evidence in imagine(task, per_label, seed, blind)}
    documents = []
    for number, (label, text) in enumerate(sorted(pair for pair in texts if pair[1])):
        id = f"world-{task.name}-{number}"
        if task.input == "dialogue":
            documents.append(Document(id, "faq", text, "", task.name, label, source=SOURCE))
        else:
            documents.append(Document(id, "page", "", text, task.name, label, source=SOURCE))
    return documents


def build_base(
    out: Path, config: str | Path, overrides: Sequence[str] = (), snippets: Path | None = None, per_label: int = 0
) -> Changes:
    """Bring the knowledge base in the folder `out` up to date with a config: its labels' descriptions and its snippets.

    Args:
        overrides: `key.path=value`.
        snippets: a file or folder of snippets; by default the config's.
        per_label: documents of the synthetic world to add for each label.
    """
    settings = load_config(config, overrides)
    tasks = load_tasks(settings)
    path = snippets or Path(settings.knowledge.snippets)
    documents = load_snippets(path, tasks, path.absolute().parent)
    documents += [document for task in tasks for document in label_documents(task)]
    documents += [document for task in tasks for document in world_documents(task, per_label, settings.seed)]
    known = [name for name in settings.encoders.text if name != AUTO]
    base = KnowledgeBase.at(out, known[0] if known else None)
    return base.add(documents, [path.name, SOURCE, *(task_source(task) for task in tasks)])
