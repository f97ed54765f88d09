"""The retrieval expert: the nearest snippets, labelled samples and synthetic documents vote for their labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from kdsl.config import Config
from kdsl.data.duplicates import near_duplicates
from kdsl.data.prediction import FoundSnippet
from kdsl.evidence.copies import fingerprints
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup, Snippet
from kdsl.knowledge.index import Hit, KnowledgeIndex
from kdsl.knowledge.rankers.base import Item
from kdsl.knowledge.rankers.registry import new_rankers
from kdsl.tasks import Task

log = logging.getLogger(__name__)

TITLE = 80
"""Maximum characters of a document's title in a trace."""


class RetrievalExpert(Expert):
    """Votes with `index`, the index of the task's documents."""

    name = "retrieval"
    index: KnowledgeIndex

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        return folder / "index" / task.name

    def basis(self, material: Material) -> str | None:
        snippets = sum(document.label is not None for document in material.snippets(self.task))
        imagined = len(material.imagined_documents(self.task))
        found = [f"{snippets} snippets with a label"] * bool(snippets)
        found += [f"{imagined} documents of the synthetic world"] * bool(imagined)
        return " and ".join(found) or None

    def fit(self, material: Material) -> Self:
        labelled, config = material.labelled[self.task.name], self.setup.config
        taken = {evidence.sample.id for evidence in labelled}
        imagined = material.imagined_documents(self.task)
        documents = [
            replace(document, id=f"{document.id} of {document.source}") if document.id in taken else document
            for document in (*material.snippets(self.task), *imagined)
        ]
        items = [*map(Item, documents), *(Item.of(evidence, self.task) for evidence in labelled)]
        encoders = config.encoders
        if imagined:
            # Thousands of documents: the first encoder, the fastest, reads them in seconds, multilingual-e5-small in
            # half an hour, and neighbours are no better (docs/experiments.md, 2026-11-28).
            encoders = encoders.model_copy(update={"text": encoders.text[:1]})
        self.index = KnowledgeIndex.build(items, new_rankers(encoders))
        if labelled:
            copies = near_duplicates([evidence.sample for evidence in labelled], fingerprints(labelled))
            self.index.learn(labelled, self.task, copies, config.seed)
            log.info("%s: neighbours weighed by %s", self.task.name, self.index.weights)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        return self.index.label_scores(evidences, self.task)

    def snippets(self, evidences: Sequence[Evidence], k: int) -> list[Sequence[Snippet]]:
        return [[_snippet(hit) for hit in hits] for hits in self.index.search_evidence(evidences, self.task, k)]

    def save(self, place: Path) -> None:
        self.index.save(place)

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        expert = cls(task, setup)
        expert.index = KnowledgeIndex.load(place)
        return expert


def _snippet(hit: Hit) -> Snippet:
    document = hit.document
    shown = FoundSnippet(
        id=document.id,
        label=document.label,
        title=document.title[:TITLE],
        source=document.source,
        score=round(hit.similarity, 4),
        found_by={name: round(similarity, 4) for name, similarity in hit.found_by.items()},
    )
    return Snippet("：".join(filter(None, (document.excerpt, document.label))), shown)
