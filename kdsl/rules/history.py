"""`History`: every version that a rule book's file had, in an append-only file beside it.

`scene.yaml` has `scene.history.jsonl`: one JSON line per version, with the whole text of the book.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kdsl.errors import ConfigError, InputError
from kdsl.rules.book import RuleBook
from kdsl.rules.groups import CLOSE, OPEN

log = logging.getLogger(__name__)

FOUND, OUTSIDE, UNDO = "found", "outside", "undo"
"""What made a version that is no change of a rule by a command: the first one; a change of the file by an editor or by
mining again; a return to another version."""


@dataclass(frozen=True)
class Version:
    """One version of a book's file.

    `before` and `after` are the rules and word groups that differ from the version that it was made of, by id or by
    〔name〕. `to` is the number of the version that an undo goes back to.
    """

    number: int
    time: str
    command: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    text: str = field(repr=False)
    to: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields. The text is left out."""
        return {name: value for name, value in asdict(self).items() if name != "text"}


_VERSION = TypeAdapter(Version)


class History:
    """The versions of one book.

    A version is recorded after the file was written. So a file that is not as the last version says was changed by
    an editor or by mining again, or its command was killed in between; the next change records it as a version.
    """

    def __init__(self, book: Path) -> None:
        self.book = book = book.resolve() if book.is_symlink() else book  # one history, by whatever name
        self.path = book.with_name(f"{book.stem}.history.jsonl")
        self.versions = _read(self.path)

    @property
    def now(self) -> Version | None:
        """The version that the file had after the last recorded change."""
        return _state(self.versions)[0]

    def changed_outside(self, text: str) -> bool:
        """Whether a text is not what the last recorded change left."""
        return self.now is not None and self.now.text != text

    def record(self, text: str, command: str, reason: str = "", to: int | None = None) -> Version:
        """Append a version that was made of the last one."""
        now = self.now
        before, after = _differing(now.text if now else text, text, self.book)
        time = datetime.now(UTC).isoformat(timespec="seconds")
        number = self.versions[-1].number + 1 if self.versions else 0
        version = Version(number, time, command, reason, before, after, text, to)
        line = json.dumps(asdict(version), ensure_ascii=False) + "\n"
        try:
            with self.path.open("a+b") as file:
                if not file.tell() and self.book.is_file():  # who may not read the book may not read its history
                    self.path.chmod(stat.S_IMODE(self.book.stat().st_mode) | stat.S_IWUSR)
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    line = line if file.read(1) == b"\n" else "\n" + line  # a line that was cut off by a kill
                file.write(line.encode("utf-8", "replace"))  # a terminal's reason may hold half a character
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        self.versions.append(version)
        return version

    def record_file(self, text: str) -> Version | None:
        """Record the file as it is before a change, if no version says so yet."""
        if self.now is None:
            return self.record(text, FOUND)
        return self.record(text, OUTSIDE) if self.changed_outside(text) else None

    def target(self, number: int | None = None) -> Version:
        """The version that an undo goes back to: the one that the present one was made of, or that with a number.

        Raises:
            InputError: there is none.
        """
        now, parents = _state(self.versions)
        if number is None:
            if now is None or now.number not in parents:
                raise InputError(f"{self.path}: there is no change of {self.book.name} to undo.")
            number = parents[now.number]
        found = next((version for version in self.versions if version.number == number), None)
        if found is None:
            raise InputError(f"{self.path}: there is no version {number}; `kdsl rules history` lists them.")
        return found


def _state(versions: Sequence[Version]) -> tuple[Version | None, dict[int, int]]:
    """The present version, which an undo has set, and the number of the version that each was made of."""
    now: Version | None = None
    parents: dict[int, int] = {}
    known: dict[int, Version] = {}
    for version in versions:
        known[version.number] = version
        if version.to is not None:
            now = known.get(version.to, version)  # its text is the same
            continue
        if now is not None:
            parents[version.number] = now.number
        now = version
    return now, parents


def _read(path: Path) -> list[Version]:
    """All versions; a line that was cut off is left out with a warning."""
    if not path.is_file():
        return []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a history of rules: {error}") from error
    versions: list[Version] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            versions.append(_VERSION.validate_json(line))
        except ValueError:
            log.warning("%s: line %d is no version of a rule book (it may be cut off) and is left out", path, number)
    return versions


def _differing(before: str, after: str, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rules and groups of two texts that are not in both alike, by id and by 〔name〕.

    A text may have faults, or be one that this version of kdsl takes for faulty: then all that stands in the other is
    new, or gone.
    """
    old, new = (_entries(text, path) for text in (before, after))
    ids = [id for id in {**old, **new} if old.get(id) != new.get(id)]
    return _chosen(old, ids), _chosen(new, ids)


def _entries(text: str, path: Path) -> dict[str, Any]:
    try:
        book = RuleBook.parse(text, path)
    except ConfigError:
        return {}
    groups = {f"{OPEN}{name}{CLOSE}": list(words) for name, words in book.groups.items()}
    return {rule.id: rule.entry() for rule in book.rules} | groups


def _chosen(rules: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    return {id: rules[id] for id in ids if id in rules}
