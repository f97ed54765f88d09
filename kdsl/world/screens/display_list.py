"""The display list: what a page draws, in logical points (360 wide), painted at any scale.

Every opaque operation takes away the text lines that it covers, so that the lines left at the end
are those a reader sees.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kdsl.evidence.types import Box
from kdsl.fonts import Face, font_path
from kdsl.world.screens.screen import DrawnLine, covered_share
from kdsl.world.screens.theme import Colour


@lru_cache(maxsize=256)
def font(face: Face, pixels: int) -> ImageFont.FreeTypeFont:
    """A face at a size in pixels, kept open."""
    return ImageFont.truetype(str(font_path(face)), pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=16384)
def text_width(text: str, size: int, face: Face = "sans") -> float:
    """Width of `text` at a font size, both in points."""
    return float(font(face, size).getlength(text))


@dataclass(slots=True)
class Canvas:
    """The picture under work; `scale` is pixels per point."""

    image: Image.Image
    scale: float
    face: Face
    lines: list[DrawnLine] = field(default_factory=list)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.image)

    def px(self, box: Box) -> Box:
        """A box of points in pixels."""
        left, top, right, bottom = (value * self.scale for value in box)
        return left, top, right, bottom

    def cover(self, box: Box) -> None:
        """Forget the lines that an opaque shape (in pixels) hides by half or more."""
        self.lines = [line for line in self.lines if covered_share(line.box, box) < 0.5]


class Op(Protocol):
    """Something that paints itself."""

    def paint(self, canvas: Canvas) -> None:
        """Draw on the canvas and keep its lines true."""


@dataclass(slots=True)
class Fill:
    """A rectangle, with round corners if `radius` is given. Without a fill it is a frame and hides nothing."""

    box: Box
    fill: Colour | None
    radius: float = 0
    outline: Colour | None = None
    width: float = 1

    def paint(self, canvas: Canvas) -> None:
        """Draw the rectangle."""
        box = canvas.px(self.box)
        if box[2] <= box[0] or box[3] <= box[1]:
            return
        pen = max(1, round(self.width * canvas.scale)) if self.outline else 0
        radius = min(self.radius * canvas.scale, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
        if radius >= 1:
            canvas.draw.rounded_rectangle(box, radius, fill=self.fill, outline=self.outline, width=pen)
        else:
            canvas.draw.rectangle(box, fill=self.fill, outline=self.outline, width=pen)
        if self.fill is not None:
            canvas.cover(box)


@dataclass(slots=True)
class Oval:
    """An ellipse or circle."""

    box: Box
    fill: Colour | None
    outline: Colour | None = None
    width: float = 1

    def paint(self, canvas: Canvas) -> None:
        """Draw the ellipse."""
        pen = max(1, round(self.width * canvas.scale)) if self.outline else 0
        canvas.draw.ellipse(canvas.px(self.box), fill=self.fill, outline=self.outline, width=pen)


@dataclass(slots=True)
class Stroke:
    """A line through points."""

    points: list[tuple[float, float]]
    colour: Colour
    width: float = 1

    def paint(self, canvas: Canvas) -> None:
        """Draw the line."""
        points = [(x * canvas.scale, y * canvas.scale) for x, y in self.points]
        canvas.draw.line(points, fill=self.colour, width=max(1, round(self.width * canvas.scale)), joint="curve")


@dataclass(slots=True)
class Polygon:
    """A filled polygon."""

    points: list[tuple[float, float]]
    fill: Colour

    def paint(self, canvas: Canvas) -> None:
        """Draw the polygon."""
        canvas.draw.polygon([(x * canvas.scale, y * canvas.scale) for x, y in self.points], fill=self.fill)


@dataclass(slots=True)
class Gradient:
    """A rectangle whose colour runs from `top` to `bottom`."""

    box: Box
    top: Colour
    bottom: Colour

    def paint(self, canvas: Canvas) -> None:
        """Paste a one-pixel ramp, stretched."""
        left, top, right, bottom = (round(value) for value in canvas.px(self.box))
        if right <= left or bottom <= top:
            return
        ramp = np.linspace(self.top, self.bottom, 32)[:, None, :].astype(np.uint8)  # (32, 1, 3)
        strip = Image.fromarray(ramp).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
        canvas.image.paste(strip, (left, top))
        canvas.cover((left, top, right, bottom))


@dataclass(slots=True)
class Veil:
    """Darkens everything drawn so far inside `box`, as behind a dialog."""

    box: Box
    strength: float = 0.55

    def paint(self, canvas: Canvas) -> None:
        """Multiply the pixels; text stays readable to OCR, so lines stay."""
        left, top, right, bottom = (round(value) for value in canvas.px(self.box))
        area = (max(left, 0), max(top, 0), min(right, canvas.image.width), min(bottom, canvas.image.height))
        if area[2] <= area[0] or area[3] <= area[1]:
            return
        part = canvas.image.crop(area)
        canvas.image.paste(Image.eval(part, lambda value: int(value * (1 - self.strength))), area[:2])


@dataclass(slots=True)
class Write:
    """One line of text; (x, y) is the top left corner of its first character's em box."""

    x: float
    y: float
    text: str
    size: int
    colour: Colour
    bold: bool = False
    private: bool = False
    """Users paint such text over before they send a picture: names, addresses, numbers, titles."""

    @property
    def box(self) -> Box:
        """Place in points."""
        return self.x, self.y, self.x + text_width(self.text, self.size), self.y + self.size

    def paint(self, canvas: Canvas) -> None:
        """Draw the text and note the line."""
        pixels = max(6, round(self.size * canvas.scale))
        face = font(canvas.face, pixels)
        at = (self.x * canvas.scale, (self.y + 0.88 * self.size) * canvas.scale)
        canvas.draw.text(at, self.text, font=face, fill=self.colour, anchor="ls")
        if self.bold:
            canvas.draw.text((at[0] + 0.045 * pixels, at[1]), self.text, font=face, fill=self.colour, anchor="ls")
        right = at[0] + float(face.getlength(self.text))
        box = (at[0], self.y * canvas.scale, right, (self.y + self.size) * canvas.scale)
        if self.text.strip():
            canvas.lines.append(DrawnLine(self.text, box))


@dataclass(slots=True)
class Smear:
    """The blocks that an eraser or a mosaic brush leaves over a line of text."""

    box: Box
    seed: int

    def paint(self, canvas: Canvas) -> None:
        """Cover the line with irregular bars of near-black, grey and near-white."""
        rng = random.Random(self.seed)
        left, top, right, bottom = canvas.px(self.box)
        tall = bottom - top
        canvas.draw.rectangle(
            (left - 1, top - 1, right + 1, bottom + 1), fill=(200, 200, 202) if rng.random() < 0.5 else None
        )
        x = left - 2
        while x < right:
            step = tall * rng.uniform(0.4, 2.2)
            shade = rng.choice((20, 40, 60, 90, 150, 225, 245))
            y = top + rng.uniform(-0.25, 0.15) * tall
            canvas.draw.rectangle((x, y, min(x + step, right + 2), y + tall * rng.uniform(0.8, 1.2)), fill=(shade,) * 3)
            x += step * rng.uniform(0.8, 1.1)
        canvas.cover((left - 2, top - 2, right + 2, bottom + 2))
