"""OCR results that the user supplies: a JSONL file of {image, width, height, lines: [{text, score, box}]}."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from kdsl.errors import InputError
from kdsl.evidence.ocr_shared import bounding_box
from kdsl.evidence.types import Box, OcrLine
from kdsl.runs import digest


class PrecomputedOcr:
    """Lines by picture name. The whole file is checked once; lines are read on demand.

    Only the offset of each row is kept in memory, so the file may describe millions of pictures.

    Raises:
        InputError: the file cannot be read, or a row has another form; the message gives the line number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[str, tuple[int, int]] = {}
        offset = 0
        try:
            with path.open("rb") as file:
                for number, raw in enumerate(file, start=1):
                    if raw.strip():
                        self._add(number, offset, raw)
                    offset += len(raw)
        except OSError as error:
            raise InputError(f"{path}: OCR file cannot be read: {error.strerror or error}") from error

    def __contains__(self, name: str) -> bool:
        return _normal(name) in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def lines(self, name: str, width: int, height: int) -> list[OcrLine]:
        """The lines of a picture; boxes are scaled if the row's size is not `width` x `height` pixels.

        Raises:
            KeyError: the file has no row for this picture.
        """
        lines, size = self._row(name)
        if size is None or size == (width, height):
            return lines
        x, y = width / size[0], height / size[1]
        return [OcrLine(e.text, e.score, _scaled(e.box, x, y)) for e in lines]

    def digest(self, name: str) -> str | None:
        """A digest of what the file says of a picture; None where it has no row for it."""
        return digest(*self._row(name)) if name in self else None

    def _row(self, name: str) -> tuple[list[OcrLine], tuple[int, int] | None]:
        """Lines and size as the file has them."""
        number, offset = self._rows[_normal(name)]
        with self.path.open("rb") as file:
            file.seek(offset)
            return _parse(file.readline(), self.path, number)[1:]

    def _add(self, number: int, offset: int, raw: bytes) -> None:
        name = _normal(_parse(raw, self.path, number)[0])
        if name in self._rows:
            raise InputError(
                f"{self.path}, line {number}: picture '{name}' stands in line {self._rows[name][0]} already; "
                "keep one of the two."
            )
        self._rows[name] = (number, offset)


def open_precomputed(path: Path) -> PrecomputedOcr:
    """Open a file, or return the one opened last if it has not changed since.

    A long prediction run opens the same file again for each chunk of its input.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path}: OCR file cannot be read: {error.strerror or error}") from error
    return _opened(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _opened(path: Path, _changed: int, _size: int) -> PrecomputedOcr:
    return PrecomputedOcr(path)


def _parse(raw: bytes, path: Path, number: int) -> tuple[str, list[OcrLine], tuple[int, int] | None]:
    where = f"{path}, line {number}"
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: is not JSON in UTF-8: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("image"), str):
        raise InputError(f"{where}: expected an object with 'image' (the picture's name) and 'lines'.")
    if not isinstance(row.get("lines"), list):
        raise InputError(f"{where}: 'lines' of '{row['image']}' is not a list of {{text, score, box}}.")
    size: tuple[int, int] | None = None
    if "width" in row or "height" in row:
        width, height = row.get("width"), row.get("height")
        if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
            raise InputError(f"{where}: width and height must be positive whole numbers; found {width} and {height}.")
        size = width, height
    lines = []
    for index, line in enumerate(row["lines"], start=1):
        try:
            lines.append(_line(line))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: text line {index} of '{row['image']}' is not {{text, score in 0..1, box as four "
                f"[x, y] points or [left, top, right, bottom]}}: {error!r}"
            ) from error
    return row["image"], lines, size


def _line(line: Any) -> OcrLine:
    text, score, box = line["text"], float(line["score"]), line["box"]
    if not isinstance(text, str):
        raise TypeError("text is not a string")
    if not 0 <= score <= 1:
        raise ValueError(f"score {score} is not in 0..1")
    if len(box) != 4:
        raise ValueError(f"a box of {len(box)} entries")
    points = [box[:2], box[2:]] if isinstance(box[0], int | float) else box
    return OcrLine(text, score, bounding_box(points))


def _scaled(box: Box, x: float, y: float) -> Box:
    left, top, right, bottom = box
    return left * x, top * y, right * x, bottom * y


def _normal(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")
