"""Screens of the synthetic world: pictures for every scene label, drawn from layout families.

`draw_screen(label, rng)` picks a family of the label, lets it fill a page, paints the page and does to it
what users do (paint private text over, crop, mark, photograph). The lines that come back are those that
can be read in the final picture. All is drawn from `rng`: one seed, one picture.

The families stand in one table (`kdsl.world.screens.table`), which is imported when the first screen is drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from kdsl.errors import InputError, did_you_mean
from kdsl.world.screens.finish import finish
from kdsl.world.screens.page import Entry, Page
from kdsl.world.screens.screen import DrawnLine, Screen

__all__ = ["DrawnLine", "Screen", "draw_screen", "families"]


def families() -> Mapping[str, tuple[Entry, ...]]:
    """All families by label, in their order."""
    from kdsl.world.screens.table import FAMILIES

    return FAMILIES


def draw_screen(
    label: str, rng: random.Random, scale: float = 1.0, family: str | None = None, blind: bool = False
) -> Screen:
    """Draw one screen.

    Args:
        label: a scene label, such as '退款页面'.
        rng: the source of everything random.
        scale: pixels per point; a phone's page is 360 points wide. 1 suits training, 2 suits real OCR.
        family: draw this layout family instead of a random one of the label.
        blind: draw a random one of those that were written without sight of the challenge's samples.

    Raises:
        InputError: no family draws the label, or the label has no such family.
    """
    known = families()
    if label not in known:
        raise InputError(f"no screen can be drawn for '{label}'.{did_you_mean(label, known)}")
    entries = known[label]
    if family is not None:
        entries = tuple(entry for entry in entries if entry.name == family)
        if not entries:
            names = ", ".join(entry.name for entry in known[label])
            raise InputError(f"'{label}' has no layout family '{family}'; it has: {names}")
    if blind:
        entries = tuple(entry for entry in entries if entry.blind)
    entry = rng.choices(entries, [entry.weight for entry in entries])[0]
    page = Page(rng, entry.app)
    entry.draw(page, page.words)
    page.fill_room()
    image, lines = finish(page.paint(scale), rng, keep=page.photo or page.popup)
    inside = [line for line in lines if _readable(line, image.width, image.height)]
    inside.sort(key=lambda line: (round(line.box[1] / (8 * scale)), line.box[0]))
    return Screen(image, tuple(inside), entry.name)


def _readable(line: DrawnLine, width: int, height: int) -> bool:
    """Most of the line lies inside the picture."""
    left, top, right, bottom = line.box
    seen = (min(right, width) - max(left, 0)) * (min(bottom, height) - max(top, 0))
    return min(right, width) > max(left, 0) and bottom > top and seen >= 0.6 * (right - left) * (bottom - top)
