"""Windows for OCR of long screenshots: scaled down as a whole to the detection size, their text would be unreadable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdsl.evidence.types import OcrLine

Pixels = npt.NDArray[np.uint8]

TALL = 3.0
"""Ratio of height to width above which a picture is read in windows; phone screens reach 2.4."""
MIN_WIDTH = 200
"""Width, in pixels, below which pictures are read as a whole: a narrow strip would give thousands of windows."""
WINDOW = 2.0
"""Height of a window, as a multiple of the picture's width."""
OVERLAP = 0.2
"""Overlap of neighbouring windows, as a share of the width: more than the tallest line of text."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `top` to `bottom` of a picture; lines whose centre is in `first` to `last` are taken from this window."""

    top: int
    bottom: int
    first: float
    last: float


def windows(height: int, width: int) -> list[Window]:
    """The windows that cover a picture: one unless it is very tall. Lines at each row come from exactly one window."""
    if width < MIN_WIDTH or height <= TALL * width:
        return [Window(0, height, 0, height)]
    tall, shared = round(WINDOW * width), round(OVERLAP * width)
    tops = list(range(0, height - shared, max(1, tall - shared)))
    found = []
    for top in tops:
        first = top + shared / 2 if top else 0.0
        last = height if top == tops[-1] else top + tall - shared / 2
        found.append(Window(top, min(height, top + tall), first, last))
    return found


def read_windows(read: Callable[[Pixels], list[OcrLine]], image: Pixels) -> list[OcrLine]:
    """The lines of a picture, read window by window; boxes are in pixels of the whole picture."""
    lines = []
    for window in windows(image.shape[0], image.shape[1]):
        for line in read(image[window.top : window.bottom]):
            left, top, right, bottom = line.box
            box = (left, top + window.top, right, bottom + window.top)
            if window.first <= (box[1] + box[3]) / 2 <= window.last:
                lines.append(OcrLine(line.text, line.score, box))
    return lines
