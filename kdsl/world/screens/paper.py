"""What a page is drawn on: a display list with a writing position, a theme and words, filled from the top down."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from kdsl.fonts import Face
from kdsl.world.screens.display_list import Canvas, Fill, Gradient, Op, Oval, Smear, Stroke, Veil, Write, text_width
from kdsl.world.screens.product_pictures import SHAPES, Thing
from kdsl.world.screens.screen import DrawnLine
from kdsl.world.screens.theme import App, Colour, Theme, pick_theme
from kdsl.world.screens.words import Words

WIDTH = 360
"""Width of every page in points."""
MARGIN = 12


class Paper:
    """One screen in points, `WIDTH` wide and `height` high. `y` is where the next part goes."""

    def __init__(self, rng: random.Random, app: App = "taobao", height: int | None = None) -> None:
        """Args: rng: the screen's generator; app: whose theme; height: in points (a phone's by default)."""
        self.rng = rng
        self.height = height or rng.choice((640, 720, 760, 780, 780, 800))
        self.theme: Theme = pick_theme(app, rng)
        self.words = Words(rng)
        self.face: Face = "sans" if rng.random() < 0.67 else "hei"
        self.ops: list[Op] = []
        self.y: float = 0
        self.left: float = MARGIN
        self.right: float = WIDTH - MARGIN
        self.redacts = rng.random() < 0.8
        """The user painted private text over."""
        self.foot: int | None = None
        """Where in `ops` the bar at the bottom begins; what comes later would hide it."""
        self.popup = False
        """Something floats over the page and tells what it is about: finishing must not cut it away."""
        self.photo = False
        """Drawn as a photo by a camera, not as a screenshot: finishing leaves bars and crops alone."""

    @property
    def full(self) -> bool:
        """No room is left."""
        return self.y >= self.height

    def paint(self, scale: float) -> tuple[Image.Image, list[DrawnLine]]:
        """The picture at `scale` pixels per point, and its visible lines."""
        size = (round(WIDTH * scale), round(self.height * scale))
        canvas = Canvas(Image.new("RGB", size, self.theme.page), scale, self.face)
        for op in self.ops:
            op.paint(canvas)
            if self.redacts and isinstance(op, Write) and op.private:
                Smear(op.box, self.rng.randrange(1 << 30)).paint(canvas)
        return canvas.image, canvas.lines

    # Drawing at a place -----------------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 13,
        colour: Colour | None = None,
        *,
        align: str = "l",
        bold: bool = False,
        private: bool = False,
        width: float | None = None,
    ) -> float:
        """Write one line with its left, centre or right ('l', 'c', 'r') at `x`; returns its width.

        Text longer than `width` ends in '...', as apps cut it.
        """
        if width is not None and text_width(text, size) > width:
            while len(text) > 1 and text_width(text + "...", size) > width:
                text = text[:-1]
            text += "..."
        extent = text_width(text, size)
        x -= {"l": 0.0, "c": extent / 2, "r": extent}[align]
        self.ops.append(Write(x, y, text, size, colour or self.theme.ink, bold, private))
        return extent

    def centred(
        self,
        y: float,
        text: str,
        size: int = 13,
        colour: Colour | None = None,
        *,
        bold: bool = False,
        private: bool = False,
        width: float | None = None,
    ) -> float:
        """Write one line in the middle of the page; returns its width."""
        return self.text(WIDTH / 2, y, text, size, colour, align="c", bold=bold, private=private, width=width)

    def fill(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour | None,
        radius: float = 0,
        outline: Colour | None = None,
    ) -> None:
        """A filled or framed rectangle."""
        self.ops.append(Fill((left, top, right, bottom), colour, radius, outline))

    def gradient(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """A vertical gradient over the page's whole width."""
        self.ops.append(Gradient((0, top, WIDTH, bottom), first, last))

    def oval(self, x: float, y: float, radius: float, colour: Colour | None, outline: Colour | None = None) -> None:
        """A circle around (x, y)."""
        self.ops.append(Oval((x - radius, y - radius, x + radius, y + radius), colour, outline))

    def stroke(self, *points: tuple[float, float], colour: Colour | None = None, width: float = 1) -> None:
        """A line through points."""
        self.ops.append(Stroke(list(points), colour or self.theme.rule, width))

    def thing(self, left: float, top: float, right: float, bottom: float, shape: str | None = None) -> None:
        """A product picture; a random object if no shape is named."""
        kind = shape or self.rng.choice(sorted(SHAPES))
        self.ops.append(Thing((left, top, right, bottom), kind, self.rng.randrange(1 << 30)))

    def veil(self, strength: float = 0.55) -> None:
        """Darken all so far."""
        self.ops.append(Veil((0, 0, WIDTH, self.height), strength))

    def lines(self, text: str, size: int, width: float) -> list[str]:
        """`text` broken into lines of at most `width` points, between characters as Chinese is."""
        rows, row, used = [], "", 0.0
        for char in text:
            step = text_width(char, size)
            if char == "\n" or (used + step > width and row):
                rows.append(row)
                row, used = "", 0.0
            if char != "\n":
                row, used = row + char, used + step
        return [*rows, row] if row else rows

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 13,
        colour: Colour | None = None,
        *,
        width: float | None = None,
        most: int = 9,
        align: str = "l",
        private: bool = False,
        bold: bool = False,
    ) -> float:
        """Write at most `most` lines; returns the height used."""
        rows = self.lines(text, size, width or self.right - x)
        if len(rows) > most:
            rows = [*rows[: most - 1], rows[most - 1][:-1] + "..."]
        for index, row in enumerate(rows):
            self.text(x, y + index * size * 1.5, row, size, colour, align=align, private=private, bold=bold)
        return len(rows) * size * 1.5

    # Flow -------------------------------------------------------------------------------------------

    def gap(self, points: float = 8) -> None:
        """Leave room."""
        self.y += points

    @contextmanager
    def card(
        self, colour: Colour | None = None, *, inset: float = 8, radius: float = 10, pad: float = 10
    ) -> Iterator[None]:
        """A card behind everything that is added inside the block; its height follows."""
        at, top = len(self.ops), self.y
        left, right = self.left, self.right
        self.left, self.right = inset + MARGIN, WIDTH - inset - MARGIN
        self.y += pad
        yield
        self.y += pad
        box = (inset, top, WIDTH - inset, self.y)
        self.ops.insert(at, Fill(box, colour or self.theme.card, radius))
        self.left, self.right = left, right
        self.y += 8
