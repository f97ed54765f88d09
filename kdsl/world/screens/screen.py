"""What a drawn screen is."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from kdsl.evidence.types import Box


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """One line of text that can be read in the final picture; `box` is (left, top, right, bottom) in pixels."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Screen:
    """A drawn picture (RGB), its visible text from top to bottom, and the layout family that made it."""

    image: Image.Image
    lines: tuple[DrawnLine, ...]
    family: str


def covered_share(box: Box, by: Box) -> float:
    """Share of `box`'s area that lies inside `by`, 0..1."""
    width = min(box[2], by[2]) - max(box[0], by[0])
    height = min(box[3], by[3]) - max(box[1], by[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max((box[2] - box[0]) * (box[3] - box[1]), 1e-6)
