"""Reads rows from files and folders: JSON, JSONL, tables (CSV, TSV, Excel, Parquet), Rasa's data, pictures."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from kdsl.data.columns import AS_KNOWN, Columns, renamed
from kdsl.data.encodings import as_utf8, encoding_hint
from kdsl.data.file_kinds import kind_of
from kdsl.data.files import LONGEST, BadRow, Row, decode, json_rows
from kdsl.data.folders import folder_rows
from kdsl.data.notes import Notes
from kdsl.data.parquet import parquet_count, parquet_rows
from kdsl.errors import InputError

log = logging.getLogger(__name__)

_EMPTY = "rows without any content are not read"
_NESTED = {"messages", "conversations", "history", "image", "images"}
"""Columns whose cells may hold JSON."""
_START = 1 << 16
"""Bytes of a table in which its encoding and its header are looked at."""
_PART = 1 << 20
"""Bytes that are looked at at once where lines are counted."""
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})")


def file_rows(path: Path, notes: Notes | None = None, columns: Columns = AS_KNOWN) -> Iterator[Row | BadRow]:
    """The rows of a file, told apart by its content, or of a folder (`kdsl.data.folders`).

    Args:
        notes: takes what is not read (other files of a folder, other sheets of a workbook, empty rows of a table),
            and an encoding other than UTF-8.
        columns: those that are called otherwise than kdsl knows.

    Raises:
        InputError: the file as a whole cannot be read, or lacks one of `columns`; faults of a single row are yielded
            as `BadRow`.
    """
    try:
        yield from renamed(path, _rows(path, Notes() if notes is None else notes), columns)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def usual_columns(paths: Sequence[Path], given: Columns, usual: Columns) -> Columns:
    """The columns by which files are read: those given, and else the usual ones, as far as the files have them.

    Raises:
        InputError: a file as a whole cannot be read.
    """
    wanted = {part: name for part, name in usual.items() if part not in given}
    if not wanted:
        return given
    firsts = (next((row.value for row in file_rows(path) if isinstance(row, Row)), None) for path in paths)
    there = {str(name) for first in firsts if isinstance(first, dict) for name in first}
    for part, name in wanted.items():
        if name in there:
            log.info("the %s is read from column '%s', as in the fit", part, name)
        else:
            log.info("there is no column '%s', from which the fit read the %s: looking for known names", name, part)
    return {**given, **{part: name for part, name in wanted.items() if name in there}}


def expected_rows(path: Path) -> int | None:
    """About how many rows a file has, told quickly; None where one would have to read it.

    Raises:
        InputError: it is no file of rows.
    """
    if path.is_dir():
        return None
    kind = kind_of(path)
    if kind == "parquet":
        return parquet_count(path)
    if kind not in ("json", "csv"):
        return None
    with as_utf8(path) as file:
        parts = iter(lambda: file.read(_PART), b"")
        first = next(parts, b"")
        if kind == "json" and first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
            return None
        return first.count(b"\n") + sum(part.count(b"\n") for part in parts)


def _rows(path: Path, notes: Notes) -> Iterator[Row | BadRow]:
    if path.is_dir():
        return folder_rows(path, notes)
    kind = kind_of(path)
    if kind == "csv":
        return _table_rows(path, notes)
    if kind == "xlsx":
        return _sheet_rows(path, notes)
    if kind == "parquet":
        return parquet_rows(path)
    return _rasa_rows(path, notes) if kind == "rasa" else json_rows(path, notes)


def _table_rows(path: Path, notes: Notes) -> Iterator[Row | BadRow]:
    """A table with a header, as spreadsheets write it; the delimiter is the one that parts the header most often.

    It is read line by line, so it may be larger than memory.
    """
    with as_utf8(path, notes) as file:
        start = file.read(_START)
    decode(start if len(start) < _START else start[: start.rfind(b"\n") + 1], 0, path)  # refuses another encoding
    first = start.decode("utf-8-sig", "replace").lstrip().partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    with as_utf8(path) as file:
        # what is not UTF-8 further down costs its own row alone
        text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        csv.field_size_limit(LONGEST)  # a cell may hold a picture
        lines = iter(lambda: text.readline(LONGEST), "")
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        names: list[str] | None = None
        while True:
            where = f"line {reader.line_num + 1}"
            try:
                cells = next(reader, None)
            except csv.Error as error:
                if names is None or "end of data" in str(error):  # a quote that is never closed swallows what follows
                    raise InputError(f"{path}: is no whole table at line {reader.line_num}: {error}.") from error
                yield BadRow(where, f"is no whole row of a table: {error}.")
                continue
            if cells is None:
                return
            if names is None:
                names = _header(path, cells)
            elif any(cell.strip() for cell in cells):
                yield _cells_row(where, names, cells, delimiter)
            elif cells:  # not a mere line break
                notes.add(_EMPTY, where)


def _cells_row(where: str, names: list[str], cells: list[str], delimiter: str) -> Row | BadRow:
    if len(cells) != len(names):
        return BadRow(
            where,
            f"has {len(cells)} cell(s), and the header {len(names)}; a text that holds '{delimiter}' must stand in "
            'double quotes ("...").',
        )
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        raw = delimiter.join(cells).encode("utf-8", "surrogateescape")
        return BadRow(where, f"is not UTF-8.{encoding_hint(raw)} Save the file as UTF-8.")
    return _table_row(where, names, cells)


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    names = [name.strip() for name in cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})  # spreadsheets write empty columns
    if twice:
        raise InputError(f"{path}: column '{twice[0]}' stands twice in the header.")
    return names


def _sheet_rows(path: Path, notes: Notes) -> Iterator[Row | BadRow]:
    """The first sheet of an Excel workbook, whose first row is the header; formulas by their last results."""
    import openpyxl  # here: it takes a while to load

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        first, *others = book.worksheets
        table = [[_cell(value) for value in row] for row in first.iter_rows(values_only=True)]
        book.close()
    except Exception as error:  # a damaged workbook makes its readers raise anything
        raise InputError(f"{path}: cannot be read as an Excel workbook: {error}; save the sheet as CSV.") from error
    for sheet in others:
        notes.add("sheets after the first are not read", f"sheet '{sheet.title}'")
    width = max((i + 1 for row in table for i, cell in enumerate(row) if cell), default=0)  # formatted cells go on
    whole = [(number, [*row, *[""] * width][:width]) for number, row in enumerate(table, 1) if any(row)]
    if not whole:
        raise InputError(f"{path}: its first sheet is empty; expected a header such as text, label.")
    (before, header), *rows = whole
    names = _header(path, header)
    for number, cells in rows:
        for empty in range(before + 1, number):
            notes.add(_EMPTY, f"row {empty}")
        before = number
        yield _table_row(f"row {number}", names, cells)


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _table_row(where: str, names: list[str], cells: list[str]) -> Row | BadRow:
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if name.lower() in _NESTED and cell.lstrip().startswith("["):
            try:
                row[name] = json.loads(cell)
            except ValueError as error:
                return BadRow(where, f"column '{name}' is not valid JSON: {error}.")
        elif name or cell:
            row[name] = cell or None
    return Row(where, row)


def _rasa_rows(path: Path, notes: Notes) -> Iterator[Row | BadRow]:
    """The examples of `nlu:` with their intents; entities are read as the words that they mark."""
    with as_utf8(path, notes) as file:
        text = decode(file.read(), 0, path)
    try:
        raw = yaml.load(text, yaml.BaseLoader)  # every value stays text: an intent may be called `yes`
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: is not valid YAML: {error}") from error
    blocks = raw.get("nlu") if isinstance(raw, dict) else None
    if not isinstance(blocks, list):
        raise InputError(f"{path}: `nlu:` should be a list of intents with examples (Rasa's training data).")
    number = 0
    for block in blocks:
        if not isinstance(block, dict) or "intent" not in block:
            continue  # synonyms, look-up tables and patterns hold no sample
        for text in _examples(block.get("examples")):
            number += 1
            said = _ENTITY.sub(r"\1", text) if isinstance(text, str) else text
            yield Row(f"example {number}", {"text": said, "label": block["intent"]})


def _examples(examples: Any) -> list[Any]:
    """The examples of an intent; one that is no text is left to whoever reads the row, who says so."""
    if isinstance(examples, list):
        found = [entry.get("text", "") if isinstance(entry, dict) else entry for entry in examples]
        return [one for one in (text.strip() if isinstance(text, str) else text for text in found) if one]
    lines = (line.strip().removeprefix("-").strip() for line in str(examples or "").splitlines())
    return [line for line in lines if line]
