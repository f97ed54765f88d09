"""Reads entries, rows of named values with their place, from all kinds of files: YAML, Markdown, JSON, tables, folders.

What snippets and products share: which files of a folder are read, names of columns, faults that are listed together.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex
import yaml

from kdsl.data.columns import Columns, Known, renamed
from kdsl.data.encodings import as_utf8, require_text
from kdsl.data.fields import is_empty
from kdsl.data.files import BadRow, Row, decode
from kdsl.data.notes import Notes
from kdsl.data.rows import file_rows
from kdsl.errors import InputError
from kdsl.knowledge.markdown import sections
from kdsl.runs import listed
from kdsl.yaml_files import Loader

YAML = (".yaml", ".yml")
MARKDOWN = (".md", ".markdown")
ROWS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx")
ENDINGS = (*YAML, *MARKDOWN, *ROWS)
"""Of files that are read where a folder is given."""

MOST_CHARACTERS = 20_000
"""Of one document; a longer text is no passage that could be compared with a question."""
_ANCHOR = 60
_PLACES = 5
_UNPRINTED = regex.compile(r"[[\p{Cc}]--[\n\t]]", regex.VERSION1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: `source` names the file, `where` the place in it ('line 3'), `values` what stands there."""

    source: str
    where: str
    values: Mapping[str, Any]
    strict: bool
    """Whether a name that is not known is a fault: in YAML, which people write for kdsl; tables hold other columns."""


class Faults:
    """Faults of one or several files, which are raised together; equal ones share a line."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}

    def add(self, place: str, fault: str) -> None:
        """Note a fault and where it is."""
        self._places.setdefault(fault, []).append(place)

    def raise_any(self, where: str, what: str) -> None:
        """Raise them, if there are any, as faults of `what` in `where`.

        Raises:
            InputError: lists every fault with its first places, and how many more there are.
        """
        if not self._places:
            return
        lines = []
        for fault, (first, *others) in self._places.items():
            more = f", and {len(others) - _PLACES} more" if len(others) > _PLACES else ""
            again = f" [{len(others) + 1} times; also {', '.join(others[:_PLACES])}{more}]" if others else ""
            lines.append(f"{first}: {fault}{again}")
        total = sum(map(len, self._places.values()))
        raise InputError(f"{where}: {total} fault(s) in {what}:\n{listed(lines, most=len(lines))}")


def files_of(path: Path, notes: Notes, leave_out: Collection[Path] = ()) -> list[Path]:
    """The files to read: the one that is given, or those of a folder in sorted order.

    Hidden files of a folder are passed over, and so is README.md, which says what the folder is.

    Args:
        notes: takes the files of other kinds.
        leave_out: files and folders within it that are no concern of the caller.

    Raises:
        InputError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise InputError(f"{path}: does not exist; expected a file or a folder of {', '.join(ENDINGS)}.")
        return [path]
    found = []
    apart = {Path(os.path.abspath(file)) for file in leave_out}
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        place = Path(os.path.abspath(file))
        if (
            not file.is_file()
            or apart.intersection((place, *place.parents))
            or any(part.startswith(".") for part in inside.parts)
        ):
            continue
        if file.suffix.lower() not in ENDINGS:
            notes.add("files of other kinds are not read", inside.as_posix())
        elif inside.name.lower() != "readme.md":
            found.append(file)
    if not found:
        raise InputError(f"{path}: holds no file of {', '.join(ENDINGS)} (README.md is not read).")
    return found


def source_of(file: Path, base: Path) -> str:
    """The name under which a file's entries are known: its path as seen from the folder `base`, with slashes."""
    return Path(os.path.relpath(file, base)).as_posix()


