"""`Policy`: which index a segment gets by its size, and when a store is due for a rebuild."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

SegmentKind = Literal["flat", "hnsw", "ivf-sq", "ivf-pq"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Sizes at which one kind of index follows another. benchmarks/retrieval.py measures them; docs/store.md says why.

    An index answers approximately, a scan exactly. Every kind keeps the vectors in half precision, so that filters
    that few documents pass are answered by a scan, and similarities are those of the vectors themselves.
    """

    flat_below: int = 20_000
    """With fewer vectors than this, or fewer that pass a filter, all are compared, which takes half a millisecond."""
    hnsw_below: int = 100_000
    """With fewer vectors than this a graph (HNSW) is searched: it answers soonest, and needs no copy of the vectors."""
    sq_below: int = 2_000_000
    """With fewer vectors than this, inverted lists of one byte per value (scalar quantisation); with more, of product
    codes of one byte per eight values."""
    segment_rows: int = 4_000_000
    """A rebuild divides a larger store into segments of at most this size; several machines can share them."""
    log_rows: int = 20_000
    """A rebuild is due when more documents than this were added since the last one; a log with so many is closed, and
    another one begun."""
    removed_share: float = 0.2
    """A rebuild is due when more than this share of the vectors belongs to removed documents."""

    def kind(self, n: int) -> SegmentKind:
        """The kind of a segment with `n` vectors."""
        if n < self.flat_below:
            return "flat"
        if n < self.hnsw_below:
            return "hnsw"
        return "ivf-sq" if n < self.sq_below else "ivf-pq"

    def due(self, logged: int, removed: int, total: int) -> bool:
        """Whether a store with so many vectors (in its log, of removed documents, in all) should be rebuilt."""
        return logged > self.log_rows or removed > self.removed_share * max(total, self.flat_below)


DEFAULT = Policy()
"""What stores use if nothing else is said."""


def lists(n: int) -> int:
    """Number of inverted lists for `n` vectors, by FAISS' guidelines: the power of two nearest to 4 sqrt(n), but 39
    vectors per list, from which its centre is learned."""
    return 1 << round(math.log2(max(1, min(4 * math.sqrt(n), n / 39))))
