"""The cache of vectors: many processes at once, damage, forks."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np

from kdsl.encoders.cache import VectorCache, nothing_kept


def _write(path: Path, first: int) -> None:
    cache = VectorCache.at(path)
    for i in range(first, first + 200):
        cache.put({str(i).encode(): np.full(4, i, np.float32)})


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    VectorCache.at(path).put({b"before": np.zeros(4, np.float32)})  # opened before the processes part
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    found = VectorCache.at(path).get({str(i).encode() for i in range(400)} | {b"none"})
    assert len(found) == 400
    assert all((vector == int(key)).all() for key, vector in found.items())


def test_more_keys_than_a_query_takes(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite")
    cache.put({str(i).encode(): np.full(2, i, np.float32) for i in range(1300)})
    assert len(cache.get([str(i).encode() for i in range(1300)])) == 1300


def test_a_damaged_file_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    path.write_bytes(b"no database" * 1000)
    cache = VectorCache(path)
    cache.put({b"a": np.zeros(2, np.float32)})
    assert cache.get([b"a"]) == {}


def test_within_a_block_that_keeps_nothing_vectors_are_held_and_forgotten(tmp_path: Path) -> None:
    cache, other = VectorCache(tmp_path / "v.sqlite"), VectorCache(tmp_path / "w.sqlite")
    vector = np.ones(2, np.float32)
    with nothing_kept():
        cache.put({b"a": vector})
        assert list(cache.get([b"a", b"b"])) == [b"a"]
        assert other.get([b"a"]) == {}
    assert cache.get([b"a"]) == {}
    cache.put({b"a": vector})
    with nothing_kept():
        assert cache.get([b"a"]) == {}
