"""Pictures augmented as LLM-IR does (section 4.2): cropped, turned, recoloured, with noise; their text moves along."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from kdsl.data.picture_view import PictureView
from kdsl.evidence.types import OcrLine, Picture

MIN_AREA = 0.82
"""Share of a picture's area that a crop keeps at least."""
MAX_ANGLE = 3.0
"""Degrees to either side: more than a phone held over a screen, less than what makes text unreadable."""
MAX_LIGHT = 0.2
"""Brightness, contrast and colour change by this share at most."""
MAX_NOISE = 10.0
"""Standard deviation of the noise at most, in 0..255."""


def random_view(width: int, height: int, rng: random.Random) -> PictureView:
    """A view of a picture of this size; the crop keeps `MIN_AREA` of it at least."""
    area = rng.uniform(MIN_AREA, 1)
    wide = area ** rng.random()  # the cut is shared between the sides
    kept_width, kept_height = min(width, math.ceil(width * wide)), min(height, math.ceil(height * area / wide))
    left, top = rng.randint(0, width - kept_width), rng.randint(0, height - kept_height)
    return PictureView(
        source=(width, height),
        angle=round(rng.uniform(-MAX_ANGLE, MAX_ANGLE), 2),
        crop=(left, top, left + kept_width, top + kept_height),
        brightness=_factor(rng),
        contrast=_factor(rng),
        colour=_factor(rng),
        noise=round(rng.uniform(0, MAX_NOISE), 1),
        noise_seed=rng.randrange(1 << 32),
    )


def seen_through(picture: Picture, view: PictureView) -> Picture:
    """A picture through a view: its size and text are the view's, its facts stay those of the file.

    Lines whose centre the view does not show are dropped; boxes are moved, and cut at the view's edges.
    """
    width, height = view.size
    lines = []
    for line in picture.lines:
        left, top, right, bottom = line.box
        x, y = view.move((left + right) / 2, (top + bottom) / 2)
        if 0 <= x <= width and 0 <= y <= height:
            half_x, half_y = (right - left) / 2, (bottom - top) / 2
            box = (max(0.0, x - half_x), max(0.0, y - half_y), min(width, x + half_x), min(height, y + half_y))
            lines.append(OcrLine(line.text, line.score, box))
    return replace(picture, width=width, height=height, lines=tuple(lines), view=view)


def _factor(rng: random.Random) -> float:
    return round(rng.uniform(1 - MAX_LIGHT, 1 + MAX_LIGHT), 3)
