"""The size at which each picture is shown to a model: a sample's pictures share one limit on pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_CELLS = 8
"""Minimum number of picture tokens of a picture; a picture that would have fewer is left out."""


def plan_grids(
    sizes: Sequence[tuple[int, int]], max_pixels: int, factor: int, max_pictures: int | None = None
) -> list[tuple[int, int] | None]:
    """Columns and rows of picture tokens per picture, or None if it is left out (the oldest ones are, first).

    Args:
        sizes: width and height of each picture in pixels, oldest first.
        max_pixels: limit for all pictures together.
        factor: side, in pixels, of the square that one picture token covers.
        max_pictures: maximum number of pictures shown.

    A picture is never enlarged; what a small one does not use of its share goes to the others.
    """
    cells = max(1, max_pixels // factor**2)
    shown = min(len(sizes), max(1, cells // MIN_CELLS))
    if max_pictures is not None:
        shown = min(shown, max_pictures)
    first = len(sizes) - shown
    grids: list[tuple[int, int] | None] = [None] * len(sizes)
    by_size = sorted(range(first, len(sizes)), key=lambda i: sizes[i][0] * sizes[i][1])
    for done, i in enumerate(by_size):
        grid = fit_grid(*sizes[i], cells // (shown - done), factor)
        grids[i] = grid
        cells -= grid[0] * grid[1]
    return grids


def fit_grid(width: int, height: int, cells: int, factor: int) -> tuple[int, int]:
    """The largest grid (columns, rows) of at most `cells` cells that approximately keeps the aspect ratio.

    >>> fit_grid(1080, 2400, 60, 28)
    (5, 12)
    >>> fit_grid(60, 60, 60, 28)
    (2, 2)
    >>> fit_grid(50, 50000, 60, 28)
    (1, 60)
    """
    scale = min(1.0, math.sqrt(cells * factor**2 / (width * height)))
    columns = min(cells, max(1, round(width * scale / factor)))
    rows = max(1, round(height * scale / factor))
    while columns * rows > cells:  # too large after rounding: shrink the side that rounding enlarged most
        if rows == 1 or (columns > 1 and columns * height > rows * width):
            columns -= 1
        else:
            rows -= 1
    return columns, rows
