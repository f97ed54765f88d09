"""`Queue`: samples with what a bundle predicted for them, the doubtful ones first, for people to label.

A sample stands in it once, by its content. It leaves the list when a correction of it counts, and comes back when that
is undone: the file of corrections decides, so that nothing is written twice. What a server kept of its users' requests
is bounded in number, in size and in time; what people put in by hand is not.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from kdsl.corrections.feedback import Feedback, Role, sample_digest
from kdsl.corrections.store import Store, now
from kdsl.corrections.uncertain import ORDER, Doubt
from kdsl.data.prediction import Prediction

MOST_SERVED = 1000
"""Samples that a server keeps; the oldest go."""
MOST_BYTES = 512_000_000
"""Of their pictures."""
MOST_DAYS = 30
SHOWN = 50
"""Items that a page has at most."""

_TABLES = """
CREATE TABLE items (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sample TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    task TEXT NOT NULL,
    turns TEXT NOT NULL,
    pictures TEXT NOT NULL,
    time TEXT NOT NULL,
    version TEXT NOT NULL,
    prediction TEXT NOT NULL,
    rank INTEGER NOT NULL,
    margin REAL NOT NULL,
    disagreement REAL NOT NULL
) STRICT;
CREATE INDEX items_in_order ON items (rank, margin, number);
CREATE TABLE pictures (digest TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Asked:
    """A sample and what was predicted for it. `name` is what it is called where it came from."""

    task: str
    turns: Sequence[tuple[Role, str]]
    pictures: Sequence[bytes]
    prediction: Prediction
    version: str
    name: str = ""

    @property
    def sample(self) -> str:
        """A digest of its content, the same as that of a correction of it."""
        return sample_digest(self.task, self.turns, self.pictures)


@dataclass(frozen=True)
class Queued:
    """An item of the queue; `pictures` are digests, by which `Queue.picture` gives their content."""

    number: int
    sample: str
    name: str
    task: str
    turns: tuple[tuple[Role, str], ...]
    pictures: tuple[str, ...]
    time: str
    version: str
    prediction: Prediction
    doubt: Doubt


class Queue(Store):
    """The queue in a file.

    Args:
        feedback: the corrections that decide which samples are labelled.
    """

    what, schema, tables = "samples to label", 1, _TABLES

    def __init__(self, file: Path, feedback: Feedback) -> None:
        super().__init__(file)
        self._feedback = feedback

    def add(self, items: Iterable[Asked], origin: Literal["file", "served"]) -> int:
        """Put samples in, or renew the prediction of those that are there; how many are new.

        What a server kept is a person's once it is put in by hand, under the name that it has there.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._writing() as connection:
            before = connection.total_changes
            new = sum(_put(connection, item, origin) for item in items)
            if connection.total_changes > before:
                _forget(connection)
            return new

    def open(self, task: str | None = None, limit: int = SHOWN) -> tuple[int, list[Queued]]:
        """How many samples wait, and the first of them, the most doubtful one first.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT number, sample FROM items WHERE ? IN (task, '')"
                " ORDER BY rank, margin, disagreement DESC, number",
                (task or "",),
            ).fetchall()
            labelled = self._feedback.labelled(row["sample"] for row in rows)
            waiting = [row["number"] for row in rows if row["sample"] not in labelled]
            found = (_read(connection, number) for number in waiting[:limit])
            return len(waiting), [item for item in found if item is not None]

    def tasks(self) -> list[str]:
        """The tasks of which there are samples, labelled or not, by name.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            return [row["task"] for row in connection.execute("SELECT DISTINCT task FROM items ORDER BY task")]

    def get(self, number: int) -> Queued | None:
        """An item, labelled or not.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            return _read(connection, number)

    def picture(self, digest: str) -> bytes:
        """The content of a picture of an item.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute("SELECT content FROM pictures WHERE digest = ?", (digest,)).fetchone()
            if row is None:  # the item was forgotten in between
                raise sqlite3.OperationalError("the picture is gone")
            return bytes(row[0])

    def clear(self) -> int:
        """Forget all samples; how many there were.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._writing() as connection:
            gone = connection.execute("DELETE FROM items").rowcount
            connection.execute("DELETE FROM pictures")
        with self._reading() as connection:
            connection.execute("VACUUM")  # else the texts stay in free pages
        return gone


def _put(connection: sqlite3.Connection, item: Asked, origin: str) -> bool:
    """Whether the item is new."""
    doubt = Doubt.of(item.prediction)
    names = [hashlib.sha256(content).hexdigest()[:32] for content in item.pictures]
    predicted = json.dumps(item.prediction.to_json(), ensure_ascii=False)
    judged = (now(), item.version, predicted, ORDER.index(doubt.why), doubt.margin, doubt.disagreement)
    there = connection.execute("SELECT number FROM items WHERE sample = ?", (item.sample,)).fetchone()
    if there is not None:
        connection.execute(
            "UPDATE items SET time = ?, version = ?, prediction = ?, rank = ?, margin = ?, disagreement = ?"
            " WHERE number = ?",
            (*judged, there["number"]),
        )
        if origin == "file":
            connection.execute(
                "UPDATE items SET origin = ?, name = ? WHERE number = ?", (origin, item.name, there["number"])
            )
        return False
    connection.executemany("INSERT OR IGNORE INTO pictures VALUES (?, ?)", zip(names, item.pictures, strict=True))
    turns = json.dumps([list(turn) for turn in item.turns], ensure_ascii=False)
    connection.execute(
        "INSERT INTO items (sample, origin, name, task, turns, pictures, time, version, prediction, rank, margin,"
        " disagreement) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (item.sample, origin, item.name, item.task, turns, json.dumps(names), *judged),
    )
    return True


def _forget(connection: sqlite3.Connection) -> None:
    """Take away what a server kept too long, or of which there is too much, with pictures that nobody names."""
    oldest = (datetime.now(UTC) - timedelta(days=MOST_DAYS)).isoformat(timespec="seconds")
    connection.execute("DELETE FROM items WHERE origin = 'served' AND time < ?", (oldest,))
    connection.execute(
        "DELETE FROM items WHERE origin = 'served' AND number NOT IN"
        " (SELECT number FROM items WHERE origin = 'served' ORDER BY time DESC, number DESC LIMIT ?)",
        (MOST_SERVED,),
    )
    gone = 1
    while gone:
        connection.execute(
            "DELETE FROM pictures WHERE digest NOT IN (SELECT value FROM items, json_each(items.pictures))"
        )
        if _picture_bytes(connection) <= MOST_BYTES:
            return
        gone = connection.execute(
            "DELETE FROM items WHERE number IN (SELECT number FROM items WHERE origin = 'served' AND pictures != '[]'"
            " ORDER BY time, number LIMIT 10)"
        ).rowcount  # none where the rest was put in by hand


def _picture_bytes(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(length(content)), 0) FROM pictures").fetchone()[0])


def _read(connection: sqlite3.Connection, number: int) -> Queued | None:
    row = connection.execute("SELECT * FROM items WHERE number = ?", (number,)).fetchone()
    if row is None:
        return None
    return Queued(
        number=row["number"],
        sample=row["sample"],
        name=row["name"],
        task=row["task"],
        turns=tuple((role, text) for role, text in json.loads(row["turns"])),
        pictures=tuple(json.loads(row["pictures"])),
        time=row["time"],
        version=row["version"],
        prediction=Prediction.from_json(json.loads(row["prediction"])),
        doubt=Doubt(ORDER[row["rank"]], row["margin"], row["disagreement"]),
    )
