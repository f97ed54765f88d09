"""`Feedback`: corrections by people, in one SQLite file that survives a kill and that several servers may share.

A correction is never changed: undoing it notes when and by whom. Of several about the same sample the last one that was
not undone counts. The samples' pictures lie in the file, too, so that one file is all there is to back up. `export`
gives rows that kdsl's readers read (docs/data.md).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kdsl.corrections.store import Store, now
from kdsl.data.dialogue import clean_text
from kdsl.data.formats import as_typed
from kdsl.data.inline_pictures import picture_address
from kdsl.data.sample import Sample, Turn
from kdsl.data.writers import mire_row
from kdsl.errors import InputError
from kdsl.runs import digest
from kdsl.tasks import Task

PAGE = 500
"""Rows that an export holds in memory at once."""

_TABLES = """
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL UNIQUE,
    sample TEXT NOT NULL,
    task TEXT NOT NULL,
    turns TEXT NOT NULL,
    pictures TEXT NOT NULL,
    label TEXT,
    note TEXT NOT NULL,
    author TEXT NOT NULL,
    time TEXT NOT NULL,
    version TEXT NOT NULL,
    prediction TEXT,
    undone TEXT,
    undone_by TEXT
) STRICT;
CREATE INDEX corrections_of_sample ON corrections (sample, id) WHERE undone IS NULL;
CREATE TABLE pictures (digest TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
"""
_OWN = ("request", "sample", "task", "turns", "pictures", "label", "note", "author", "version", "prediction")


Role = Literal["user", "agent"]


def sample_digest(task: str, turns: Sequence[tuple[Role, str]], pictures: Sequence[bytes]) -> str:
    """A digest of a sample's content, by which corrections of the same sample are known."""
    return digest(task, turns, list(pictures))


@dataclass(frozen=True)
class Correction:
    """What a person says of a sample; `label` is None where no label fits.

    `prediction` is what the person was shown, as plain values, and `version` the model that is served now.
    """

    request: str
    task: str
    turns: Sequence[tuple[Role, str]]
    pictures: Sequence[bytes]
    label: str | None
    author: str
    version: str
    note: str = ""
    prediction: dict[str, Any] | None = None

    @property
    def sample(self) -> str:
        """A digest of what the correction is about."""
        return sample_digest(self.task, self.turns, self.pictures)


class Feedback(Store):
    """The corrections in a file."""

    what, schema, tables = "corrections", 1, _TABLES

    def add(self, correction: Correction) -> tuple[int, bool]:
        """Store a correction; it is on the disk when this returns.

        Returns:
            Its number, and whether it is new: a request that is sent again, by its id, is stored once.

        Raises:
            InputError: another correction was sent under the same request id.
            StoreError: the file cannot be written.
        """
        names = [hashlib.sha256(content).hexdigest()[:32] for content in correction.pictures]
        turns = json.dumps([list(turn) for turn in correction.turns], ensure_ascii=False)
        shown = None if correction.prediction is None else json.dumps(correction.prediction, ensure_ascii=False)
        values = (
            correction.request, correction.sample, correction.task, turns, json.dumps(names), correction.label,
            correction.note, correction.author, correction.version, shown,
        )  # fmt: skip
        marks = ", ".join("?" * len(_OWN))
        with self._writing() as connection:
            row = connection.execute(
                "SELECT id, sample, label, author FROM corrections WHERE request = ?", (correction.request,)
            ).fetchone()
            if row is not None:
                if row[1:] != (correction.sample, correction.label, correction.author):
                    raise InputError(f"another correction was sent as request '{correction.request}'; give a new id.")
                return row[0], False
            connection.executemany(
                "INSERT OR IGNORE INTO pictures VALUES (?, ?)", zip(names, correction.pictures, strict=True)
            )
            made = connection.execute(
                f"INSERT INTO corrections ({', '.join(_OWN)}, time) VALUES ({marks}, ?)", (*values, now())
            )
            assert made.lastrowid is not None
            return made.lastrowid, True

    def undo(self, number: int, author: str) -> bool | None:
        """Take a correction back; whether it counted before, None where there is none of this number.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._writing() as connection:
            row = connection.execute("SELECT undone FROM corrections WHERE id = ?", (number,)).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE corrections SET undone = ?, undone_by = ? WHERE id = ? AND undone IS NULL",
                (now(), author, number),
            )
            return row[0] is None

    def count(self) -> int:
        """Corrections that count: one per sample.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            return int(connection.execute(f"SELECT count(*) FROM corrections WHERE {_COUNTS}").fetchone()[0])

    def labelled(self, samples: Iterable[str]) -> set[str]:
        """Those of some samples, by their digests, of which a correction counts.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT sample FROM corrections WHERE undone IS NULL"
                " AND sample IN (SELECT value FROM json_each(?))",
                (json.dumps(list(samples)),),
            )
            return {row["sample"] for row in rows}

    def export(self, tasks: Mapping[str, Task]) -> Iterator[dict[str, Any]]:
        """Rows of the corrections that count, the oldest first, in MIRE's format, which kdsl's readers read.

        Where no label fits, `output` is the task's word for that; without such a word it is empty, and nothing is
        learned from the sample.

        Args:
            tasks: by name; a correction of another task is written with a question that says nothing.

        Raises:
            StoreError: the file cannot be read.
        """
        last = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    f"SELECT * FROM corrections WHERE id > ? AND {_COUNTS} ORDER BY id LIMIT {PAGE}", (last,)
                ).fetchall()
                found = [_row(connection, row, tasks) for row in rows]
            if not rows:
                return
            yield from found
            last = rows[-1]["id"]


_COUNTS = """undone IS NULL AND NOT EXISTS (
    SELECT 1 FROM corrections AS later
    WHERE later.sample = corrections.sample AND later.id > corrections.id AND later.undone IS NULL)"""


def _row(connection: sqlite3.Connection, row: sqlite3.Row, tasks: Mapping[str, Task]) -> dict[str, Any]:
    turns = tuple(Turn(role, clean_text(text), as_typed(text)) for role, text in json.loads(row["turns"]))
    names = tuple(json.loads(row["pictures"]))
    task = tasks.get(row["task"]) or _unknown(row["task"])
    label = row["label"] if row["label"] is not None else task.out_of_scope
    sample = Sample(f"feedback-{row['sample']}", task.name, names, turns, label)
    query = "SELECT content FROM pictures WHERE digest = ?"
    return mire_row(sample, task) | {
        "image": [picture_address(connection.execute(query, (name,)).fetchone()[0]) for name in names],
        "feedback": {
            "number": row["id"],
            "author": row["author"],
            "time": row["time"],
            "note": row["note"],
            "version": row["version"],
            "prediction": None if row["prediction"] is None else json.loads(row["prediction"]),
        },
    }


def _unknown(name: str) -> Task:
    """A task that the bundle has no more."""
    return Task.model_construct(name=name, input="dialogue", prompt="?", labels=())
