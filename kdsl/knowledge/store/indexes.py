"""The approximate indexes of FAISS that a segment may have: how each is built, opened by memory map, and searched.

A graph (HNSW; Malkov & Yashunin 2016) searches the segment's own vectors. Inverted lists (Jégou, Douze & Schmid 2011)
hold quantised copies; what they find is ordered again by the vectors themselves (`IndexRefine`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np

from kdsl.knowledge.store.policy import SegmentKind, lists
from kdsl.knowledge.store.selection import Bitmap
from kdsl.progress import say

SEED = 0
"""Of the vectors that the lists' centres are learned from; FAISS' own k-means starts from a fixed seed, too."""
LINKS, BREADTH = 32, 64
"""Links per vector of a graph, and the number of candidates that its search keeps."""
TRAINING = 39
"""Vectors per inverted list that its centre is learned from: the fewest that FAISS asks for."""
PROBES = {"ivf-sq": 64, "ivf-pq": 64}
"""Inverted lists that a search visits."""
REFINED = {"ivf-sq": 2, "ivf-pq": 16}
"""How many times as many candidates as results are ordered again by the vectors themselves."""
_BLOCK = 1 << 16
"""Vectors that are handed to an index at once."""


def new_flat(dim: int) -> faiss.IndexScalarQuantizer:
    """An empty index that scans vectors in half precision: half the size, similarities off by less than 0.001."""
    return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def halves(flat: faiss.IndexScalarQuantizer) -> np.ndarray:
    """The vectors of a flat index, float16 [n, dim]: a view, which keeps the index alive."""
    return np.asarray(_Codes(flat))


class _Codes:
    """The memory of a flat index in the form that numpy takes over, together with what owns it."""

    def __init__(self, flat: faiss.IndexScalarQuantizer) -> None:
        self._owner = flat
        self.__array_interface__ = {
            "shape": (flat.ntotal, flat.d),
            "typestr": "<f2",
            "data": (int(flat.codes.data() or 0), True),
            "version": 3,
        }


def open_mapped(file: Path) -> Any:
    """An index by memory map: nothing is read before it is needed, and processes share what is."""
    return faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)


def build(kind: SegmentKind, flat: faiss.IndexScalarQuantizer, file: Path) -> None:
    """Build an approximate index over the vectors of a flat one and write it to a file."""
    vectors = halves(flat)
    n, dim = vectors.shape
    if kind == "hnsw":
        index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, LINKS, faiss.METRIC_INNER_PRODUCT)
        flags = faiss.IO_FLAG_SKIP_STORAGE  # the vectors lie in the flat index's file
    else:
        coding = "SQ8" if kind == "ivf-sq" else f"PQ{_codes(dim)}"
        index = faiss.index_factory(dim, f"IVF{lists(n)},{coding}", faiss.METRIC_INNER_PRODUCT)
        flags = 0
        if kind == "ivf-pq":
            index.do_polysemous_training = False  # takes long, and is for a search by Hamming distances
        say(f"learning {index.nlist:,} lists for {n:,} vectors")
        _train(index, vectors)
    say(f"indexing {n:,} vectors ({kind})")
    for start in range(0, n, _BLOCK):
        index.add(vectors[start : start + _BLOCK].astype(np.float32))
    faiss.write_index(index, str(file), flags)


def opened(kind: SegmentKind, file: Path, flat: faiss.IndexScalarQuantizer) -> Any:
    """What `build` wrote, by memory map, over the same vectors."""
    index = open_mapped(file)
    if kind == "hnsw":
        index.storage = flat
        index.own_fields = False
        index.referenced_objects = [flat]  # C++ does not keep it alive
        return index
    return faiss.IndexRefine(index, flat)


def effort(kind: SegmentKind, index: Any, allowed: Bitmap | None) -> Any:
    """The parameters of a search of an index; the fewer vectors a filter allows, the more of the index is visited."""
    scarcity = 1.0 if allowed is None else index.ntotal / max(allowed.count, 1)
    if kind == "hnsw":
        return parameters(faiss.SearchParametersHNSW, allowed, efSearch=round(BREADTH * scarcity))
    nlist = faiss.downcast_index(index.base_index).nlist
    probes = min(nlist, round(PROBES[kind] * scarcity))
    base = parameters(faiss.SearchParametersIVF, allowed, nprobe=probes)
    return faiss.IndexRefineSearchParameters(k_factor=REFINED[kind], base_index_params=base)


def parameters(kind: Any, allowed: Bitmap | None, **values: int) -> Any:
    """Search parameters of FAISS that keep to the allowed vectors."""
    selector = {} if allowed is None else {"sel": faiss.IDSelectorBitmap(allowed.bits)}
    return kind(**values, **selector)


def _train(index: faiss.IndexIVF, vectors: np.ndarray) -> None:
    """Learn centres and codes from a fixed sample, on the GPUs where faiss-gpu is installed and finds some."""
    wanted = min(len(vectors), TRAINING * index.nlist)
    sample = np.sort(np.random.default_rng(SEED).choice(len(vectors), wanted, replace=False))
    if faiss.get_num_gpus():
        index.clustering_index = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(index.d))
    index.train(vectors[sample].astype(np.float32))
    index.clustering_index = None


def _codes(dim: int) -> int:
    """Bytes per vector of a product code: one for eight values, or for the next number that divides the dimension."""
    return next(dim // width for width in (8, 6, 5, 4, 3, 2, 1) if dim % width == 0)
