"""Dropping what OCR only thinks it read, while the lines that tell something stay."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from kdsl.evidence.types import OcrLine


def denoise(lines: Iterable[OcrLine], min_score: float) -> list[OcrLine]:
    """Lines with a score of at least `min_score` that hold more than punctuation, spaces normalised.

    Deliberately mild. Icons read as '<', '←', '+' or a single hanzi look like noise, but they are the same on
    each page of an app and tell pages apart: dropping lone symbols cost a TF-IDF classifier a point of F1 on
    real screens, dropping lone characters as well cost two.
    """
    kept = []
    for line in lines:
        text = " ".join(line.text.split())
        if line.score >= min_score and tells(text):
            kept.append(line if text == line.text else replace(line, text=text))
    return kept


def tells(text: str) -> bool:
    """Whether a text holds a letter, a digit, a hanzi, or a symbol such as '<', '+' or '￥' (Unicode's S)."""
    return any(unicodedata.category(c)[0] in "LNS" for c in text)
