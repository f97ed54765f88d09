"""`Where`, the filter of a search, and bitmaps of the vectors that pass it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Where:
    """Which documents may be found; all of them by default."""

    task: str | None = None
    """Only documents of this task."""
    labelled: bool = False
    """Only documents that have a label."""
    kinds: tuple[str, ...] = ()
    """Only documents of these kinds; of every kind if there are none."""
    labels: tuple[str, ...] = ()
    """Only documents with one of these labels, in the same way."""
    languages: tuple[str, ...] = ()
    """Only documents in one of these languages."""
    sources: tuple[str, ...] = ()
    """Only documents from one of these sources."""
    exclude_ids: Collection[str] = ()
    """Not the documents with these ids."""

    @property
    def facets(self) -> Where:
        """The same without ids: what the store keeps a bitmap of."""
        return replace(self, exclude_ids=())

    @property
    def sql(self) -> tuple[str, list[str]]:
        """The condition on the table of documents, ids aside, and its parameters; '' if all documents pass."""
        conditions, values = [], list[str]()
        if self.task is not None:
            conditions.append("task = ?")
            values.append(self.task)
        columns = {"kind": self.kinds, "label": self.labels, "language": self.languages, "source": self.sources}
        for column, wanted in columns.items():
            if wanted:
                conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(wanted))
        if self.labelled:
            conditions.append("label IS NOT NULL")
        return " AND ".join(conditions), values


ANY = Where()
"""All documents."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A set of positions below `n`, one bit each, the lowest bit of a byte first (as FAISS reads it)."""

    bits: np.ndarray
    count: int

    @classmethod
    def of(cls, positions: np.ndarray, n: int) -> Bitmap:
        """The set of these positions."""
        flags = np.zeros(n, bool)
        flags[positions] = True
        return cls._counted(np.packbits(flags, bitorder="little"))

    @classmethod
    def full(cls, n: int) -> Bitmap:
        """The set of all positions."""
        return cls(np.packbits(np.ones(n, bool), bitorder="little"), n)

    def without(self, positions: np.ndarray) -> Bitmap:
        """The set less some positions."""
        bits = self.bits.copy()
        np.bitwise_and.at(bits, positions >> 3, ~(1 << (positions & 7)).astype(np.uint8))
        return self._counted(bits)

    def intersection(self, other: Bitmap) -> Bitmap:
        """What is in both sets."""
        return self._counted(self.bits & other.bits)

    def positions(self) -> np.ndarray:
        """The members in ascending order, int64."""
        return np.flatnonzero(np.unpackbits(self.bits, bitorder="little"))

    @classmethod
    def _counted(cls, bits: np.ndarray) -> Bitmap:
        return cls(bits, int(np.bitwise_count(bits).sum()))
