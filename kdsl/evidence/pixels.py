"""`PixelStats`: colours, edges, flat areas and popups of a picture, measured on a thumbnail in a few milliseconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from kdsl.data.pictures import (
    as_rgb,
    guarded,
    load_pixels,
    open_header,
    open_picture,
    orientation,
    picture_path,
    upright,
)

SIDE = 256
"""Longest side of the thumbnail in pixels."""
VERSION = "pixels-2"
"""Name of the cache space; the number is increased when a measure below changes its meaning."""

HUE_ENDS = (15, 40, 70, 165, 200, 255, 290, 345)
"""Upper limits, in degrees, of red, orange, yellow, green, cyan, blue, purple and pink; above 345 it is red again."""

CELL_ROWS, CELL_COLUMNS = 6, 4
CELL_MEASURES = 4
"""Measures per cell: means of brightness, red - green and blue - green, and the standard deviation of the grey."""

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PixelStats:
    """Measures of one picture; shares of the thumbnail's pixels in 0..1 unless stated otherwise."""

    width: int
    height: int
    brightness: float
    """Mean of the brightest channel."""
    saturation: float
    """Mean saturation as in HSV."""
    dark: float
    """Pixels darker than a third of full brightness."""
    edges: float
    """Pixels that differ from a neighbour by more than an eighth of the range."""
    flat: float
    """Pixels that differ from each neighbour by at most 1 in 255, as in drawn, not photographed, areas."""
    paper: float
    """Pixels of the most common colour, with 32 steps per channel."""
    palette: float
    """Pixels of the eight most common colours."""
    scrim: float
    """Rows under an even dark overlay, as on the page behind a popup."""
    panel: float
    """Rows that contain something as bright as a page without the overlay; 0 if there is no edge between the two."""
    colours: tuple[float, ...]
    """Eight hues from red to pink, then black, grey and white; they sum to 1."""
    cells: tuple[float, ...]
    """`CELL_MEASURES` values per cell of a grid of `CELL_ROWS` x `CELL_COLUMNS`, row by row, in -1..1."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, rounded for the cache."""
        plain = {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(self).items()}
        cells = [round(value, 3) for value in self.cells]
        return plain | {"colours": [round(share, 5) for share in self.colours], "cells": cells}

    @classmethod
    def from_json(cls, value: Any) -> PixelStats:
        """The inverse of `to_json`.

        Raises:
            TypeError, ValueError: `value` is not the output of `to_json`.
        """
        rows = {name: tuple(float(number) for number in value[name]) for name in ("colours", "cells")}
        stats = cls(**{**value, **rows})
        if len(stats.colours) != len(HUE_ENDS) + 3:
            raise ValueError("a wrong number of colours")
        if len(stats.cells) != CELL_ROWS * CELL_COLUMNS * CELL_MEASURES:
            raise ValueError("a wrong number of cells")
        return stats


def read_pixels(root: Path, name: str, max_megapixels: float) -> PixelStats:
    """Open a picture at reduced size and measure it.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, which is several times faster.

    Raises:
        InputError: see `kdsl.data.pictures.open_picture`.
    """
    with open_header(picture_path(root, name), name, max_megapixels) as opened:
        if opened.format in ("JPEG", "MPO"):
            turned = orientation(opened) >= 5  # EXIF orientations 5 to 8 swap the sides
            size = opened.size[::-1] if turned else opened.size
            opened.draft("RGB", (SIDE, SIDE))
            load_pixels(opened, name)
            with guarded(name):
                return measure(as_rgb(upright(opened)), size)
    picture = open_picture(root, name, max_megapixels)
    return measure(picture, picture.size)


def measure(picture: Image.Image, size: tuple[int, int]) -> PixelStats:
    """Measure a picture (RGB) whose full size is `size` = (width, height) in pixels."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    rgb = np.asarray(small, dtype=np.uint8)  # (h, w, 3)
    top = rgb.max(axis=2).astype(np.float32) / 255
    low = rgb.min(axis=2).astype(np.float32) / 255
    saturation = np.divide(top - low, top, out=np.zeros_like(top), where=top > 0)
    grey = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    step = _largest_step(grey)
    coarse = (rgb >> 3).astype(np.int32)
    common = np.sort(np.bincount((coarse[..., 0] << 10 | coarse[..., 1] << 5 | coarse[..., 2]).ravel()))[::-1]
    scrim, panel = _veil(grey, step)
    return PixelStats(
        width=size[0],
        height=size[1],
        brightness=float(top.mean()),
        saturation=float(saturation.mean()),
        dark=float((top < 1 / 3).mean()),
        edges=float((step > 32).mean()),
        flat=float((step <= 1).mean()),
        paper=float(common[0] / grey.size),
        palette=float(common[:8].sum() / grey.size),
        scrim=scrim,
        panel=panel,
        colours=_colours(rgb, top, saturation),
        cells=_cells(rgb, grey),
    )


def _largest_step(grey: Grey) -> Grey:
    """Largest difference between each pixel and its neighbours left, right, above and below."""
    step = np.zeros_like(grey)
    across, down = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    for view, difference in (
        (step[:, :-1], across),
        (step[:, 1:], across),
        (step[:-1], down),
        (step[1:], down),
    ):
        np.maximum(view, difference, out=view)
    return step


def _veil(grey: Grey, step: Grey) -> tuple[float, float]:
    """Share of the rows under a dark overlay, and share of the rows with a bright panel.

    A popup darkens the page behind it: the brightest tenth of a row is then a middle grey (white under the overlay),
    and most of the row is flat, unlike the rows of a photo. Both shares are 0 if the brightness never jumps between
    neighbouring rows, as it does at the edge of a panel.
    """
    bright = np.quantile(grey, 0.9, axis=1) / 255
    veiled = (bright > 0.15) & (bright < 0.72) & ((step <= 1).mean(axis=1) > 0.35)
    lit = bright > 0.85
    if not (np.abs(np.diff(bright)) > 0.2).any() or not lit.any():
        return 0.0, 0.0
    return float(veiled.mean()), float(lit.mean())


def _colours(rgb: npt.NDArray[np.uint8], top: Grey, saturation: Grey) -> tuple[float, ...]:
    values = rgb.astype(np.float32) / 255
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    spread = np.maximum(top * saturation, 1e-6)
    hue = np.where(
        top == red,
        (green - blue) / spread % 6,
        np.where(top == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    name = np.digitize(hue * 60, HUE_ENDS) % len(HUE_ENDS)
    name = np.where(saturation < 0.15, len(HUE_ENDS) + np.digitize(top, (0.25, 0.85)), name)
    name = np.where(top < 0.2, len(HUE_ENDS), name)
    shares = np.bincount(name.ravel(), minlength=len(HUE_ENDS) + 3) / name.size
    return tuple(float(share) for share in shares)


def _cells(rgb: npt.NDArray[np.uint8], grey: Grey) -> tuple[float, ...]:
    height, width = grey.shape
    found: list[float] = []
    for i in range(CELL_ROWS):
        for j in range(CELL_COLUMNS):
            # at least one pixel, even if the picture has fewer rows or columns than the grid
            top, left = i * height // CELL_ROWS, j * width // CELL_COLUMNS
            bottom, right = max((i + 1) * height // CELL_ROWS, top + 1), max((j + 1) * width // CELL_COLUMNS, left + 1)
            red, green, blue = rgb[top:bottom, left:right].mean(axis=(0, 1)) / 255
            contrast = grey[top:bottom, left:right].std() / 255
            found += [float(v) for v in ((red + green + blue) / 3, red - green, blue - green, contrast)]
    return tuple(found)
