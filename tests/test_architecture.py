"""The direction of imports between rooms and modules, and what messages may say, read from the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import kdsl

PACKAGE = Path(kdsl.__file__).parent
BASE = {
    "errors",
    "config",
    "config_file",
    "tasks",
    "resources",
    "files",
    "runs",
    "scores",
    "progress",
    "processes",
    "child_processes",
    "machine",
    "model_server",
    "cluster",
    "fonts",
    "words",
    "yaml_files",
}
ORDER = (
    "data",
    "evidence",
    "encoders",
    "models",
    "rules",
    "knowledge",
    "intentions",
    "world",
    "training",
    "experts",
    "ensemble",
    "evaluation",
    "export",
    "corrections",
    "serving",
)
"""Rooms from the first to the last: each may import those before it."""
APART = {"models", "rules", "knowledge"}
"""Rooms side by side: none of them imports another."""
AROUND = {"corrections", "serving"}
"""Rooms around `recognizer`: they may import it, and all that it may."""
MAY = {room: BASE | set(ORDER[:number]) - (APART if room in APART else set()) for number, room in enumerate(ORDER)}
for room in AROUND:
    MAY[room] |= {"recognizer"}  # the way in


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


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of kdsl."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = ("kdsl", *file.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def defined_in(file: Path) -> set[str]:
    """The functions and classes of a module, methods among them."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, kinds)}


def test_what_the_document_names_is_there() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    known = modules()
    lost = [name for name in re.findall(r"`(kdsl(?:\.\w+)+)`", text) if _module_of(name, known) is None]
    place = rf"(?:{'|'.join(ORDER)})/[\w/]+"
    for path in re.findall(rf"`(?:kdsl/)?({place})(?:\.py)?/?`", text):
        lost += [path] * (not (PACKAGE / f"{path}.py").is_file() and not (PACKAGE / path).is_dir())
    shown = re.findall(rf"`({place})` \(([\w, ]+)\)", text)
    assert len(shown) > 20
    for path, names in shown:
        lost += [f"{path}: {name}" for name in names.split(", ") if name not in defined_in(PACKAGE / f"{path}.py")]
    assert not lost


def _module_of(name: str, known: Mapping[str, Path]) -> Path | None:
    """The module that a dotted name is, or is of: `kdsl.data.sample.Sample`."""
    whole, _, last = name.rpartition(".")
    if name in known:
        return known[name]
    there = whole in known and re.search(rf"\b{last}\b", known[whole].read_text("utf-8"))
    return known[whole] if there else None


def imported_on_load(name: str, known: Mapping[str, Path]) -> set[str]:
    """Modules of kdsl that a module imports when it is loaded: not those within functions or for type checkers."""
    found = set()
    todo: list[ast.AST] = [ast.parse(known[name].read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        todo += ast.iter_child_nodes(node)
    return found & known.keys() - {name}


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules()
    sorter = TopologicalSorter({name: imported_on_load(name, known) for name in known})
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


FOREIGN = {"--gpu_ids", "--config_file", "--num_processes"}
"""Flags of other programs' commands that a message may name."""
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def test_only_the_command_line_names_its_flags() -> None:
    wrong = []
    for name, file in modules().items():
        if name.startswith("kdsl.cli."):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                flags = set(FLAG.findall(node.value)) - FOREIGN
                wrong += [f"{file.relative_to(PACKAGE)}, line {node.lineno}: {', '.join(sorted(flags))}"] * bool(flags)
    assert not wrong, "\n".join(["messages name parameters; only kdsl/cli names flags:", *wrong])
