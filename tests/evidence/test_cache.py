"""The cache: many writers at once, damaged entries, where it lies."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path

import pytest

from kdsl.errors import InputError
from kdsl.evidence.cache import Cache, content_key
from kdsl.resources import default_cache_dir

ROUNDS = 60
PAYLOAD = 20_000


def write_and_read(root: Path, writer: int) -> int:
    """Write one shared entry again and again; count what was read that no writer wrote whole."""
    cache, torn = Cache(root), 0
    for _ in range(ROUNDS):
        cache.put("lines", "ab12", [writer] * PAYLOAD)
        value = cache.get("lines", "ab12")
        torn += value is None or len(value) != PAYLOAD or len(set(value)) != 1
    return torn


def test_several_processes_write_one_entry(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        written = pool.starmap_async(write_and_read, [(tmp_path, writer) for writer in range(3)])
        torn = written.get(timeout=300)  # a process that dies leaves its task undone, and no error
    assert torn == [0, 0, 0]
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["ab12.json"]  # no temporary file stays behind


@pytest.mark.parametrize("content", [b"", b"[1, 2", b"\xff\xfe\x00", b"null"])
def test_a_damaged_entry_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    cache = Cache(tmp_path)
    cache.put("s", "k1", [1])
    cache.path("s", "k1").write_bytes(content)
    assert cache.get("s", "k1") is None
    cache.put("s", "k1", [2])
    assert cache.get("s", "k1") == [2]


def test_the_key_is_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"other")):
        (tmp_path / name).write_bytes(content)
    assert content_key(tmp_path / "a") == content_key(tmp_path / "b") != content_key(tmp_path / "c")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        Cache(tmp_path / "file").put("s", "k1", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="XDG folders are Linux's")
def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "own"))
    assert default_cache_dir() == tmp_path / "own"
    monkeypatch.delenv("KDSL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "kdsl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_dir() == Path.home() / ".cache" / "kdsl"
