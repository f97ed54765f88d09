"""`Notes`: counts of what a reader ignored: unread fields, text beside a picture, unknown speakers."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_log = logging.getLogger(__name__)
_PLACES = 5


@dataclass(slots=True)
class _Note:
    where: str
    example: str
    count: int = 0


@dataclass(slots=True)
class Notes:
    """Notes on one file. Equal ones are counted, with the first place and example."""

    _notes: dict[str, _Note] = field(default_factory=dict)

    def add(self, what: str, where: str = "", example: str = "") -> None:
        """Note something about a row, or about the file as a whole.

        Args:
            what: the same words for all rows that it holds for.
            where: the row: 'line 3'; nothing where it is the whole file.
            example: what was found there, where that differs between rows.
        """
        self._notes.setdefault(what, _Note(where, example)).count += 1

    def lines(self) -> list[str]:
        """Each note once, with how often it holds and where first."""
        return [
            f"{what} ({note.count} time(s), first in {note.where}{f': {note.example!r}' if note.example else ''})."
            if note.where
            else f"{what}."
            for what, note in self._notes.items()
        ]

    def log(self, path: Path) -> None:
        """Log the notes as one warning, if there are any."""
        if self._notes:
            _log.warning("%s:\n%s", path, "\n".join(f"  - {line}" for line in self.lines()))


def grouped(faults: Iterable[tuple[str, str]]) -> list[str]:
    """Faults as lines of a report, of which those that differ only in a name or a number share one.

    Args:
        faults: where each is ('line 3', 'a.png'), and what it is.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for place, fault in faults:
        groups.setdefault(kind_of(fault), []).append((place, fault))
    lines = []
    for (_, first), *others in groups.values():
        places = ", ".join(place for place, _ in others[:_PLACES])
        more = f", and {len(others) - _PLACES} more" if len(others) > _PLACES else ""
        lines.append(first + (f" [{len(others) + 1} times; also {places}{more}]" if others else ""))
    return lines


def kind_of(fault: str) -> str:
    """What a fault says without the names and numbers in it, by which `grouped` tells faults apart."""
    return re.sub(r"\(id .*?\)|'[^']*'|\"[^\"]*\"|Did you mean .*\?|\d+", "", fault)
