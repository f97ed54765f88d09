"""`Ids`: which ids a file has had so far, so that none stands twice; in memory, or on disk for a file of any length."""

from __future__ import annotations

from collections import Counter
from typing import Protocol


class Ids(Protocol):
    """The ids of the rows that were read so far."""

    def copies(self, content: str) -> int:
        """Count a row without an id of its own by the id made of its content; how many of them there are now."""

    def claim(self, id: str, where: str) -> str | None:
        """Take an id for the row at `where`; the place of the row that has it already, None if it was free."""


class IdsInMemory:
    """For files whose samples are all held in memory anyway."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._copies: Counter[str] = Counter()

    def copies(self, content: str) -> int:
        self._copies[content] += 1
        return self._copies[content]

    def claim(self, id: str, where: str) -> str | None:
        if id in self._places:
            return self._places[id]
        self._places[id] = where
        return None
