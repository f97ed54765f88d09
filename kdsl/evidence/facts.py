"""Facts about a picture that rules can use (photo or screenshot, popup, dark, has text), from pixels and OCR lines.

The thresholds were set by hand, in round numbers. tests/evidence checks them on drawn pictures; docs/results.md
reports how often they are right on real ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kdsl.evidence.pixels import PixelStats
from kdsl.evidence.types import OcrLine, PictureFacts

_CLOCK = re.compile(r"\D{0,4}\d{1,2}[:：.]\d{2}(?!\d)")
_STATUS_BAR = 0.08
"""Height of a phone's status bar, at most, as a share of the picture's height."""
_TALL = 1.9
"""Ratio of height to width above which a picture is taken for a phone screen: photos are at most 16:9."""


def picture_facts(pixels: PixelStats, lines: Sequence[OcrLine]) -> PictureFacts:
    """Facts of a picture from its pixel measures and its (denoised) lines."""
    area = pixels.width * pixels.height
    covered = sum(
        max(0.0, right - left) * max(0.0, bottom - top) for left, top, right, bottom in (e.box for e in lines)
    )
    photo = is_photo(pixels, lines)
    return PictureFacts(
        kind="photo" if photo else "screenshot",
        has_text=bool(lines),
        overlay=not photo and pixels.scrim >= 0.25 and pixels.panel >= 0.08,
        dark=pixels.dark > 0.5,
        aspect=pixels.height / pixels.width,
        text_cover=min(1.0, covered / area),
        brightness=pixels.brightness,
        saturation=pixels.saturation,
        edges=pixels.edges,
        colours=pixels.colours,
        cells=pixels.cells,
    )


def is_photo(pixels: PixelStats, lines: Sequence[OcrLine]) -> bool:
    """Whether a camera took the picture: no dominant colour, few flat areas, and no signs of a phone screen."""
    drawn = pixels.paper >= 0.2 or pixels.flat >= 0.35
    return not drawn and pixels.height < _TALL * pixels.width and not has_status_bar(pixels, lines)


def has_status_bar(pixels: PixelStats, lines: Sequence[OcrLine]) -> bool:
    """Whether there is a clock at the very top, as on a phone screen."""
    limit = _STATUS_BAR * pixels.height
    return any(line.box[3] < limit and _CLOCK.match(line.text.strip()) for line in lines)
