"""`Columns`: columns, or fields, of a file that hold text, label or picture under names that kdsl does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kdsl.data.fields import LABELS, OTHER_LABELS, PICTURES
from kdsl.data.files import BadRow, Row
from kdsl.data.formats import CHATS, TEXTS
from kdsl.errors import InputError, did_you_mean

Known = Mapping[str, Sequence[str]]
"""Part of a row -> names under which it is looked for, in lower case."""
SAMPLE: Known = {
    "text": (*TEXTS, *CHATS, "instruction", "input", "prompt", "completion"),
    "label": (*LABELS, *OTHER_LABELS),
    "image": PICTURES,
}
"""The parts of a sample; each is one of its own names."""


Columns = Mapping[str, str]
"""Part of a row -> the column that holds it, as the file's header writes it. Parts of a sample that are not given are
known by the names of docs/data.md."""
AS_KNOWN: Columns = MappingProxyType({})


def renamed(
    path: Path, rows: Iterator[Row | BadRow], columns: Columns, known: Known = SAMPLE
) -> Iterator[Row | BadRow]:
    """Rows of a file with these columns under names that kdsl knows.

    Raises:
        InputError: the first row, or the table's header, lacks one of them; or `known` has no such part.
    """
    if strange := sorted(set(columns) - set(known)):
        raise InputError(f"`columns` names '{strange[0]}'; expected {', '.join(known)}.")
    if not columns:
        yield from rows
        return
    checked = False
    for row in rows:
        if isinstance(row, BadRow) or not isinstance(row.value, dict):
            yield row
            continue
        if not checked:
            _check(path, columns, row.value)
            checked = True
        yield Row(row.where, _renamed(columns, row.value, known))


def _check(path: Path, columns: Columns, row: dict[str, Any]) -> None:
    found = [str(name) for name in row]
    for part, name in columns.items():
        if name not in found:
            raise InputError(
                f"{path}: has no column '{name}' for the {part}; columns found: {', '.join(found)}."
                f"{did_you_mean(name, found)}"
            )


def _renamed(columns: Columns, row: dict[str, Any], known: Known) -> dict[str, Any]:
    """A row's own columns of these parts go by another name, under which they are told as not read."""
    taken = {name for part in columns for name in known[part]}
    others = {name: value for name, value in row.items() if name not in columns.values()}
    kept = {
        f"{name} (another column is named)" if str(name).strip().lower() in taken else name: value
        for name, value in others.items()
    }
    return kept | {part: row[name] for part, name in columns.items() if name in row}
