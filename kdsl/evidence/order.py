"""Reading order: rows from top to bottom, in each row from left to right.

Detectors return boxes in an order of their own, and sorting by the top edge breaks rows apart as soon as
boxes differ in height or the picture is a little tilted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kdsl.evidence.types import OcrLine

ROW_TOLERANCE = 0.6
"""Neighbours stand in one row if their centres differ by less than this share of the smaller height."""


def reading_order(lines: Iterable[OcrLine]) -> list[OcrLine]:
    """The same lines, in the order in which a person reads them."""
    return [line for row in rows(lines) for line in row]


def rows(lines: Iterable[OcrLine]) -> list[list[OcrLine]]:
    """Rows from top to bottom; the lines of a row from left to right.

    Rows grow from left to right, and a line is compared with the last one of a row only: a tilt of a few
    degrees adds up along a row but is small between neighbours.
    """
    grown: list[list[OcrLine]] = []
    for line in sorted(lines, key=lambda line: (line.box[0], line.box[1])):
        fitting = [row for row in grown if _continues(row[-1], line)]
        if fitting:
            min(fitting, key=lambda row: abs(_centre(row[-1]) - _centre(line))).append(line)
        else:
            grown.append([line])
    return sorted(grown, key=lambda row: (_mean_centre(row), row[0].box[0]))


def _continues(last: OcrLine, line: OcrLine) -> bool:
    left_of = (last.box[0] + last.box[2]) / 2 <= line.box[0]
    smaller = min(last.box[3] - last.box[1], line.box[3] - line.box[1])
    return left_of and abs(_centre(last) - _centre(line)) <= ROW_TOLERANCE * smaller


def _centre(line: OcrLine) -> float:
    return (line.box[1] + line.box[3]) / 2


def _mean_centre(row: Sequence[OcrLine]) -> float:
    return sum(_centre(line) for line in row) / len(row)
