"""`verify`: what is wrong with a store, file by file and document by document."""

from __future__ import annotations

import zlib
from contextlib import closing
from pathlib import Path

import numpy as np

from kdsl.files import changed_files
from kdsl.knowledge.store.catalog import LOG, Catalog, Entry
from kdsl.knowledge.store.segments import ROWS

_BLOCK = 1 << 24


def verify(folder: Path) -> list[str]:
    """Faults of the newest generation, each with its file; [] if it is whole.

    Every file is compared with its checksum in the catalog, the documents with the vectors (each has exactly one), and
    each document's content with its digest.

    Raises:
        BundleError: there is no store, or its catalog cannot be read at all.
    """
    with closing(Catalog(folder, write=False)) as catalog, catalog.reading():
        faults = catalog.faults()
        rows = [np.zeros(0, np.int64)]
        dim = catalog.head().dim
        for entry in catalog.segments():
            wrong = _log_faults(folder, entry, dim) if entry.kind == LOG else _segment_faults(folder, entry)
            faults += wrong
            if entry.kind == LOG:
                rows.append(np.arange(entry.first, entry.first + entry.count))
            elif not wrong:
                rows.append(np.load(folder / entry.name / ROWS))
        return faults or [*_unmatched(np.concatenate(rows), catalog), *catalog.changed()]


def _log_faults(folder: Path, entry: Entry, dim: int) -> list[str]:
    size, found = entry.count * 2 * dim, 0
    if not size:
        return []
    try:
        with (folder / entry.name).open("rb") as file:
            while size and (block := file.read(min(size, _BLOCK))):
                size -= len(block)
                found = zlib.crc32(block, found)
    except OSError as error:
        return [f"{entry.name}: cannot be read: {error}"]
    if size:
        return [f"{entry.name}: {size} bytes are missing at the end"]
    return [] if found == entry.checks[entry.name] else [f"{entry.name}: not what was written there (by its checksum)"]


def _segment_faults(folder: Path, entry: Entry) -> list[str]:
    changed = changed_files(folder / entry.name, entry.checks)
    return [f"{entry.name}/{name}: missing, or not what was written there (by its hash)" for name in changed]


def _unmatched(vectors: np.ndarray, catalog: Catalog) -> list[str]:
    """Documents without vectors, and vectors with neither a document nor a tombstone."""
    faults = []
    documents, removed = catalog.rows(), catalog.tombstones()
    if twice := len(vectors) - len(np.unique(vectors)):
        faults.append(f"{twice} vector(s) stand in two segments")
    if len(alone := np.setdiff1d(documents, vectors)):
        faults.append(f"{len(alone)} document(s) without a vector, such as row {alone[0]}")
    if len(alone := np.setdiff1d(vectors, np.union1d(documents, removed))):
        faults.append(f"{len(alone)} vector(s) without a document, such as row {alone[0]}")
    return faults
