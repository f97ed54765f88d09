"""The catalog of a store: one SQLite file with the documents, the segments and the tombstones of every generation.

It is the manifest, too: a change is one transaction, so a reader sees all of it or nothing, and so does whoever comes
after a kill. Write-ahead logging keeps readers and the one writer out of each other's way.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kdsl.errors import BundleError, InputError
from kdsl.knowledge.documents import Document
from kdsl.knowledge.store.selection import ANY, Where
from kdsl.runs import versions

SCHEMA = 1
FILE = "store.sqlite"
PATIENCE = 60
"""Seconds that a writer waits for another one to finish."""
LOG = "log"
"""The kind of a segment that grows; other kinds are those of `SegmentKind`."""

Facet = Literal["kind", "task", "label", "language", "source"]
"""What documents are counted by."""

_FIELDS = tuple(field.name for field in fields(Document))
_TABLES = f"""
CREATE TABLE store (
    schema INTEGER, dim INTEGER, embedder TEXT, generation INTEGER, next_row INTEGER, next_segment INTEGER,
    versions TEXT
);
CREATE TABLE documents (row INTEGER PRIMARY KEY, digest TEXT NOT NULL, {", ".join(f"{name} TEXT" for name in _FIELDS)});
CREATE UNIQUE INDEX documents_id ON documents (id);
CREATE INDEX documents_facets ON documents (task, kind, label);
CREATE TABLE segments (name TEXT PRIMARY KEY, kind TEXT, first INTEGER, count INTEGER, checks TEXT);
CREATE TABLE tombstones (row INTEGER PRIMARY KEY);
"""
_ADVICE = "Take the store from a copy, or build it again."


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment in the catalog: its first row, its number of vectors, and the checksums of its files by name."""

    name: str
    kind: str
    first: int
    count: int
    checks: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Head:
    """What a generation of a store is: the size and the embedder of its vectors, and what comes next."""

    dim: int
    embedder: str
    generation: int
    next_row: int
    next_segment: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents of a task and kind there are, and how many of them have a label."""

    task: str | None
    kind: str
    documents: int
    labelled: int


def create(folder: Path, dim: int, embedder: str) -> None:
    """Make the catalog of an empty store.

    Raises:
        InputError: there is a store already, or the folder cannot be written to.
    """
    file = folder / FILE
    if file.exists():
        raise InputError(f"{folder} holds a store already; open it, or choose another folder.")
    partial = folder / f".{FILE}.partial"  # a kill leaves no half-made store
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as db:
            db.executescript(_TABLES)
            made = json.dumps(versions())
            db.execute("INSERT INTO store VALUES (?, ?, ?, 0, 0, 0, ?)", (SCHEMA, dim, embedder, made))
            db.commit()
        partial.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{folder}: a store cannot be made there: {error}") from error


class Catalog:
    """A connection to a catalog; its methods belong inside `reading` or `writing`."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self._folder = folder
        file = folder / FILE
        if not file.is_file():
            raise BundleError(f"{folder} has no {FILE}: it is not a store. {_ADVICE}")
        # 'rw' for readers too: one that finds the log of a writer that was killed must be able to recover it
        uri = f"{file.absolute().as_uri()}?mode=rw"
        if not os.access(folder, os.W_OK):
            uri += "&immutable=1"  # where the files of write-ahead logging cannot be made, nobody writes
        with self._understood():
            self._db = sqlite3.connect(uri, PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
            if write:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power cut
                self._db.execute("PRAGMA cache_size = -65536")
            if not self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'store'").fetchone():
                raise BundleError(f"{file} holds nothing of a store. {_ADVICE}")
            found = (self._db.execute("SELECT schema FROM store").fetchone() or [None])[0]
        if found != SCHEMA:
            raise BundleError(f"{file}: schema {found}, this kdsl reads {SCHEMA}. Build it again.")

    def close(self) -> None:
        """End the connection."""
        self._db.close()

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """One generation, whatever writers do meanwhile."""
        with self._understood():
            self._db.execute("BEGIN")
            try:
                yield self
            finally:
                self._db.rollback()

    @contextmanager
    def writing(self) -> Iterator[Catalog]:
        """The next generation, all of it or, if the block raises or the process ends, nothing; one writer at a time.

        Raises:
            InputError: another writer did not finish within `PATIENCE` seconds, or the folder cannot be written to.
        """
        with self._understood():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._db.execute("UPDATE store SET generation = generation + 1")
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise

    def head(self) -> Head:
        """The generation that is read or written."""
        names = ", ".join(field.name for field in fields(Head))
        return Head(*self._db.execute(f"SELECT {names} FROM store").fetchone())

    def segments(self) -> list[Entry]:
        """All segments, in the order of their rows."""
        rows = self._db.execute("SELECT name, kind, first, count, checks FROM segments ORDER BY first, name")
        return [Entry(name, kind, first, count, json.loads(checks)) for name, kind, first, count, checks in rows]

    def put_segment(self, entry: Entry) -> None:
        """Enter a segment, or what has become of it."""
        values = (entry.name, entry.kind, entry.first, entry.count, json.dumps(dict(entry.checks)))
        self._db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?)", values)

    def drop_segments(self, names: Iterable[str]) -> None:
        """Take segments out."""
        self._db.executemany("DELETE FROM segments WHERE name = ?", ((name,) for name in names))

    def new_name(self, what: str) -> str:
        """A name that no segment has had; `what` it starts with."""
        number = self.head().next_segment
        self._db.execute("UPDATE store SET next_segment = ?", (number + 1,))
        return f"{what}-{number:06}"

    def open_log(self, full: int) -> Entry:
        """The log that additions go to, which is the last one; a new one if that has `full` vectors.

        Readers read a log again when it has grown, so it must not grow too large.
        """
        logs = [entry for entry in self.segments() if entry.kind == LOG]
        return logs[-1] if logs and logs[-1].count < full else self.new_log()

    def new_log(self) -> Entry:
        """A log that additions go to from now on."""
        log = Entry(self.new_name(LOG), LOG, self.head().next_row, 0, {})
        self.put_segment(log)
        return log

    def add(self, documents: Sequence[Document]) -> int:
        """Enter documents at the next rows, of which the first is returned."""
        first = self.head().next_row
        marks = ", ".join("?" * (len(_FIELDS) + 2))
        self._db.executemany(
            f"INSERT INTO documents (row, digest, {', '.join(_FIELDS)}) VALUES ({marks})",
            (
                (first + i, document.digest, *(getattr(document, name) for name in _FIELDS))
                for i, document in enumerate(documents)
            ),
        )
        self._db.execute("UPDATE store SET next_row = ?", (first + len(documents),))
        return first

    def remove(self, ids: Collection[str]) -> int:
        """Take documents out and leave tombstones for their vectors; the number of those that were there."""
        rows = self.rows_of(ids).tolist()
        self._db.executemany("INSERT INTO tombstones VALUES (?)", ((row,) for row in rows))
        self._db.executemany("DELETE FROM documents WHERE row = ?", ((row,) for row in rows))
        return len(rows)

    def tombstones(self) -> np.ndarray:
        """The rows of removed documents whose vectors are still there, ascending."""
        return self._rows("SELECT row FROM tombstones ORDER BY row")

    def bury(self, rows: np.ndarray) -> None:
        """Forget tombstones, because the vectors have gone."""
        self._db.executemany("DELETE FROM tombstones WHERE row = ?", ((row,) for row in rows.tolist()))

    def rows(self, where: Where = ANY, first: int = 0, last: int | None = None) -> np.ndarray:
        """The rows of the documents that pass a filter, ascending; of those from `first` to `last` only."""
        condition, values = where.sql
        span = ["row BETWEEN ? AND ?"] if last is not None else []
        conditions = " AND ".join([*span, *[condition] * bool(condition)]) or "true"
        rows = self._rows(
            f"SELECT row FROM documents WHERE {conditions} ORDER BY +row", [*([first, last] if span else []), *values]
        )
        return np.setdiff1d(rows, self.rows_of(where.exclude_ids)) if where.exclude_ids else rows

    def rows_of(self, ids: Collection[str]) -> np.ndarray:
        """The rows of the documents with these ids, ascending; unknown ids are left out."""
        if not ids:
            return np.zeros(0, np.int64)
        return self._rows(
            "SELECT row FROM documents WHERE id IN (SELECT value FROM json_each(?)) ORDER BY row", [_json(ids)]
        )

    def documents(self, rows: Sequence[int]) -> list[Document]:
        """The documents of rows, in their order.

        Raises:
            BundleError: a row has no document in this generation.
        """
        found = {
            row: Document(*values)
            for row, *values in self._db.execute(
                f"SELECT row, {', '.join(_FIELDS)} FROM documents WHERE row IN (SELECT value FROM json_each(?))",
                [_json(rows)],
            )
        }
        if missing := [row for row in rows if row not in found]:
            raise BundleError(f"{self._folder} has vectors without documents (rows {missing[:5]}). {_ADVICE}")
        return [found[row] for row in rows]

    def known(self, ids: Collection[str] | None) -> dict[str, str]:
        """The digest of every document by its id, or of those with these ids that are there."""
        chosen = "" if ids is None else " WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(f"SELECT id, digest FROM documents{chosen}", [] if ids is None else [_json(ids)]))

    def origins(self, ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Digest and source of the documents with these ids, by id; unknown ids are left out."""
        query = "SELECT id, digest, source FROM documents WHERE id IN (SELECT value FROM json_each(?))"
        return {id: (digest, source) for id, digest, source in self._db.execute(query, [_json(ids)])}

    def ids(self, where: Where) -> list[str]:
        """The ids of the documents that pass a filter."""
        condition, values = where.sql
        return [row[0] for row in self._db.execute(f"SELECT id FROM documents WHERE {condition or 'true'}", values)]

    def tally(self, column: Facet) -> dict[str, int]:
        """How many documents have each value of a column; '' stands for those without."""
        query = f"SELECT coalesce({column}, ''), count(*) FROM documents GROUP BY 1 ORDER BY 2 DESC, 1"
        return dict(self._db.execute(query))

    def counts(self) -> list[Count]:
        """The numbers of documents of all tasks and kinds."""
        query = "SELECT task, kind, count(*), count(label) FROM documents GROUP BY task, kind ORDER BY task, kind"
        return [Count(*row) for row in self._db.execute(query)]

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        found = [row[0] for row in self._db.execute("PRAGMA integrity_check")]
        return [f"{FILE}: {fault}" for fault in found if fault != "ok"]

    def changed(self) -> list[str]:
        """Documents whose content is not what their digest says."""
        faults = []
        for row, digest, *values in self._db.execute(f"SELECT row, digest, {', '.join(_FIELDS)} FROM documents"):
            document = Document(*values)
            if document.digest != digest:
                faults.append(f"{FILE}: document '{document.id}' (row {row}) is not what was added (by its digest)")
        return faults

    def copy_to(self, file: Path) -> None:
        """Write all of it to a new file that can be read without being written to."""
        with self._understood():
            self._db.execute("VACUUM INTO ?", [str(file)])

    def _rows(self, query: str, values: Sequence[Any] = ()) -> np.ndarray:
        return np.fromiter(chain.from_iterable(self._db.execute(query, values)), np.int64)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Errors of SQLite as those of kdsl."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise InputError(
                    f"{self._folder}: another process is writing to the store; wait until it ends."
                ) from error
            raise InputError(f"{self._folder}: the store cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise BundleError(f"{self._folder / FILE} is damaged ({error}). {_ADVICE}") from error


def _json(values: Iterable[Any]) -> str:
    return json.dumps(list(values))
