"""Reads rows from all kinds of files and folders: JSON and JSONL, tables (CSV, TSV), Rasa's training data, pictures."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kdsl.data.file_kinds import kind_of
from kdsl.data.files import BadRow, Row, decode, json_rows
from kdsl.data.folders import folder_rows
from kdsl.data.notes import Notes
from kdsl.errors import InputError

_NESTED = {"messages", "conversations", "history", "image", "images"}
"""Columns whose cells may hold JSON."""
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})")


def file_rows(path: Path, notes: Notes | None = None) -> Iterator[Row | BadRow]:
    """The rows of a file, told apart by its content, or of a folder (`kdsl.data.folders`).

    Args:
        notes: takes the files of a folder that are not read.

    Raises:
        InputError: the file as a whole cannot be read; faults of a single row are yielded as `BadRow`.
    """
    try:
        if path.is_dir():
            yield from folder_rows(path, Notes() if notes is None else notes)
            return
        kind = kind_of(path)
        if kind == "csv":
            yield from _table_rows(path)
        elif kind == "rasa":
            yield from _rasa_rows(path)
        else:
            yield from json_rows(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _table_rows(path: Path) -> Iterator[Row | BadRow]:
    """A table with a header, as spreadsheets write it; the delimiter is the one that parts the header most often."""
    text = decode(path.read_bytes(), 0, path)
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(max(len(text), 1 << 17))  # a cell may hold a picture
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{path}: column '{twice[0]}' stands twice in the header.")
        last = reader.line_num
        for cells in reader:
            where, last = f"line {last + 1}", reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) == len(names):
                yield _table_row(where, names, cells)
            else:
                yield BadRow(
                    where,
                    f"has {len(cells)} cell(s), and the header {len(names)}; a text that holds '{delimiter}' must "
                    'stand in double quotes ("...").',
                )
    except csv.Error as error:
        raise InputError(f"{path}: is no whole table at line {reader.line_num}: {error}.") from error


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


def _rasa_rows(path: Path) -> Iterator[Row | BadRow]:
    """The examples of `nlu:` with their intents; entities are read as the words that they mark."""
    try:
        # every value stays text: an intent may be called `yes`
        raw = yaml.load(decode(path.read_bytes(), 0, path), yaml.BaseLoader)
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
            yield Row(f"example {number}", {"text": _ENTITY.sub(r"\1", text), "label": block["intent"]})


def _examples(examples: Any) -> list[str]:
    if isinstance(examples, list):
        texts = [entry.get("text", "") if isinstance(entry, dict) else str(entry) for entry in examples]
        return [text.strip() for text in texts if text.strip()]
    lines = (line.strip().removeprefix("-").strip() for line in str(examples or "").splitlines())
    return [line for line in lines if line]
