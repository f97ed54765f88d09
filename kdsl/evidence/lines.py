"""OCR lines made usable: noise is dropped, and the lines are put into reading order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kdsl.evidence.types import OcrLine

LONGEST = 20_000
"""Characters of a picture's lines that are read: a page of small print has fewer, and fits take longer with them."""
ROW_TOLERANCE = 0.6
"""Neighbours are in the same row if their centres differ by at most this share of the smaller height."""


def denoise(lines: Iterable[OcrLine], min_score: float) -> list[OcrLine]:
    """Lines with a score of at least `min_score` that hold more than punctuation, spaces normalised.

    Little is dropped on purpose. Icons read as '<', '←', '+' or a single hanzi look like noise, but they are stable
    within an app and tell its pages apart: dropping single symbols cost a TF-IDF classifier a point of F1 on real
    screens, dropping single characters as well cost two.
    """
    kept = []
    for line in lines:
        text = " ".join(line.text.split())
        if line.score >= min_score and has_content(text):
            kept.append(line if text == line.text else replace(line, text=text))
    return kept


def shortened(lines: Iterable[OcrLine]) -> list[OcrLine]:
    """The first lines, up to `LONGEST` characters in all; the line in which these end is cut."""
    kept, room = [], LONGEST
    for line in lines:
        if room <= 0:
            break
        kept.append(line if len(line.text) <= room else replace(line, text=line.text[:room]))
        room -= len(line.text)
    return kept


def has_content(text: str) -> bool:
    """Whether a text contains a letter, digit, hanzi or symbol such as '<', '+' or '￥' (Unicode classes L, N, S)."""
    return any(unicodedata.category(c)[0] in "LNS" for c in text)


def reading_order(lines: Iterable[OcrLine]) -> list[OcrLine]:
    """The lines in reading order: rows from top to bottom, within a row from left to right."""
    return [line for row in rows(lines) for line in row]


def rows(lines: Iterable[OcrLine]) -> list[list[OcrLine]]:
    """Lines grouped into rows, from top to bottom; the lines of a row from left to right.

    Detectors return boxes in any order, and sorting by the top edge splits rows if heights differ or the picture is
    slightly tilted. So rows grow from left to right, and a line is compared only with the last line of a row: a tilt
    of a few degrees adds up along a row but is small between neighbours.
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
