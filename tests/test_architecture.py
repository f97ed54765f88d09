"""The direction of imports between rooms, read from the import statements themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kdsl

PACKAGE = Path(kdsl.__file__).parent
BASE = {"errors", "config", "tasks", "resources", "runs", "scores", "progress", "processes", "machine", "fonts"}
ORDER = (
    "data",
    "evidence",
    "models",
    "rules",
    "knowledge",
    "world",
    "training",
    "experts",
    "ensemble",
    "evaluation",
    "export",
)
"""Rooms from the first to the last: each may import those before it."""
APART = {"models", "rules", "knowledge"}
"""Rooms side by side: none of them imports another."""
MAY = {room: BASE | set(ORDER[:number]) - (APART if room in APART else set()) for number, room in enumerate(ORDER)}


def imported_rooms(file: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        rooms |= {name.split(".")[1] for name in names if name.startswith("kdsl.")}
    return rooms


@pytest.mark.parametrize("room", MAY)
def test_rooms_import_only_what_stands_before_them(room: str) -> None:
    wrong = {
        str(file.relative_to(PACKAGE)): strange
        for file in (PACKAGE / room).rglob("*.py")
        if (strange := imported_rooms(file) - MAY[room] - {room})
    }
    assert not wrong


def test_every_room_has_its_place_in_the_table() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(MAY) | {"cli", "fonts"}


def test_base_modules_import_nothing_but_each_other() -> None:
    for name in BASE - {"fonts"}:
        assert imported_rooms(PACKAGE / f"{name}.py") <= BASE, name
