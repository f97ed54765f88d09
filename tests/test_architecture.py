"""The direction of imports between rooms, read from the import statements themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kdsl

PACKAGE = Path(kdsl.__file__).parent
BASE = {"errors", "config", "tasks", "resources", "progress", "processes", "machine", "fonts"}
MAY = {
    "data": BASE,
    "evidence": BASE | {"data"},
    "models": BASE | {"data", "evidence"},
    "rules": BASE | {"data", "evidence"},
    "knowledge": BASE | {"data", "evidence"},
    "training": BASE | {"data", "evidence", "models", "knowledge"},
    "ensemble": BASE | {"data", "evidence", "models", "rules", "knowledge", "training"},
    "evaluation": BASE | {"data", "evidence", "models", "rules", "knowledge", "training", "ensemble"},
    "export": BASE | {"data", "evidence", "models", "rules", "knowledge", "training", "ensemble", "evaluation"},
}


def imported_rooms(file: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        rooms |= {name.split(".")[1] for name in names if name.startswith("kdsl.")}
    return rooms


@pytest.mark.parametrize("room", MAY)
def test_rooms_import_only_to_their_left(room: str) -> None:
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
