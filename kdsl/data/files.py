"""Reads JSON and JSONL files row by row, with errors that give the location."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.data.encodings import as_utf8, encoding_hint
from kdsl.data.file_kinds import kind_of
from kdsl.data.notes import Notes
from kdsl.errors import InputError

LONGEST = 64 << 20
"""Bytes of a line of JSONL, or of a table's cell: room for some pictures in base64. A file that is one long line, which
may be larger than memory, is set aside."""
_BETWEEN = re.compile(r"[\s,]*")
_PART = 1 << 16
"""Bytes that are read at once to look at."""


@dataclass(frozen=True, slots=True)
class Row:
    """One element of a JSON list, or one line of a JSONL file; `where` is 'sample 3' or 'line 3'."""

    where: str
    value: Any


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line of a JSONL file that is not JSON; the lines after it can still be read."""

    where: str
    message: str


def json_rows(path: Path, notes: Notes | None = None) -> Iterator[Row | BadRow]:
    """The rows of a JSON list or of a JSONL file, told apart by the first character.

    A JSONL file is read line by line, so it may be larger than memory. A byte order mark is allowed.

    Args:
        notes: takes that the file is not UTF-8, and was read all the same; None logs it.

    Raises:
        InputError: the file is missing, empty, not UTF-8, cut off, or holds no list. Faults of a single
            JSONL line are yielded as `BadRow` instead.
    """
    try:
        kind = kind_of(path)
        if kind != "json":
            found = {
                "csv": "a table (CSV)",
                "rasa": "Rasa's training data (YAML)",
                "xlsx": "an Excel workbook",
                "parquet": "a Parquet file",
            }[kind]
            raise InputError(f"{path}: is {found}; expected a JSON list, or one JSON object per line (JSONL).")
        kept = Notes() if notes is None else notes
        with as_utf8(path, kept) as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if notes is None:
            kept.log(path)
        yield from _list_rows(path) if start == b"[" else _line_rows(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _list_rows(path: Path) -> Iterator[Row]:
    with as_utf8(path) as file:
        text = decode(file.read(), 0, path)
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        fault = _json_fault(error, text)
        raise InputError(f"{path}: is not valid JSON at line {error.lineno}, {fault}") from error
    except RecursionError as error:
        raise InputError(f"{path}: brackets are nested too deeply for a list of samples.") from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{path}: cannot be read: {error}") from error
    for number, value in enumerate(rows, start=1):
        yield Row(f"sample {number}", _whole_characters(value))


def _line_rows(path: Path) -> Iterator[Row | BadRow]:
    offset = 0
    for number, (line, length) in enumerate(_lines(path), start=1):
        where, at = f"line {number}", offset
        offset += length
        if length > LONGEST:
            yield BadRow(where, f"takes more than {LONGEST >> 20} MiB; is each sample on a line of its own?")
            continue
        try:
            text = decode(line, at, path).rstrip()
            if text:
                yield Row(where, _whole_characters(json.loads(text)))
        except InputError as error:
            yield BadRow(where, str(error).removeprefix(f"{path}: "))
        except RecursionError:
            yield BadRow(where, "brackets are nested too deeply for a sample.")
        except json.JSONDecodeError as error:
            if number == 1 and error.msg != "Extra data":
                _refuse_spread_objects(path, error)
            yield BadRow(where, f"is not valid JSON at {_json_fault(error, text)}")
        except ValueError as error:  # a number of thousands of digits
            yield BadRow(where, f"cannot be read: {error}")


def _lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Each line of a file, and its length in bytes; of one over `LONGEST` bytes only the beginning is read.

    The lines of old Macs end in a carriage return.
    """
    with as_utf8(path) as file:
        start = file.read(_PART)
    with as_utf8(path) as file:
        old = b"\r" in start and b"\n" not in start
        text = io.TextIOWrapper(file, "latin-1", newline="\r") if old else None  # of which each character is one byte

        def read(most: int) -> bytes:
            return text.readline(most).encode("latin-1") if text else file.readline(most)

        end = b"\r" if old else b"\n"
        while line := read(LONGEST + 1):
            length, part = len(line), line
            while length > LONGEST and not part.endswith(end) and (part := read(_PART)):
                length += len(part)
            yield line, length


def _refuse_spread_objects(path: Path, fault: json.JSONDecodeError) -> None:
    """Refuse a file whose objects take several lines each; leave one that is broken otherwise to its lines."""
    if path.stat().st_size > LONGEST:
        return
    decoder, objects, place = json.JSONDecoder(), [], 0
    try:
        with as_utf8(path) as file:
            text = file.read().decode("utf-8-sig").strip()
        while place < len(text):
            value, place = decoder.raw_decode(text, place)
            objects.append(value)
            place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return
    if not all(isinstance(value, dict) for value in objects):
        return
    if len(objects) > 1:
        raise InputError(
            f"{path}: holds {len(objects)} JSON objects over several lines each; expected one list of them ([...]), or "
            "one object per line (JSONL). `jq -c . FILE` writes them so."
        ) from fault
    lists = [name for name, value in objects[0].items() if isinstance(value, list) and value]
    inside = f" Its field '{lists[0]}' is a list: are these the samples?" if len(lists) == 1 else ""
    raise InputError(
        f"{path}: holds one JSON object; expected a list of samples ([...]), or one sample per line (JSONL).{inside}"
    ) from fault


def decode(content: bytes, offset: int, path: Path) -> str:
    """A part of a file as text.

    Args:
        offset: where the part begins, in bytes; a byte order mark is allowed at 0.

    Raises:
        InputError: it is not UTF-8; the message says which byte, and what encoding it may be.
    """
    try:
        return content.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not UTF-8: byte {offset + error.start} is 0x{content[error.start]:02x}."
            f"{encoding_hint(content)} Save the file as UTF-8."
        ) from error


def _json_fault(error: json.JSONDecodeError, text: str) -> str:
    before, rest = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        what = "the text ends in the middle of a sample (cut off?)"
    elif error.msg.startswith("Illegal trailing comma") or (before.endswith(",") and rest[:1] in ("]", "}")):
        what = "a comma stands before the closing bracket; remove it"
    elif error.msg == "Extra data" and rest == ",":
        what = "a comma ends the line; in JSONL each line is one object and nothing else"
    elif error.msg == "Extra data" and rest[:1] == "{":
        what = "a second object begins on the line; in JSONL each stands on its own line"
    elif rest[:1] == "'" or before.endswith("'"):
        what = "text stands in single quotes, as Python prints it; JSON wants double ones (`json.dumps`)"
    elif rest.startswith(("True", "False", "None")):
        what = "a word of Python; JSON has true, false and null (`json.dumps`)"
    else:
        what = error.msg
    return f"column {error.colno}: {what}."


def _whole_characters(value: Any) -> Any:
    r"""The same value with half surrogate pairs replaced by U+FFFD.

    Chat logs cut in the middle of an emoji hold escapes such as "\ud83d" alone; such text could be
    read but never be written to a UTF-8 file again.
    """
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value
