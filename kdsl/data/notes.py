"""What a reader saw and left alone, counted: fields that nobody reads, text beside a picture, unknown speakers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Note:
    where: str
    example: str
    count: int = 0


@dataclass(slots=True)
class Notes:
    """Notes on one file. Equal ones are counted, with the first place and example."""

    _notes: dict[str, _Note] = field(default_factory=dict)

    def add(self, what: str, where: str, example: str = "") -> None:
        """Note something about a row.

        Args:
            what: the same words for all rows that it holds for.
            where: the row: 'line 3'.
            example: what was found there, where that differs between rows.
        """
        self._notes.setdefault(what, _Note(where, example)).count += 1

    def lines(self) -> list[str]:
        """Each note once, with how often it holds and where first."""
        return [
            f"{what} ({note.count} time(s), first in {note.where}{f': {note.example!r}' if note.example else ''})."
            for what, note in self._notes.items()
        ]

    def log(self, path: Path) -> None:
        """Log the notes as one warning, if there are any."""
        if self._notes:
            _log.warning("%s:\n%s", path, "\n".join(f"  - {line}" for line in self.lines()))
