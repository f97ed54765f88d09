"""`Store`: one SQLite file that survives a kill, that processes may share, and that its owner alone may read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from filelock import FileLock

from kdsl.errors import InputError, KdslError

APPLICATION = 0x6B64736C
"""'kdsl', by which SQLite's header tells the file from another program's."""
WAIT = 10.0
"""Seconds to wait for another process that writes."""


class StoreError(KdslError):
    """The file cannot be read or written now; nothing of the request was stored."""


class Store:
    """Each call opens a connection of its own: threads and processes may call at once.

    Raises:
        InputError: the file is damaged, or of another program or version.
    """

    what: ClassVar[str]
    """What the file holds, in the plural."""
    schema: ClassVar[int]
    """Number of this version of the tables."""
    tables: ClassVar[str]
    """The SQL that makes them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # two servers may make the file at once, and SQLite does not wait where both change the journal's mode
            with FileLock(file.with_name(f".{file.name}.lock")), self._open() as connection:
                connection.execute("PRAGMA journal_mode = WAL")  # the file keeps it
                if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                    marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {self.schema};"
                    connection.executescript(f"BEGIN IMMEDIATE;{self.tables}{marks}COMMIT;")
                    self._file.chmod(0o600)  # it holds what customers wrote
                self._check(connection)
        except (sqlite3.DatabaseError, StoreError, OSError) as error:
            raise InputError(
                f"{file} cannot be used for {self.what}: {error.__cause__ or error}. Restore it from a backup, or move "
                f"it away (`sqlite3 {file.name} .recover` gets back what can be read) and start again."
            ) from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=WAIT, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")  # on the disk before the answer
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._open() as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(f"the file of {self.what} cannot be read or written now.") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nothing of it stays where the block raises."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        found = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if found != (APPLICATION, self.schema):
            raise sqlite3.DatabaseError("it is of another program, or of another version of kdsl")
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({said})")


def now() -> str:
    """The time, as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")
