"""Which layout families draw which label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kdsl.world.screens.page import Family
from kdsl.world.screens.theme import App


@dataclass(frozen=True, slots=True)
class Entry:
    """A family with the app it imitates and how often it is drawn beside its siblings."""

    name: str
    draw: Family
    app: App
    weight: float


_FAMILIES: dict[str, list[Entry]] = {}


def family(label: str, app: App = "taobao", weight: float = 1.0) -> Callable[[Family], Family]:
    """Register a function that fills a page of `label`; its name becomes the family's name."""

    def register(draw: Family) -> Family:
        _FAMILIES.setdefault(label, []).append(Entry(draw.__name__, draw, app, weight))
        return draw

    return register


def families() -> Mapping[str, tuple[Entry, ...]]:
    """All families by label."""
    return {label: tuple(entries) for label, entries in _FAMILIES.items()}
