"""Dropping what OCR only thinks it read, while the lines that tell something stay."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from kdsl.evidence.types import OcrLine

TELLING_SYMBOLS = frozenset("¥￥$€%✓√×")
"""Symbols that mean something alone: a price torn apart, a tick, the cross that closes a popup."""


def denoise(lines: Iterable[OcrLine], min_score: float) -> list[OcrLine]:
    """Lines with a score of at least `min_score` whose text is more than stray symbols, spaces normalised.

    Icons are often read as '<', '三' or '...': lines without a letter, digit or hanzi are dropped (unless they
    hold a telling symbol). Single letters and hanzi stay: many are the badges that apps set before a line.
    """
    kept = []
    for line in lines:
        text = " ".join(line.text.split())
        if line.score >= min_score and tells(text):
            kept.append(line if text == line.text else replace(line, text=text))
    return kept


def tells(text: str) -> bool:
    """Whether a text holds a letter, a digit, a hanzi or a telling symbol."""
    return any(unicodedata.category(c)[0] in "LN" or c in TELLING_SYMBOLS for c in text)
