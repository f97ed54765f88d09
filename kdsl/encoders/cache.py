"""`VectorCache`: vectors by the digest of what they were made of, in one SQLite file per encoder.

Threads and processes may use it at once: SQLite locks the file, and two writers of one key write the same vector.
A cache that cannot be used costs time and nothing else: the log says so once, and vectors are computed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

import numpy as np

log = logging.getLogger(__name__)

_WAIT = 30.0
"""Seconds to wait for another process that writes."""
_CHUNK = 500
"""Keys of one query; SQLite allows 999 variables in old builds."""


Held = dict[tuple[Path, bytes], np.ndarray]
"""Vectors by their cache's file and key."""

_held: ContextVar[Held | None] = ContextVar("held", default=None)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Within the block vectors are held in memory, and forgotten after it: a server keeps nothing of its users."""
    token = _held.set({})
    try:
        yield
    finally:
        _held.reset(token)


class VectorCache:
    """float32 vectors by key in the SQLite file `path`; made by `at`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._usable = True
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def at(cls, path: Path) -> VectorCache:
        """The cache in a file; a process that was forked opens the file anew, as SQLite demands."""
        return _opened(path, os.getpid())

    def get(self, keys: Collection[bytes]) -> dict[bytes, np.ndarray]:
        """The vectors that are there."""
        if (held := _held.get()) is not None:
            return {key: held[self.path, key] for key in keys if (self.path, key) in held}
        found: dict[bytes, np.ndarray] = {}
        wanted = list(keys)
        with self._lock:
            for start in range(0, len(wanted), _CHUNK):
                part = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(part))
                for key, vector in self._run(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):
                    found[key] = np.frombuffer(vector, np.float32)
        return found

    def put(self, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep vectors; one that is there already stays."""
        if (held := _held.get()) is not None:
            held.update({(self.path, key): vector for key, vector in vectors.items()})
            return
        rows = [(key, np.asarray(vector, np.float32).tobytes()) for key, vector in vectors.items()]
        with self._lock:
            self._run("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows, many=True)

    def _run(self, statement: str, values: list, *, many: bool = False) -> list[tuple[bytes, bytes]]:
        if not self._usable:
            return []
        try:
            connection = self._open()
            with connection:
                if many:
                    connection.executemany(statement, values)
                    return []
                return connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            log.warning("vectors are not cached: %s: %s", self.path, error)
            self._usable = False
            return []

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=_WAIT, check_same_thread=False)
            connection.execute("PRAGMA synchronous = OFF")  # a cache lost with the power is computed again
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
            self._connection = connection
        return self._connection


@lru_cache(maxsize=16)
def _opened(path: Path, process: int) -> VectorCache:
    return VectorCache(path)
