"""`KnowledgeIndex`: search for documents by similarity, and label scores by votes of the nearest ones."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import Document, evidence_document
from kdsl.knowledge.embedders import Embedder, open_embedder
from kdsl.runs import atomic_write, changed_files, file_hashes, read_manifest, write_jsonl, write_manifest
from kdsl.tasks import Task

SCHEMA = 3
_MANIFEST = "manifest.json"
_ADVICE = "Build the index again."

NEIGHBOURS = 24
"""Number of nearest labelled documents that vote."""
WIDTH = 0.06
"""Kernel width: the difference in similarity to the nearest document at which a vote has 1/e of its weight."""
PRIOR_POWER = 0.3
"""A label's votes are divided by its number of documents to this power: 0 keeps the imbalance, 1 undoes it."""
SMOOTHING = 0.1
"""Share of the probability that is spread evenly over all labels."""
NEAR = 0.05
"""If the similarity of the nearest document is below this, retrieval abstains."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved document with its cosine similarity to the query."""

    document: Document
    similarity: float


class KnowledgeIndex:
    """Documents with their vectors; create it with `build` or `load`.

    A document's vector is the weighted sum of its passages' vectors, scaled to length 1. Samples used as queries are
    embedded in the same way.
    """

    def __init__(self, documents: Sequence[Document], embedder: Embedder, index: faiss.Index) -> None:
        self.documents = tuple(documents)
        self.embedder = embedder
        self._index = index
        self._rows: dict[str, list[int]] = {}
        for row, document in enumerate(self.documents):
            self._rows.setdefault(document.id, []).append(row)

    @classmethod
    def build(cls, documents: Sequence[Document], embedder: Embedder) -> KnowledgeIndex:
        """Fit the embedder to the documents and index them.

        Raises:
            InputError: there are no documents.
        """
        if not documents:
            raise InputError(
                "there is nothing to index: no snippet and no labelled sample. Give a folder of snippets "
                "(knowledge.snippets) or data with labels."
            )
        embedder.fit(["\n".join((document.title, document.text)) for document in documents])
        half = faiss.ScalarQuantizer.QT_fp16  # half the size on disk; changes similarities by less than 0.001
        index = faiss.IndexScalarQuantizer(embedder.dim, half, faiss.METRIC_INNER_PRODUCT)
        index.add(_vectors(documents, embedder))
        return cls(documents, embedder, index)

    def search(self, query: str, k: int, task: str | None = None, exclude_ids: Collection[str] = ()) -> list[Hit]:
        """The `k` documents nearest to a text, best first; fewer if fewer have anything in common with it.

        Args:
            task: only documents of this task.
            exclude_ids: ids of documents to leave out.
        """
        query_document = Document("", "faq", query.strip(), "", task)
        return self._nearest([query_document], k, self._allowed(task, False, exclude_ids))[0]

    def search_evidence(self, evidence: Evidence, task: Task, k: int) -> list[Hit]:
        """The `k` documents of a task nearest to a sample, without the sample itself."""
        allowed = self._allowed(task.name, False, (evidence.sample.id,))
        return self._nearest([evidence_document(evidence, task)], k, allowed)[0]

    def label_scores(
        self,
        evidences: Sequence[Evidence],
        task: Task,
        *,
        neighbours: int = NEIGHBOURS,
        width: float = WIDTH,
        prior_power: float = PRIOR_POWER,
        smoothing: float = SMOOTHING,
    ) -> np.ndarray:
        """Log-probabilities [n, m] over the task's labels by kernel-weighted votes of the nearest documents.

        The weight of a document with similarity s is exp((s - s_nearest) / width) / n_label ** prior_power; a share
        `smoothing` is spread evenly. A row is NaN if no document is near. A sample in the index does not vote for
        itself.
        """
        m = len(task.labels)
        scores = np.full((len(evidences), m), np.nan)
        allowed = self._allowed(task.name, True, ())
        counts = np.zeros(m)
        for row in allowed:
            counts[task.index(self.documents[row].label or "")] += 1
        queries = [evidence_document(evidence, task) for evidence in evidences]
        repeats = max((len(self._rows.get(query.id, ())) for query in queries), default=0)
        for i, hits in enumerate(self._nearest(queries, neighbours + repeats, allowed)):
            others = [hit for hit in hits if hit.document.id != queries[i].id][:neighbours]
            if not others or others[0].similarity < NEAR:
                continue
            votes = np.zeros(m)
            for hit in others:
                column = task.index(hit.document.label or "")
                kernel = np.exp((hit.similarity - others[0].similarity) / width)
                votes[column] += kernel / counts[column] ** prior_power
            scores[i] = np.log((1 - smoothing) * votes / votes.sum() + smoothing / m)
        return scores

    def save(self, folder: Path) -> None:
        """Write index, documents and embedder, and finally `manifest.json` with their hashes."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MANIFEST).unlink(missing_ok=True)
        write_jsonl(folder / "documents.jsonl", (document.as_dict() for document in self.documents))
        atomic_write(folder / "index.faiss", faiss.serialize_index(self._index).tobytes())
        self.embedder.save(folder / "embedder")
        kinds = sorted({document.kind for document in self.documents})
        body = {
            "embedder": self.embedder.name,
            "dim": self.embedder.dim,
            "documents": len(self.documents),
            "kinds": {kind: sum(d.kind == kind for d in self.documents) for kind in kinds},
            "tasks": sorted({document.task for document in self.documents if document.task}),
            "files": file_hashes(folder),
        }
        write_manifest(folder / _MANIFEST, SCHEMA, body)

    @classmethod
    def load(cls, folder: Path) -> KnowledgeIndex:
        """Read what `save` wrote.

        Raises:
            BundleError: the folder is not an index, or it is unfinished, damaged, or its parts do not match.
        """
        parts = ("files", "embedder", "dim", "documents")
        manifest = read_manifest(folder / _MANIFEST, SCHEMA, parts, "a knowledge index", _ADVICE)
        if changed := changed_files(folder, manifest["files"]):
            raise BundleError(
                f"{folder}: missing, or not what the index was built with (by the hashes in {_MANIFEST}): "
                f"{', '.join(changed)}. {_ADVICE}"
            )
        embedder = open_embedder(manifest["embedder"], folder / "embedder")
        try:
            with (folder / "documents.jsonl").open(encoding="utf-8") as lines:  # splitlines would cut within a text
                documents = [Document(**json.loads(line)) for line in lines]
            index = faiss.deserialize_index(np.frombuffer((folder / "index.faiss").read_bytes(), np.uint8))
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise BundleError(f"{folder} cannot be read ({error!r}). {_ADVICE}") from error
        found = {"documents": len(documents), "vectors": index.ntotal, "dim": index.d, "embedder": embedder.dim}
        wanted = {
            "documents": manifest["documents"],
            "vectors": manifest["documents"],
            "dim": manifest["dim"],
            "embedder": manifest["dim"],
        }
        if found != wanted:
            raise BundleError(f"{folder}: found {found}, expected {wanted}. {_ADVICE}")
        return cls(documents, embedder, index)

    def _allowed(self, task: str | None, labelled: bool, exclude_ids: Collection[str]) -> list[int]:
        return [
            row
            for row, document in enumerate(self.documents)
            if (task is None or document.task == task)
            and (not labelled or document.label is not None)
            and document.id not in exclude_ids
        ]

    def _nearest(self, queries: Sequence[Document], k: int, allowed: Sequence[int]) -> list[list[Hit]]:
        if not queries or not allowed:
            return [[] for _ in queries]
        selector = faiss.IDSelectorBatch(np.asarray(allowed, np.int64))
        parameters = faiss.SearchParameters()
        parameters.sel = selector  # not owned: `selector` must outlive the search
        vectors = _vectors(queries, self.embedder)
        similarities, found = self._index.search(vectors, min(k, len(allowed)), params=parameters)
        return [
            [
                Hit(self.documents[row], float(score))
                for row, score in zip(rows_, scores_, strict=True)
                if row >= 0 and score > 0
            ]
            for rows_, scores_ in zip(found, similarities, strict=True)
        ]


def _vectors(documents: Sequence[Document], embedder: Embedder) -> np.ndarray:
    """Unit vectors [n, dim] of documents, float32; 0 for a document without known content."""
    passages = [(i, text, weight) for i, d in enumerate(documents) for text, weight in d.passages]
    vectors = np.zeros((len(documents), embedder.dim), np.float32)
    if passages:
        rows, texts, weights = zip(*passages, strict=True)
        embedded = embedder.embed(texts) * np.asarray(weights, np.float32)[:, None]
        np.add.at(vectors, np.asarray(rows), embedded)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
