"""`RowLog`: an append-only file of JSON lines by key that survives kills: nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdsl.errors import InputError

Key = tuple[str, ...]
Row = dict[str, Any]

_SYNC_SECONDS = 1.0
"""At most so much work is lost if the machine loses power; a kill of the process loses none."""


class RowLog:
    """Rows by their `key`, a list of texts; of several rows with one key, the last counts.

    Each row is handed to the system at once, and forced to the disk every second. A last line that a kill has torn is
    cut off when the log is opened. Only where each row begins is held in memory, so that a log may be larger.

    Raises:
        InputError: the file is no such log, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[Key, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
        self._end = self._read_places()
        self._synced = time.monotonic()

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def __enter__(self) -> RowLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._sync()
        self._file.close()

    def get(self, key: Key) -> Row | None:
        """The row of a key."""
        if key not in self._places:
            return None
        self._file.seek(self._places[key])
        return dict(json.loads(self._file.readline()))

    def append(self, key: Key, **values: Any) -> None:
        """Add a row.

        Raises:
            InputError: the file cannot be written; rows that are there are kept.
        """
        line = json.dumps({"key": key, **values}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        try:
            self._file.write(line)  # always at the end: the file is open for appending
            self._file.flush()
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self._sync()
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written: {error.strerror or error}. What is there is kept: mend that, and run "
                "the same command again."
            ) from error
        self._places[key] = self._end
        self._end += len(line)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _read_places(self) -> int:
        """Find where each row begins, cut off a torn last line, and return where the next row will begin."""
        self._file.seek(0)
        place = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                self._file.truncate(place)
                break
            try:
                key = tuple(json.loads(line)["key"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{self.path}, line {number}: is no row of this log ({error!r}). Choose another `out`, or take the "
                    "file away."
                ) from error
            self._places[key] = place
            place += len(line)
        return place


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a log in the order of the file, each key's last one alone; nothing if there is no such file."""
    if not path.is_file():
        return
    with RowLog(path) as log:
        for key in log._places:
            row = log.get(key)
            assert row is not None
            yield row
