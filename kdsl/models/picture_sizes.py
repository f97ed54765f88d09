"""How large each picture is shown to a model: one pixel limit per sample, shared by its pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_CELLS = 8
"""A picture shown with fewer picture tokens than this tells nothing; it is left out instead."""


def plan_grids(
    sizes: Sequence[tuple[int, int]], max_pixels: int, factor: int, max_pictures: int | None = None
) -> list[tuple[int, int] | None]:
    """Columns and rows of picture tokens for each picture, None for those left out (the oldest first).

    Args:
        sizes: width and height of each picture in pixels, oldest first.
        max_pixels: limit for all of them together.
        factor: side, in pixels, of the square that one picture token stands for.
        max_pictures: show no more than this many.

    A picture is never enlarged; what a small one leaves of its share goes to the others.
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
    """The largest grid (columns, rows) of at most `cells` cells that keeps a picture's shape nearly.

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
    while columns * rows > cells:  # rounding went over: shrink the side that rounding enlarged most
        if rows == 1 or (columns > 1 and columns * height > rows * width):
            columns -= 1
        else:
            rows -= 1
    return columns, rows