def entries(file: Path, source: str, known: Known, columns: Columns, faults: Faults, notes: Notes) -> Iterator[Entry]:
    """The entries of a file; what cannot be read is added to `faults`.

    Args:
        known: part of an entry -> names under which it is looked for in rows.
        columns: those of tables and JSON that are called otherwise.
        notes: takes what is not read, such as further sheets of a workbook.
    """
    if not file.is_file():
        faults.add(source, "is a folder; expected a file" if file.is_dir() else "does not exist")
        return
    empty = True
    try:
        for found in _entries(file, source, known, columns, notes):
            empty = False
            if isinstance(found, Entry):
                yield found
            else:
                faults.add(f"{source}, {found.where}", found.message)
    except InputError as error:
        faults.add(source, str(error).removeprefix(f"{file}: "))
    except OSError as error:
        faults.add(source, f"cannot be read: {error.strerror or error}")
    else:
        if empty:
            faults.add(source, "holds no entry")


def _entries(file: Path, source: str, known: Known, columns: Columns, notes: Notes) -> Iterator[Entry | BadRow]:
    ending = file.suffix.lower()
    if ending in YAML:
        yield from _yaml_entries(file, source, notes)
    elif ending in MARKDOWN:
        for section in sections(_text(file, notes), file.stem):
            yield Entry(source, f"line {section.line}", section.values, strict=False)
    else:
        for row in renamed(file, file_rows(file, notes), columns, known):
            if isinstance(row, Row) and isinstance(row.value, dict):
                yield Entry(source, row.where, row.value, strict=False)
            else:
                message = row.message if isinstance(row, BadRow) else "expected an object with named values"
                yield BadRow(row.where, message)


def _yaml_entries(file: Path, source: str, notes: Notes) -> Iterator[Entry | BadRow]:
    try:
        found = yaml.load(_text(file, notes), Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"cannot be read as YAML: {error}") from error
    if not isinstance(found, list):
        raise InputError(f"expected a list of entries, found {'nothing' if found is None else type(found).__name__}")
    for number, values in enumerate(found, start=1):
        if isinstance(values, dict):
            yield Entry(source, f"entry {number}", values, strict=True)
        else:
            yield BadRow(f"entry {number}", "expected a mapping of names and values")


def _text(file: Path, notes: Notes) -> str:
    with as_utf8(file, notes) as opened:
        content = opened.read()
    require_text(content, file)
    return decode(content, 0, file)


def by_part(values: Mapping[str, Any], known: Known) -> tuple[dict[str, Any], dict[str, Any]]:
    """An entry's values by part, under whichever of its names they stand, and the other values that say something.

    Names are compared without regard to case; of several names of one part the first of `known` counts.
    """
    names = {str(name).strip().lower(): name for name in values if not is_empty(values[name])}
    parts: dict[str, Any] = {}
    read: set[str] = set()
    for part, spellings in known.items():
        if spelling := next((name for name in spellings if name in names), None):
            parts[part] = values[names[spelling]]
            read.add(names[spelling])
    others = {str(name): value for name, value in values.items() if name not in read and not is_empty(value)}
    return parts, others


def clean(text: str) -> str:
    """A text without characters that could steer a terminal or cannot be written, and without spaces at its ends."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNPRINTED.sub(" ", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


class Anchors:
    """Ids for entries that bring none: their source and title, with a number where these are the same."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def id_of(self, source: str, title: str) -> str:
        """'faq.md#How to return', the next one of that title 'faq.md#How to return-1', as in links within Markdown."""
        first = id = f"{source}#{' '.join(title.split())[:_ANCHOR].strip()}"
        while id in self._used:  # a title may be called as the next one of another is
            id = f"{first}-{self._used[first]}"
            self._used[first] += 1
        self._used[id] = 1
        return id


def too_long(texts: Sequence[str]) -> str | None:
    """A fault where an entry's texts are together longer than a document may be."""
    length = sum(map(len, texts))
    if length <= MOST_CHARACTERS:
        return None
    return f"has {length:,} characters, a document at most {MOST_CHARACTERS:,}; cut it into several"
