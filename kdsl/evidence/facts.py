"""From measured pixels and read lines to facts a rule can name: photo or screenshot, popup, dark, has text.

The thresholds are set by hand, in round numbers. tests/evidence holds them on drawn pictures;
docs/results.md says how often they are right on real ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kdsl.evidence.pixels import PixelStats
from kdsl.evidence.types import OcrLine, PictureFacts

_CLOCK = re.compile(r"\D{0,4}\d{1,2}[:：.]\d{2}(?!\d)")
_STATUS_BAR = 0.08
"""A phone's status bar ends within this share of the height."""
_TALL = 1.9
"""Height over width above which a picture is taken for a phone's screen: cameras stop at 16:9."""


def picture_facts(pixels: PixelStats, lines: Sequence[OcrLine]) -> PictureFacts:
    """Facts of a picture from its pixels and its (denoised) lines."""
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
    """Whether a camera took the picture: no colour fills it, few areas are flat, nothing says 'phone screen'."""
    drawn = pixels.paper >= 0.2 or pixels.flat >= 0.35
    return not drawn and pixels.height < _TALL * pixels.width and not has_status_bar(pixels, lines)


def has_status_bar(pixels: PixelStats, lines: Sequence[OcrLine]) -> bool:
    """Whether a clock stands at the very top, as on a phone's screen."""
    limit = _STATUS_BAR * pixels.height
    return any(line.box[3] < limit and _CLOCK.match(line.text.strip()) for line in lines)
