"""Product pictures: simple shapes that give a thumbnail, a main image or a photo its colours and outlines."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageDraw

from kdsl.evidence.types import Box
from kdsl.world.screens.display_list import Canvas
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix

Pen = ImageDraw.ImageDraw
Shape = Callable[[Pen, Box, Colour, Colour], None]


def _at(box: Box, left: float, top: float, right: float, bottom: float) -> Box:
    """A part of `box` given in shares of its sides."""
    width, height = box[2] - box[0], box[3] - box[1]
    return box[0] + left * width, box[1] + top * height, box[0] + right * width, box[1] + bottom * height


def _points(box: Box, *shares: tuple[float, float]) -> list[tuple[float, float]]:
    """Points of `box` given in shares of its sides."""
    return [(box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])) for x, y in shares]


def _bottle(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rectangle(_at(box, 0.42, 0.05, 0.58, 0.2), fill=mix(body, BLACK, 0.35))
    pen.rounded_rectangle(_at(box, 0.3, 0.18, 0.7, 0.97), (box[2] - box[0]) * 0.08, fill=body)
    pen.rectangle(_at(box, 0.34, 0.42, 0.66, 0.75), fill=label)


def _jar(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rectangle(_at(box, 0.22, 0.25, 0.78, 0.42), fill=mix(body, BLACK, 0.4))
    pen.rounded_rectangle(_at(box, 0.18, 0.4, 0.82, 0.9), (box[2] - box[0]) * 0.1, fill=body)
    pen.rectangle(_at(box, 0.3, 0.52, 0.7, 0.78), fill=label)


def _phone(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    radius = (box[2] - box[0]) * 0.07
    pen.rounded_rectangle(_at(box, 0.18, 0.05, 0.52, 0.93), radius, fill=body)
    pen.rounded_rectangle(_at(box, 0.22, 0.09, 0.42, 0.33), radius, fill=mix(body, BLACK, 0.3))
    pen.ellipse(_at(box, 0.25, 0.11, 0.33, 0.19), fill=BLACK)
    pen.ellipse(_at(box, 0.25, 0.21, 0.33, 0.29), fill=BLACK)
    pen.rounded_rectangle(_at(box, 0.45, 0.12, 0.82, 0.97), radius, fill=BLACK)
    pen.rounded_rectangle(_at(box, 0.475, 0.14, 0.795, 0.95), radius * 0.8, fill=label)


def _shirt(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    outline = ((0.35, 0.08), (0.65, 0.08), (0.95, 0.25), (0.86, 0.45), (0.74, 0.38))
    rest = ((0.78, 0.95), (0.22, 0.95), (0.26, 0.38), (0.14, 0.45), (0.05, 0.25))
    pen.polygon(_points(box, *outline, *rest), fill=body)
    pen.pieslice(_at(box, 0.38, 0.0, 0.62, 0.2), 0, 180, fill=label)


def _trousers(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    shares = ((0.28, 0.05), (0.72, 0.05), (0.8, 0.95), (0.56, 0.95), (0.5, 0.35), (0.44, 0.95), (0.2, 0.95))
    pen.polygon(_points(box, *shares), fill=body)
    pen.rectangle(_at(box, 0.28, 0.05, 0.72, 0.12), fill=label)


def _shoe(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.polygon(
        _points(box, (0.08, 0.3), (0.35, 0.28), (0.55, 0.5), (0.92, 0.58), (0.95, 0.72), (0.06, 0.72)), fill=body
    )
    pen.rounded_rectangle(_at(box, 0.05, 0.7, 0.97, 0.82), (box[3] - box[1]) * 0.05, fill=label)
    for share in (0.38, 0.45, 0.52):
        pen.line(_points(box, (share, 0.36), (share - 0.08, 0.48)), fill=WHITE, width=2)


def _cup(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.arc(_at(box, 0.58, 0.35, 0.92, 0.75), 260, 100, fill=body, width=max(2, int((box[2] - box[0]) * 0.06)))
    pen.polygon(_points(box, (0.2, 0.18), (0.72, 0.18), (0.66, 0.9), (0.26, 0.9)), fill=body)
    pen.ellipse(_at(box, 0.2, 0.12, 0.72, 0.24), fill=label)


def _washer(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rounded_rectangle(_at(box, 0.15, 0.08, 0.85, 0.95), (box[2] - box[0]) * 0.04, fill=body)
    pen.rectangle(_at(box, 0.15, 0.08, 0.85, 0.22), fill=mix(body, BLACK, 0.25))
    pen.ellipse(_at(box, 0.27, 0.34, 0.73, 0.82), fill=mix(body, BLACK, 0.45))
    pen.ellipse(_at(box, 0.33, 0.4, 0.67, 0.76), fill=label)


def _fridge(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rectangle(_at(box, 0.24, 0.03, 0.76, 0.97), fill=body)
    pen.line(_points(box, (0.24, 0.4), (0.76, 0.4)), fill=mix(body, BLACK, 0.5), width=2)
    pen.line(_points(box, (0.5, 0.03), (0.5, 0.97)), fill=mix(body, BLACK, 0.5), width=2)
    pen.rectangle(_at(box, 0.3, 0.15, 0.42, 0.26), fill=label)


def _lamp(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.ellipse(_at(box, 0.06, 0.2, 0.94, 0.84), fill=mix(body, BLACK, 0.3))
    pen.ellipse(_at(box, 0.1, 0.16, 0.9, 0.78), fill=body)
    pen.ellipse(_at(box, 0.32, 0.32, 0.68, 0.6), fill=label)


def _pack(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.polygon(_points(box, (0.16, 0.08), (0.84, 0.08), (0.9, 0.95), (0.1, 0.95)), fill=body)
    pen.rectangle(_at(box, 0.16, 0.08, 0.84, 0.15), fill=mix(body, WHITE, 0.5))
    pen.ellipse(_at(box, 0.26, 0.3, 0.74, 0.7), fill=label)
    pen.rectangle(_at(box, 0.2, 0.78, 0.8, 0.86), fill=mix(body, BLACK, 0.3))


def _box(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.polygon(_points(box, (0.08, 0.35), (0.5, 0.48), (0.5, 0.95), (0.08, 0.8)), fill=mix(body, BLACK, 0.2))
    pen.polygon(_points(box, (0.92, 0.35), (0.5, 0.48), (0.5, 0.95), (0.92, 0.8)), fill=body)
    pen.polygon(_points(box, (0.08, 0.35), (0.5, 0.22), (0.92, 0.35), (0.5, 0.48)), fill=mix(body, WHITE, 0.3))
    pen.polygon(_points(box, (0.6, 0.55), (0.84, 0.48), (0.84, 0.66), (0.6, 0.74)), fill=label)


def _earphones(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rounded_rectangle(_at(box, 0.2, 0.5, 0.8, 0.92), (box[2] - box[0]) * 0.15, fill=body)
    for left in (0.28, 0.56):
        pen.ellipse(_at(box, left, 0.12, left + 0.17, 0.32), fill=label)
        pen.rectangle(_at(box, left + 0.06, 0.26, left + 0.13, 0.5), fill=label)


def _chair(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.rounded_rectangle(_at(box, 0.28, 0.05, 0.7, 0.55), (box[2] - box[0]) * 0.07, fill=body)
    pen.rectangle(_at(box, 0.2, 0.55, 0.8, 0.66), fill=label)
    for share in (0.24, 0.48, 0.72):
        pen.rectangle(_at(box, share, 0.66, share + 0.05, 0.96), fill=mix(body, BLACK, 0.4))


def _book(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.polygon(_points(box, (0.22, 0.1), (0.74, 0.06), (0.8, 0.92), (0.28, 0.96)), fill=body)
    pen.rectangle(_at(box, 0.34, 0.2, 0.68, 0.38), fill=label)
    pen.line(_points(box, (0.27, 0.1), (0.33, 0.95)), fill=mix(body, BLACK, 0.4), width=2)


def _bag(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    pen.arc(_at(box, 0.35, 0.02, 0.65, 0.35), 180, 360, fill=mix(body, BLACK, 0.4), width=3)
    pen.rounded_rectangle(_at(box, 0.18, 0.16, 0.82, 0.95), (box[2] - box[0]) * 0.14, fill=body)
    pen.rounded_rectangle(_at(box, 0.27, 0.55, 0.73, 0.88), (box[2] - box[0]) * 0.08, fill=label)


def _fruit(pen: Pen, box: Box, body: Colour, label: Colour) -> None:
    for left, top in ((0.05, 0.35), (0.45, 0.4), (0.25, 0.08)):
        pen.ellipse(_at(box, left, top, left + 0.5, top + 0.5), fill=mix(body, BLACK, left * 0.4))
        pen.ellipse(_at(box, left + 0.1, top + 0.1, left + 0.22, top + 0.2), fill=label)


SHAPES: dict[str, Shape] = {
    "bottle": _bottle,
    "jar": _jar,
    "phone": _phone,
    "shirt": _shirt,
    "trousers": _trousers,
    "shoe": _shoe,
    "cup": _cup,
    "washer": _washer,
    "fridge": _fridge,
    "lamp": _lamp,
    "pack": _pack,
    "box": _box,
    "earphones": _earphones,
    "chair": _chair,
    "book": _book,
    "bag": _bag,
    "fruit": _fruit,
}


def vivid(rng: random.Random) -> Colour:
    """A colour of a product."""
    return rng.randrange(30, 245), rng.randrange(30, 245), rng.randrange(30, 245)


@dataclass(slots=True)
class Thing:
    """A product picture: a plain or two-tone ground with one drawn object on it."""

    box: Box
    shape: str
    seed: int
    ground: bool = True

    def paint(self, canvas: Canvas) -> None:
        """Draw ground and object; the same seed gives the same picture at every scale."""
        rng = random.Random(self.seed)
        box = canvas.px(self.box)
        if box[2] - box[0] < 4 or box[3] - box[1] < 4:
            return
        body, label, back = vivid(rng), vivid(rng), mix(vivid(rng), WHITE, rng.choice((0.2, 0.7, 0.9)))
        if self.ground:
            canvas.draw.rectangle(box, fill=back)
            if rng.random() < 0.4:
                canvas.draw.rectangle(_at(box, 0, 0.72, 1, 1), fill=mix(back, BLACK, 0.15))
        side = min(box[2] - box[0], box[3] - box[1]) * rng.uniform(0.7, 0.95)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        inner = (middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2)
        SHAPES[self.shape](canvas.draw, inner, body, label)
        canvas.cover(box)
