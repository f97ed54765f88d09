"""`Store`: documents and their vectors in a folder, searched with filters while others write; `View`: one generation.

An addition goes to the end of a log, a removal leaves a tombstone, and a rebuild (`rebuild.py`) writes what is left of
them and of earlier segments to new segments, with the indexes that the policy gives them.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import zlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from kdsl.errors import BundleError, InputError
from kdsl.files import written_whole
from kdsl.knowledge.documents import Document
from kdsl.knowledge.store.catalog import FILE, LOG, Catalog, create
from kdsl.knowledge.store.policy import DEFAULT, Policy
from kdsl.knowledge.store.rebuild import Rebuilt, rebuild
from kdsl.knowledge.store.segments import DAMAGED, append_log
from kdsl.knowledge.store.view import State, View, matrix, open_state

_ATTEMPTS = 5
"""How often a generation is looked up anew because a rebuild took its files away before they were opened."""


class Store:
    """A store in a folder; make it with `create`, `open` or `temporary`. Threads and processes may share it."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self.folder = folder
        self.policy = policy
        self._idle: list[Catalog] = []  # connections for readers
        self._state: State | None = None
        self._writer: Catalog | None = None
        self._writing_lock = threading.Lock()
        self._temporary: Any = None
        with self.view() as view:
            self.dim, self.embedder = view.dim, view.embedder

    @classmethod
    def create(cls, folder: Path, dim: int, embedder: str, policy: Policy = DEFAULT) -> Self:
        """An empty store.

        Args:
            folder: made if it is not there.
            dim: size of the vectors.
            embedder: name and version of what makes the vectors; `open` compares it.

        Raises:
            InputError: the folder holds a store already, or cannot be written to.
        """
        create(folder, dim, embedder)
        return cls(folder, policy)

    @classmethod
    def open(cls, folder: Path, embedder: str | None = None, policy: Policy = DEFAULT) -> Self:
        """A store that is there.

        Raises:
            BundleError: the folder holds no store, a damaged one, or one with vectors of another embedder.
        """
        store = cls(folder, policy)
        if embedder not in (None, store.embedder):
            raise BundleError(
                f"{folder} holds vectors of '{store.embedder}', not of '{embedder}', and those of different embedders "
                f"cannot be compared. Search it with '{store.embedder}', or build a new store with '{embedder}'."
            )
        return store

    @classmethod
    def temporary(cls, dim: int, embedder: str, policy: Policy = DEFAULT) -> Self:
        """An empty store in a folder that goes away with the object; `copy_to` keeps it."""
        folder = tempfile.TemporaryDirectory(prefix="kdsl-store-", ignore_cleanup_errors=True)
        store = cls.create(Path(folder.name), dim, embedder, policy)
        store._temporary = folder
        return store

    def close(self) -> None:
        """End all connections; a temporary store goes away. No view may be in use."""
        for catalog in filter(None, [*self._idle, self._writer]):
            catalog.close()
        self._idle, self._writer, self._state = [], None, None
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def view(self) -> Iterator[View]:
        """The newest generation, for as long as the block runs.

        Raises:
            BundleError: files of the store are missing or damaged.
        """
        try:
            catalog = self._idle.pop()
        except IndexError:
            catalog = Catalog(self.folder, write=False)
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                with catalog.reading():
                    try:
                        state = open_state(self.folder, catalog, self.policy, self._state)
                    except FileNotFoundError as error:
                        if attempt < _ATTEMPTS:
                            continue
                        raise BundleError(f"{error.args[0]} is missing. {DAMAGED}") from error
                    self._state = state
                    yield View(catalog, state)
                    return
        finally:
            self._idle.append(catalog)

    def add(self, documents: Sequence[Document], vectors: np.ndarray) -> None:
        """Add documents with their vectors, all or none; one whose id is there already takes its place.

        When the method returns, they are on the disk.

        Args:
            documents: with different ids.
            vectors: [n, dim].

        Raises:
            InputError: numbers or sizes do not match, ids repeat, a vector has values that half precision has not, or
                the disk is full.
        """
        with np.errstate(over="ignore"):  # told below, by the document
            halves = matrix(vectors, self.dim).astype(np.float16)
        ids = [document.id for document in documents]
        if len(ids) != len(halves):
            raise InputError(f"{len(ids)} documents have {len(halves)} vectors; give one vector per document.")
        if len(set(ids)) < len(ids):
            twice = next(one for i, one in enumerate(ids) if one in ids[:i])
            raise InputError(f"two documents have the id '{twice}'; give each its own.")
        if not np.isfinite(halves).all():
            bad = ids[int(np.flatnonzero(~np.isfinite(halves).all(axis=1))[0])]
            raise InputError(f"the vector of document '{bad}' has values that are not finite in half precision.")
        if not ids:
            return
        data = halves.tobytes()
        with self._writing() as catalog:
            catalog.remove(ids)
            log = catalog.open_log(self.policy.log_rows)
            append_log(self.folder / log.name, log.count * halves[0].nbytes, data)
            catalog.add(documents)
            checks = {log.name: zlib.crc32(data, log.checks.get(log.name, 0))}
            catalog.put_segment(replace(log, count=log.count + len(ids), checks=checks))

    def remove(self, ids: Collection[str]) -> int:
        """Remove the documents with these ids, all or none; returns how many were there."""
        with self._writing() as catalog:
            return catalog.remove(ids)

    def due(self) -> bool:
        """Whether so much was added or removed that the policy asks for a rebuild."""
        with self.view() as view:
            return self.policy.due(view.logged, view.removed, len(view))

    def rebuild(self) -> Rebuilt:
        """Write all vectors to new segments; readers and writers go on meanwhile, and nothing of theirs is lost.

        Raises:
            InputError: another process is rebuilding the store.
        """
        return rebuild(self.folder, self.policy)

    def rebuild_in_background(self) -> Future[Rebuilt]:
        """The same in a thread: FAISS computes without holding up the others."""
        executor = ThreadPoolExecutor(1, "kdsl-rebuild")
        future = executor.submit(self.rebuild)
        executor.shutdown(wait=False)
        return future

    def copy_to(self, folder: Path) -> None:
        """Write the newest generation to a new folder, whole or not at all; reading it there leaves no other files.

        Raises:
            InputError: there is something already.
        """
        if folder.exists():
            raise InputError(f"{folder} is there already; choose another folder.")
        with self._writing() as catalog, written_whole(folder) as target:  # keeps files from being replaced meanwhile
            target.mkdir()
            for entry in catalog.segments():
                if entry.kind != LOG:
                    shutil.copytree(self.folder / entry.name, target / entry.name)
                elif entry.count:
                    log = (self.folder / entry.name).read_bytes()
                    append_log(target / entry.name, 0, log[: entry.count * 2 * self.dim])
            reader = Catalog(self.folder, write=False)
            reader.copy_to(target / FILE)
            reader.close()

    def stats(self) -> dict[str, Any]:
        """Numbers of documents and vectors, for people and for JSON."""
        with self.view() as view:
            return view.stats()

    @contextmanager
    def _writing(self) -> Iterator[Catalog]:
        with self._writing_lock:
            self._writer = self._writer or Catalog(self.folder, write=True)
            with self._writer.writing():
                yield self._writer
