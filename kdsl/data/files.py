"""Files of rows: JSON and JSONL read row by row, with errors that say where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.errors import InputError


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


def json_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a JSON list or of a JSONL file, told apart by the first character.

    A JSONL file is read line by line, so it may be larger than memory. A byte order mark is allowed.

    Raises:
        InputError: the file is missing, empty, not UTF-8, cut off, or holds no list. Faults of a single
            JSONL line are yielded as `BadRow` instead.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path}: {kind}; expected a JSON or JSONL file of samples.")
    try:
        with path.open("rb") as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if not start:
            raise InputError(f"{path}: is empty; expected a JSON list of samples, or one sample a line (JSONL).")
        yield from _list_rows(path) if start == b"[" else _line_rows(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _list_rows(path: Path) -> Iterator[Row]:
    text = _decode(path.read_bytes(), 0, path)
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
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            where, at = f"line {number}", offset
            offset += len(line)
            try:
                text = _decode(line, at, path).rstrip()
                if text:
                    yield Row(where, _whole_characters(json.loads(text)))
            except InputError as error:
                yield BadRow(where, str(error).removeprefix(f"{path}: "))
            except RecursionError:
                yield BadRow(where, "brackets are nested too deeply for a sample.")
            except json.JSONDecodeError as error:
                if number == 1 and _is_one_object(path):
                    raise InputError(
                        f"{path}: holds one JSON object; expected a list of samples ([...]), or one sample "
                        "a line (JSONL)."
                    ) from error
                yield BadRow(where, f"is not valid JSON at {_json_fault(error, text)}")
            except ValueError as error:  # a number of thousands of digits
                yield BadRow(where, f"cannot be read: {error}")


def _is_one_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (ValueError, RecursionError):
        return False


def _decode(content: bytes, offset: int, path: Path) -> str:
    try:
        return content.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        hint = ""
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = " It looks like UTF-16."
        else:
            try:
                content.decode("gb18030")
                hint = " It can be read as GB18030 (GBK)."
            except UnicodeDecodeError:
                pass
        raise InputError(
            f"{path}: is not UTF-8: byte {offset + error.start} is 0x{content[error.start]:02x}.{hint} "
            "Save the file as UTF-8."
        ) from error


def _json_fault(error: json.JSONDecodeError, text: str) -> str:
    cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    what = "the text ends in the middle of a sample (cut off?)" if cut else error.msg
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
