"""`rebuild`: writes what logs, tombstones and earlier segments amount to as new segments; others read and write on."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdsl.errors import InputError
from kdsl.files import file_hashes
from kdsl.knowledge.store.catalog import LOG, Catalog, Entry
from kdsl.knowledge.store.indexes import halves, open_mapped
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.segments import ROWS, VECTORS, write_segment
from kdsl.runs import sole_writer

_SEGMENT = "segment"
_BLOCK = 1 << 16
"""Vectors that are copied at once."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: vectors in the new segments, and vectors of removed documents that it left out."""

    vectors: int
    dropped: int


def rebuild(folder: Path, policy: Policy) -> Rebuilt:
    """Replace all logs and segments by segments without tombstones, as the policy wants them.

    First, additions are directed to a new log. Then the segments are written beside the old ones, which takes long. At
    last, one transaction puts them in the old ones' place. What is removed meanwhile keeps its tombstone. A rebuild
    that is killed leaves the store as it was, and files that the next one takes away.

    Raises:
        InputError: another process is rebuilding the store, or the folder cannot be written to, as on a full disk.
    """
    with sole_writer(folder / "rebuild"), closing(Catalog(folder, write=True)) as catalog:
        with catalog.writing():
            old = [entry for entry in catalog.segments() if entry.count]
            _take_away(_strangers(folder, catalog))
            removed = catalog.tombstones()
            dim = catalog.head().dim
            total = sum(entry.count for entry in old)
            if not removed.size and all(entry.kind == policy.kind(entry.count) for entry in old):
                return Rebuilt(total, 0)
            if any(entry.kind == LOG for entry in old):
                catalog.new_log()
            names = [catalog.new_name(_SEGMENT) for _ in range(math.ceil((total - len(removed)) / policy.segment_rows))]
        vectors = [_vectors(folder, entry, dim) for entry in old]
        rows = np.setdiff1d(np.concatenate([of for of, _ in vectors]), removed, assume_unique=True)
        new = []
        try:
            for name, part in zip(names, np.array_split(rows, max(len(names), 1)), strict=False):
                kind = write_segment(folder / name, part, _blocks(vectors, part), dim, policy)
                _to_disk(folder / name)
                new.append(Entry(name, kind, int(part[0]), len(part), file_hashes(folder / name)))
        except (OSError, RuntimeError) as error:  # FAISS raises the latter on a full disk
            _take_away(folder / name for name in names)
            raise InputError(
                f"{folder}: was not rebuilt: {error}. Its documents are all there; "
                "a rebuild needs room for a second copy."
            ) from error
        with catalog.writing():
            catalog.drop_segments(entry.name for entry in old)
            for entry in new:
                catalog.put_segment(entry)
            catalog.bury(removed)
        _take_away(folder / entry.name for entry in old)
    return Rebuilt(len(rows), len(removed))


def _vectors(folder: Path, entry: Entry, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and vectors of a segment, by memory map."""
    if entry.kind == LOG:
        rows = np.arange(entry.first, entry.first + entry.count)
        return rows, np.memmap(folder / entry.name, np.float16, "r", shape=(entry.count, dim))
    flat = open_mapped(folder / entry.name / VECTORS)
    return np.load(folder / entry.name / ROWS), halves(flat)


def _blocks(vectors: Sequence[tuple[np.ndarray, np.ndarray]], wanted: np.ndarray) -> Iterator[np.ndarray]:
    """The vectors of rows, in their order, some at a time."""
    for rows, of in vectors:
        places = np.flatnonzero(np.isin(rows, wanted, assume_unique=True))
        for start in range(0, len(places), _BLOCK):
            yield of[places[start : start + _BLOCK]]


def _to_disk(folder: Path) -> None:
    """Wait until the files of a segment and its folder are on the disk."""
    for path in [*folder.iterdir(), folder, folder.parent]:
        with suppress(PermissionError):  # Windows opens no folder, and flushes no file that is open for reading
            descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _strangers(folder: Path, catalog: Catalog) -> list[Path]:
    """Segments that the catalog does not name: a killed rebuild left them, or Windows did not let go of them."""
    named = {entry.name for entry in catalog.segments()}
    found = [*folder.glob(f"{LOG}-*"), *folder.glob(f"{_SEGMENT}-*")]
    return [path for path in found if path.name not in named]


def _take_away(segments: Iterable[Path]) -> None:
    """Delete segments; readers that have them open keep them."""
    for path in segments:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
