"""`View`: one generation of a store, opened; what it finds and the documents that it names belong together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from kdsl.errors import InputError
from kdsl.knowledge.documents import Document
from kdsl.knowledge.store.catalog import LOG, Catalog, Entry, Facet, Head
from kdsl.knowledge.store.policy import Policy, SegmentKind
from kdsl.knowledge.store.segments import Segment, open_log, open_segment
from kdsl.knowledge.store.selection import ANY, Bitmap, Where

_FILTERS = 64
"""Bitmaps of filters that are kept in memory; one takes an eighth of a byte per vector."""


@dataclass(frozen=True)
class State:
    """What is opened of one generation; threads share it. Bitmaps of filters are made when they are first needed."""

    head: Head
    segments: dict[Entry, Segment]
    live: dict[Entry, Bitmap]
    """The vectors whose documents are there, for segments with tombstones."""
    filters: dict[tuple[Entry, Where], Bitmap] = field(default_factory=dict)


def open_state(folder: Path, catalog: Catalog, policy: Policy, before: State | None) -> State:
    """The generation that is read; what `before` has opened already is not opened again.

    Raises:
        FileNotFoundError: a segment is not there, because a rebuild has replaced it or because the store is damaged.
        BundleError: a segment is damaged.
    """
    head = catalog.head()
    if before and before.head == head:
        return before
    opened = before.segments if before else {}
    segments = {
        entry: opened.get(entry) or open_entry(folder, entry, head.dim, policy)
        for entry in catalog.segments()
        if entry.count
    }
    removed = catalog.tombstones()
    live = {
        entry: Bitmap.full(len(segment)).without(places)
        for entry, segment in segments.items()
        if len(places := segment.positions(removed))
    }
    newer = before and before.head.generation < head.generation  # what was removed since has its tombstone
    filters = {key: bitmap for key, bitmap in before.filters.items() if key[0] in segments} if before and newer else {}
    return State(head, segments, live, filters)


def open_entry(folder: Path, entry: Entry, dim: int, policy: Policy) -> Segment:
    """A segment of the catalog; raises what `open_log` and `open_segment` raise."""
    if entry.kind == LOG:
        return open_log(folder / entry.name, dim, entry.first, entry.count, policy)
    return open_segment(folder / entry.name, cast(SegmentKind, entry.kind), entry.count, policy)


class View:
    """One generation of a store: what it finds and the documents it names belong together, whatever writers do."""

    def __init__(self, catalog: Catalog, state: State) -> None:
        self._catalog = catalog
        self._state = state

    def __len__(self) -> int:
        """Number of vectors, those of removed documents among them."""
        return sum(map(len, self._state.segments.values()))

    @property
    def dim(self) -> int:
        """Size of the vectors."""
        return self._state.head.dim

    @property
    def embedder(self) -> str:
        """Name and version of what made the vectors."""
        return self._state.head.embedder

    @property
    def logged(self) -> int:
        """Number of vectors that were added since the last rebuild."""
        return sum(entry.count for entry in self._state.segments if entry.kind == LOG)

    @property
    def removed(self) -> int:
        """Number of vectors whose documents were removed since the last rebuild."""
        return len(self._catalog.tombstones())

    @property
    def generation(self) -> int:
        """Grows by one with every change."""
        return self._state.head.generation

    def search(self, vectors: np.ndarray, k: int, where: Where = ANY) -> tuple[np.ndarray, np.ndarray]:
        """The `k` documents of each query with the greatest inner product, best first; at equal ones in order of rows.

        Args:
            vectors: [q, dim].
            where: the documents that may be found.

        Returns:
            rows int64 [q, k] and similarities float32 [q, k]; -1 and -inf where fewer than k documents may be found.

        Raises:
            InputError: the vectors have another size than those of the store.
        """
        queries = matrix(vectors, self._state.head.dim)
        parts = [segment.search(queries, k, allowed) for _, segment, allowed in self.selected(where)]
        return merged(parts, len(queries), k)

    def selected(self, where: Where) -> Iterator[tuple[Entry, Segment, Bitmap | None]]:
        """The segments that hold documents which pass a filter, with those documents' vectors (None: all of them)."""
        excluded = self._catalog.rows_of(where.exclude_ids)
        for entry, segment in self._state.segments.items():
            allowed = self._allowed(entry, segment, where.facets)
            if len(without := segment.positions(excluded)):
                allowed = (allowed or Bitmap.full(len(segment))).without(without)
            if allowed is None or allowed.count:
                yield entry, segment, allowed

    def documents(self, rows: Sequence[int] | np.ndarray) -> list[Document]:
        """The documents of rows, in their order."""
        return self._catalog.documents([int(row) for row in rows])

    def rows(self, where: Where = ANY) -> np.ndarray:
        """The rows of all documents that pass a filter, ascending."""
        return self._catalog.rows(where)

    def vectors(self) -> np.ndarray:
        """The vectors of all documents, float16 [n, dim], in the order of `rows`."""
        rows = self.rows()
        found = np.zeros((len(rows), self.dim), np.float16)
        for segment in self._state.segments.values():
            places = np.searchsorted(rows, segment.rows)
            here = np.isin(segment.rows, rows)
            found[places[here]] = segment.halves[here]
        return found

    def known(self, ids: Collection[str] | None = None) -> dict[str, str]:
        """The digest of every document by its id, or of those with these ids that are there."""
        return self._catalog.known(ids)

    def origins(self, ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Digest and source of the documents with these ids, by id; unknown ids are left out."""
        return self._catalog.origins(ids)

    def ids(self, where: Where = ANY) -> list[str]:
        """The ids of all documents that pass a filter; `exclude_ids` does not count."""
        return self._catalog.ids(where)

    def tally(self, facet: Facet) -> dict[str, int]:
        """How many documents there are of each kind, task, label, language or source; '' stands for none."""
        return self._catalog.tally(facet)

    def stats(self) -> dict[str, Any]:
        """Numbers of documents by task and kind, and of vectors by segment, for people and for JSON."""
        counts = self._catalog.counts()
        segments = self._state.segments
        return {
            "generation": self.generation,
            "embedder": self.embedder,
            "dim": self.dim,
            "documents": sum(count.documents for count in counts),
            "labelled": sum(count.labelled for count in counts),
            "counts": [asdict(count) for count in counts],
            "segments": [{"name": one.name, "kind": one.kind, "vectors": one.count} for one in segments],
            "logged": self.logged,
            "removed": self.removed,
        }

    def _allowed(self, entry: Entry, segment: Segment, facets: Where) -> Bitmap | None:
        live, filters = self._state.live.get(entry), self._state.filters
        if facets == ANY:
            return live
        if (entry, facets) not in filters:
            rows = self._catalog.rows(facets, int(segment.rows[0]), int(segment.rows[-1]))
            if len(filters) >= _FILTERS:
                filters.clear()
            filters[entry, facets] = Bitmap.of(segment.positions(rows), len(segment))
        passing = filters[entry, facets]
        return passing if live is None else passing.intersection(live)


def merged(parts: Sequence[tuple[np.ndarray, np.ndarray]], queries: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best `k` of what several segments found, in the form in which `View.search` returns it."""
    rows = np.concatenate([np.full((queries, k), -1), *[rows for rows, _ in parts]], axis=1)
    found = np.concatenate([np.full((queries, k), -np.inf, np.float32), *[found for _, found in parts]], axis=1)
    best = np.lexsort((rows, -found), axis=1)[:, :k]
    return np.take_along_axis(rows, best, axis=1), np.take_along_axis(found, best, axis=1)


def matrix(vectors: np.ndarray, dim: int) -> np.ndarray:
    """Vectors as FAISS takes them, float32 [n, dim].

    Raises:
        InputError: they have another shape.
    """
    found = np.ascontiguousarray(vectors, np.float32)
    if found.ndim != 2 or found.shape[1] != dim:
        raise InputError(f"vectors of shape {list(found.shape)}; the store's have shape [n, {dim}].")
    return found
