"""`KnowledgeIndex`: finds documents by several rankers at once, and scores labels by votes of the nearest ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.files import changed_files, file_hashes
from kdsl.knowledge.documents import Document
from kdsl.knowledge.rankers.base import Item, Ranker
from kdsl.knowledge.rankers.registry import load_ranker
from kdsl.knowledge.rankers.vectors import CharacterRanker, MeaningRanker, VectorRanker
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.votes import NOMINATED, PRIOR_WEIGHT, Neighbours, joined, learn_weights, log_votes, neighbours
from kdsl.runs import read_manifest, write_manifest
from kdsl.tasks import Task

SCHEMA = 3
MANIFEST = "manifest.json"
_ADVICE = "Build the index again."
_BLOCK = 64
"""Queries whose similarities to all documents are in memory at the same time."""

LEARNED_FROM = 1000
"""Samples that weights are learned from, at most."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved document with its similarity to the query: the mean of the rankers' by their weights, 0 to 1.

    `found_by` are the rankers that put it forward, with their own similarities.
    """

    document: Document
    similarity: float
    found_by: Mapping[str, float] = field(default_factory=dict)


class KnowledgeIndex:
    """Documents as several rankers know them, and the rankers' weights; create it with `build` or `load`."""

    def __init__(self, documents: Sequence[Document], rankers: Sequence[Ranker], weights: Mapping[str, float]) -> None:
        self.documents = tuple(documents)
        self.rankers = tuple(rankers)
        self.weights = dict(weights)
        self._rows: dict[str, list[int]] = {}
        for row, document in enumerate(self.documents):
            self._rows.setdefault(document.id, []).append(row)
        self._tasks = np.array([document.task or "" for document in self.documents])

    @classmethod
    def build(cls, items: Sequence[Item], rankers: Sequence[Ranker]) -> KnowledgeIndex:
        """Fit the rankers to the items; those that can compare none of them are left out, but for that by characters.

        All have the same weight until `learn` is called.

        Raises:
            InputError: there are no items.
        """
        if not items:
            raise InputError(
                "there is nothing to index: no snippet and no labelled sample. Give a folder of snippets "
                "(knowledge.snippets) or data with labels."
            )
        fitted = [ranker for ranker in rankers if ranker.fit(items).known or isinstance(ranker, CharacterRanker)]
        return cls([item.document for item in items], fitted, {ranker.name: PRIOR_WEIGHT for ranker in fitted})

    def learn(self, samples: Sequence[Evidence], task: Task, copies: Sequence[Collection[str]], seed: int) -> None:
        """Learn the voting rankers' weights from labelled samples that are in the index: from the votes of all others.

        Args:
            copies: groups of ids of samples that say the same; none of them votes for another.
            seed: draws `LEARNED_FROM` of the samples where there are more.
        """
        drawn = np.random.default_rng(seed).permutation(len(samples))[:LEARNED_FROM]
        shown = [samples[i] for i in np.sort(drawn)]
        with_copies = {id: frozenset(group) for group in copies for id in group}
        hidden = [with_copies.get(e.sample.id, frozenset((e.sample.id,))) for e in shown]
        labels, counts = self._labels(task)
        near = joined(list(self._near([Item.of(e, task) for e in shown], labels >= 0, hidden, self._voters)))
        gold = np.array([task.index(e.sample.label or "") for e in shown])
        found = learn_weights(near, labels, counts, gold)
        self.weights |= {ranker.name: round(float(w), 4) for ranker, w in zip(self._voters, found, strict=True)}

    def search(self, query: str, k: int, task: str | None = None, exclude_ids: Collection[str] = ()) -> list[Hit]:
        """The `k` documents nearest to a text, best first; fewer if fewer have anything in common with it.

        Args:
            task: only documents of this task.
            exclude_ids: ids of documents to leave out.
        """
        return self._hits([Item(Document("", "faq", query.strip(), "", task))], k, task, [exclude_ids])[0]

    def search_evidence(self, evidences: Sequence[Evidence], task: Task, k: int) -> list[list[Hit]]:
        """For each sample the `k` documents of a task nearest to it, without the sample itself."""
        items = [Item.of(evidence, task) for evidence in evidences]
        return self._hits(items, k, task.name, [(evidence.sample.id,) for evidence in evidences])

    def label_scores(self, evidences: Sequence[Evidence], task: Task) -> np.ndarray:
        """Log-probabilities [n, m] over the task's labels by votes of the nearest documents (`kdsl.knowledge.votes`).

        A row is NaN if no document is near. A sample in the index does not vote for itself.
        """
        labels, counts = self._labels(task)
        items = [Item.of(evidence, task) for evidence in evidences]
        hidden = [frozenset((evidence.sample.id,)) for evidence in evidences]
        found = [np.zeros((0, len(counts)))]
        weights = np.array([self.weights[ranker.name] for ranker in self._voters])
        for near in self._near(items, labels >= 0, hidden, self._voters):
            found.append(log_votes(near, weights, labels, counts))
        return np.concatenate(found)

    def save(self, folder: Path) -> None:
        """Write a store of the documents, the rankers, and finally `manifest.json` with hashes and the weights.

        The folder must not exist. The store's vectors are those by meaning, or by characters without an encoder, so
        that the folder is a knowledge base, too (`kdsl.knowledge.base`).
        """
        stored = max(
            (ranker for ranker in self.rankers if isinstance(ranker, VectorRanker)),
            key=lambda ranker: ranker.name == MeaningRanker.name,
        )
        vectors = stored.vectors
        with Store.temporary(vectors.shape[1], stored.embedder) as store:
            store.add(self.documents, vectors)
            store.copy_to(folder)
        for ranker in self.rankers:
            if ranker is stored:
                stored.save(folder / ranker.name, vectors=False)
            else:
                ranker.save(folder / ranker.name)
        body = {
            "weights": self.weights,
            "stored": stored.name,
            "documents": len(self.documents),
            "files": file_hashes(folder),
        }
        write_manifest(folder / MANIFEST, SCHEMA, body)

    @classmethod
    def load(cls, folder: Path) -> KnowledgeIndex:
        """Read what `save` wrote.

        Raises:
            BundleError: the folder is not an index, or it is unfinished, damaged, or its parts do not match.
        """
        parts = ("files", "weights", "stored", "documents")
        manifest = read_manifest(folder / MANIFEST, SCHEMA, parts, "a knowledge index", _ADVICE)
        if changed := changed_files(folder, manifest["files"]):
            raise BundleError(
                f"{folder}: missing, or not what the index was built with (by the hashes in {MANIFEST}): "
                f"{', '.join(changed)}. {_ADVICE}"
            )
        with Store.open(folder) as store, store.view() as view:
            documents, vectors = view.documents(view.rows()), view.vectors()
        rankers = [
            load_ranker(name, folder / name, vectors if name == manifest["stored"] else None)
            for name in manifest["weights"]
        ]
        found = {"documents": len(documents)} | {ranker.name: ranker.items for ranker in rankers}
        if wrong := {name: n for name, n in found.items() if n != manifest["documents"]}:
            raise BundleError(f"{folder}: found {wrong}, expected {manifest['documents']} each. {_ADVICE}")
        return cls(documents, rankers, manifest["weights"])

    @property
    def _voters(self) -> tuple[Ranker, ...]:
        """The rankers whose neighbours vote; all of them, if none is meant to."""
        return tuple(ranker for ranker in self.rankers if ranker.votes) or self.rankers

    def _labels(self, task: Task) -> tuple[np.ndarray, np.ndarray]:
        """The column of each document's label [n], -1 where it has none of the task, and documents per label [m]."""
        columns = {name: column for column, name in enumerate(task.names)}
        own = [columns.get(d.label or "", -1) if d.task == task.name else -1 for d in self.documents]
        labels = np.array(own)
        return labels, np.bincount(labels[labels >= 0], minlength=len(task.names))

    def _near(
        self,
        items: Sequence[Item],
        allowed: np.ndarray,
        hidden: Sequence[Collection[str]],
        rankers: Sequence[Ranker],
        each: int = NOMINATED,
    ) -> Iterator[Neighbours]:
        """The neighbours of items, block by block.

        Args:
            allowed: bool [n].
            hidden: of each item, the ids of documents that it must not find.
            rankers: those that look for them.
            each: documents that each ranker puts forward.
        """
        for start in range(0, len(items), _BLOCK):
            block = slice(start, start + _BLOCK)
            similarities = np.stack([ranker.similarities(items[block]) for ranker in rankers])
            open_to = np.tile(allowed, (similarities.shape[1], 1))
            for query, ids in enumerate(hidden[block]):
                open_to[query, [row for id in ids for row in self._rows.get(id, ())]] = False
            yield neighbours(similarities, open_to, each)

    def _hits(
        self, items: Sequence[Item], k: int, task: str | None, exclude_ids: Sequence[Collection[str]]
    ) -> list[list[Hit]]:
        allowed = self._tasks == task if task is not None else np.ones(len(self.documents), bool)
        weights, found = np.array([self.weights[ranker.name] for ranker in self.rankers]), []
        for near in self._near(items, allowed, exclude_ids, self.rankers, max(k, NOMINATED)):
            nearness = near.nearness(weights) / weights.sum()
            found += [self._best(near, query, row, k) for query, row in enumerate(nearness)]
        return found

    def _best(self, near: Neighbours, query: int, nearness: np.ndarray, k: int) -> list[Hit]:
        """The `k` nearest of one query of a block, by its row of nearness."""
        return [
            Hit(
                self.documents[near.rows[query, i]],
                float(nearness[i]),
                {
                    ranker.name: float(near.similarities[query, i, r])
                    for r, ranker in enumerate(self.rankers)
                    if near.nominated[query, i, r]
                },
            )
            for i in np.argsort(-nearness, kind="stable")[:k]
            if near.rows[query, i] >= 0
        ]
