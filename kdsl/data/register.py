"""`Register`: what a run over a file of any length must remember of its rows and of its output, on disk.

Ids have to differ within millions of rows, and of each row one has to know whether it has a result. In memory that
would grow with the file; here it is a temporary SQLite database, which SQLite deletes when the process ends, however
that ends. It holds digests and places, no text.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from kdsl.errors import InputError

MEMORY_KIB = 8192
"""Memory that SQLite may take for pages; the rest lies in its file."""

_TABLES = f"""
PRAGMA cache_size = -{MEMORY_KIB};
PRAGMA temp_store = FILE;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE rows (key BLOB PRIMARY KEY, number INTEGER NOT NULL, place TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE copies (key BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lines (
    key BLOB PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL, content TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE outdated (start INTEGER PRIMARY KEY);
BEGIN;
"""


class Register:
    """Rows of the input by their ids (an `Ids`), and lines of the output by the ids that they carry.

    It is a context manager; what it holds is gone when it is closed. One thread at a time may use it.
    """

    def __init__(self) -> None:
        self._count = 0
        with _told():
            # by an empty name SQLite makes a file of its own in the system's temporary folder; nobody else sees it
            self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._database.executescript(_TABLES)

    def copies(self, content: str) -> int:
        """See `Ids`."""
        add = "INSERT INTO copies VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1 RETURNING count"
        return int(self._one(add, _key(content))[0])

    def claim(self, id: str, where: str) -> str | None:
        """See `Ids`."""
        key = _key(id)
        self._count += 1
        if self._do("INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", key, self._count, where):
            return None
        return str(self._one("SELECT place FROM rows WHERE key = ?", key)[0])

    def add_line(self, id: str, start: int, length: int, content: str) -> bool:
        """Take note of a line of the output; one of the same id before it is outdated.

        Args:
            start: where it begins, in bytes.
            content: the digest of what it was made of.

        Returns:
            Whether there was one.
        """
        earlier = self.line(id)
        if earlier:
            self.outdate(earlier[0])
        self._do("INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?)", _key(id), start, length, content)
        return earlier is not None

    def line(self, id: str) -> tuple[int, str] | None:
        """Where the line of an id begins, and the digest of what it was made of; None without such a line."""
        found = self._one("SELECT start, content FROM lines WHERE key = ?", _key(id))
        return found and (found[0], found[1])

    def outdate(self, start: int) -> None:
        """Let the line that begins here be left out of `in_order`."""
        self._do("INSERT OR IGNORE INTO outdated VALUES (?)", start)

    def forget_lines(self) -> None:
        """Forget where the lines are, not which are outdated: the output is to be read again."""
        self._do("DELETE FROM lines")

    def in_order(self) -> Iterator[tuple[int, int]]:
        """Start and length of each line that is not outdated: those of no row first, then in the order of the rows."""
        query = (
            "SELECT lines.start, lines.length FROM lines LEFT JOIN rows USING (key) "
            "WHERE lines.start NOT IN (SELECT start FROM outdated) ORDER BY rows.number, lines.start"
        )
        with _told():
            yield from self._database.execute(query)

    def close(self) -> None:
        """Give the disk space back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, statement: str, *values: Any) -> int:
        """Change rows; how many were changed."""
        with _told():
            return self._database.execute(statement, values).rowcount

    def _one(self, query: str, *values: Any) -> Any:
        """The first row of a query's result."""
        with _told():
            return self._database.execute(query, values).fetchone()


def _key(id: str) -> bytes:
    return hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(
            f"the temporary file that remembers which ids were read cannot be written: {error}. Free disk "
            "space, or set SQLITE_TMPDIR to a folder that has some (about 100 MB per million rows)."
        ) from error
