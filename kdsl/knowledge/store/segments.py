"""`Segment`: a part of a store's vectors that is searched on its own. A log grows; all others are written once.

| file | what it holds |
|---|---|
| log-N.f16 | the vectors of a log, half precision, one after the other; the rows of their documents are consecutive |
| segment-N/rows.npy | the rows of the documents, ascending, int64 |
| segment-N/vectors.faiss | the vectors, half precision, as a FAISS index that scans them |
| segment-N/index.faiss | the approximate index over them, if the policy gives the segment one |
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from kdsl.errors import BundleError, InputError
from kdsl.knowledge.store.indexes import build, effort, halves, new_flat, open_mapped, opened, parameters
from kdsl.knowledge.store.policy import Policy, SegmentKind
from kdsl.knowledge.store.selection import Bitmap

ROWS, VECTORS, INDEX = "rows.npy", "vectors.faiss", "index.faiss"
DAMAGED = "The store is damaged: take it from a copy, or build it again."


class Segment:
    """Vectors by position, each with the row of its document; searched by inner product.

    Attributes:
        rows: int64 [n], ascending.
        halves: the vectors, float16 [n, dim].
    """

    def __init__(
        self, rows: np.ndarray, flat: faiss.IndexScalarQuantizer, kind: SegmentKind, index: Any, policy: Policy
    ) -> None:
        self.rows = rows
        self.halves = halves(flat)
        self.kind = kind
        self._flat = flat
        self._index = index
        self._policy = policy

    def __len__(self) -> int:
        return len(self.rows)

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """Where rows lie in this segment; those that do not are left out."""
        places = np.searchsorted(self.rows, rows)
        here = places < len(self.rows)
        here[here] = self.rows[places[here]] == rows[here]
        return places[here]

    def search(self, vectors: np.ndarray, k: int, allowed: Bitmap | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The `k` vectors with the greatest inner product among those allowed (all by default), best first.

        Returns:
            rows int64 [q, k] and similarities float32 [q, k]; -1 and -inf where fewer than k are allowed.
        """
        among = len(self) if allowed is None else allowed.count
        if self._index is None or among < max(self._policy.flat_below, k):
            found, places = self._scan(vectors, k, allowed)
        else:
            found, places = self._index.search(vectors, k, params=effort(self.kind, self._index, allowed))
            if (short := (places < 0).any(axis=1)).any():  # the lists that were visited hold fewer than k
                found[short], places[short] = self._scan(vectors[short], k, allowed)
        rows = np.where(places < 0, -1, self.rows[places] if len(self) else -1)
        return rows, np.where(places < 0, -np.inf, found).astype(np.float32)

    def _scan(self, vectors: np.ndarray, k: int, allowed: Bitmap | None) -> tuple[np.ndarray, np.ndarray]:
        return self._flat.search(vectors, k, params=parameters(faiss.SearchParameters, allowed))


def open_log(file: Path, dim: int, first: int, count: int, policy: Policy) -> Segment:
    """The first `count` vectors of a log, in memory; the rows of their documents start with `first`.

    Raises:
        FileNotFoundError: it is not there, because a rebuild has replaced it or because the store is damaged.
        BundleError: it cannot be read, or is too short.
    """
    flat = new_flat(dim)
    if count:
        try:
            codes = np.fromfile(file, np.uint8, count * flat.code_size)
        except FileNotFoundError as error:
            raise FileNotFoundError(file) from error
        except OSError as error:
            raise BundleError(f"{file} cannot be read ({error}). {DAMAGED}") from error
        if len(codes) < count * flat.code_size:
            raise BundleError(f"{file} has {len(codes) // flat.code_size} vectors, expected {count}. {DAMAGED}")
        flat.add_sa_codes(codes.reshape(count, flat.code_size))
    return Segment(np.arange(first, first + count), flat, "flat", None, policy)


def append_log(file: Path, end: int, data: bytes) -> None:
    """Write bytes to a log from `end` on, over what a writer that was killed may have left there, and to the disk.

    Raises:
        InputError: they cannot be written, as on a full disk.
    """
    try:
        with file.open("r+b" if end else "wb") as log:
            log.truncate(end)
            log.seek(end)
            log.write(data)
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written: {error.strerror or error}. The store is as it was: mend that, and try again."
        ) from error


def write_segment(
    folder: Path, rows: np.ndarray, blocks: Iterable[np.ndarray], dim: int, policy: Policy
) -> SegmentKind:
    """Write a segment with the index that the policy gives to its size.

    Args:
        rows: int64 [n], ascending.
        blocks: the vectors in the same order, float16 [?, dim] each.
    """
    folder.mkdir()
    np.save(folder / ROWS, rows)
    flat = new_flat(dim)
    for block in blocks:
        flat.add_sa_codes(np.ascontiguousarray(block).view(np.uint8))
    faiss.write_index(flat, str(folder / VECTORS))
    kind = policy.kind(len(rows))
    if kind != "flat":
        del flat  # free its memory; the index is built from the file
        build(kind, open_mapped(folder / VECTORS), folder / INDEX)
    return kind


def open_segment(folder: Path, kind: SegmentKind, count: int, policy: Policy) -> Segment:
    """A segment by memory map.

    Raises:
        FileNotFoundError: it is not there, because a rebuild has replaced it or because the store is damaged.
        BundleError: it cannot be read, or is not what its store says.
    """
    for name in (ROWS, VECTORS, *[INDEX] * (kind != "flat")):
        if not (folder / name).is_file():
            raise FileNotFoundError(folder / name)
    try:
        rows = np.load(folder / ROWS, mmap_mode="r")
        flat = open_mapped(folder / VECTORS)
        index = None if kind == "flat" else opened(kind, folder / INDEX, flat)
    except (OSError, ValueError, RuntimeError) as error:
        raise BundleError(f"{folder} cannot be read ({error}). {DAMAGED}") from error
    sizes = {len(rows), flat.ntotal, count if index is None else index.ntotal}
    if sizes != {count}:
        raise BundleError(f"{folder} has {sorted(sizes - {count})} vectors or rows, expected {count}. {DAMAGED}")
    return Segment(rows, flat, kind, index, policy)
