"""What users and cameras do to a screen before it is sent: pen marks, crops, photographs of a phone, scaling."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kdsl.evidence.types import Box
from kdsl.world.screens.screen import DrawnLine, covered_share

Picture = tuple[Image.Image, list[DrawnLine]]


def pen_mark(picture: Picture, rng: random.Random) -> Picture:
    """A hand-drawn ring or underline around something, as users point at what they mean."""
    image, lines = picture
    if not lines:
        return picture
    target = rng.choice(lines).box
    pen = ImageDraw.Draw(image)
    colour = rng.choice(((240, 110, 40), (226, 40, 40), (250, 60, 120), (40, 120, 240)))
    width = max(2, round(image.width / 120))
    grow = image.width * rng.uniform(0.02, 0.12)
    if rng.random() < 0.6:
        middle = ((target[0] + target[2]) / 2, (target[1] + target[3]) / 2)
        radii = ((target[2] - target[0]) / 2 + grow, (target[3] - target[1]) / 2 + grow)
        points = []
        for step in range(26):
            angle = step / 24 * 2 * math.pi
            wobble = 1 + rng.uniform(-0.05, 0.05)
            points.append(
                (middle[0] + math.cos(angle) * radii[0] * wobble, middle[1] + math.sin(angle) * radii[1] * wobble)
            )
        pen.line(points, fill=colour, width=width, joint="curve")
    else:
        pen.line((target[0], target[3] + width, target[2], target[3] + width), fill=colour, width=width)
    return image, lines


def crop(picture: Picture, box: Box) -> Picture:
    """The part of the picture inside `box`; lines less than 60% inside are gone."""
    image, lines = picture
    left, top, right, bottom = (round(value) for value in box)
    kept = [
        replace(line, box=(line.box[0] - left, line.box[1] - top, line.box[2] - left, line.box[3] - top))
        for line in lines
        if covered_share(line.box, (left, top, right, bottom)) > 0.6
    ]
    return image.crop((left, top, right, bottom)), kept


def cut(picture: Picture, rng: random.Random) -> Picture:
    """A crop as users make them: the head or foot gone, or a band with something to read."""
    image, lines = picture
    width, height = image.size
    if rng.random() < 0.65 or len(lines) < 6:
        top = rng.choice((0.0, rng.uniform(0.03, 0.18)))
        bottom = rng.choice((1.0, rng.uniform(0.6, 0.95)))
        return crop(picture, (0, top * height, width, bottom * height))
    middle = rng.choice(lines).box[1]
    tall = rng.uniform(0.22, 0.5) * height
    top = max(0.0, min(middle - tall / 2, height - tall))
    side = rng.choice((0.0, 0.0, 0.03)) * width
    return crop(picture, (side, top, width - side, top + tall))


def photograph(picture: Picture, rng: random.Random) -> Picture:
    """The screen as another camera saw it: tilted, on a dark ground, with noise, uneven light and some blur."""
    image, lines = picture
    angle = rng.uniform(-7, 7)
    ground = tuple(rng.randrange(20, 120) for _ in range(3))
    margin = round(image.width * rng.uniform(0.03, 0.12))
    canvas = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), ground)
    canvas.paste(image, (margin, margin))
    middle = (canvas.width / 2, canvas.height / 2)
    canvas = canvas.rotate(angle, Image.Resampling.BILINEAR, fillcolor=ground)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def moved(line: DrawnLine) -> DrawnLine:
        x = (line.box[0] + line.box[2]) / 2 + margin - middle[0]
        y = (line.box[1] + line.box[3]) / 2 + margin - middle[1]
        at = (x * cosine + y * sine + middle[0], -x * sine + y * cosine + middle[1])
        wide, tall = line.box[2] - line.box[0], line.box[3] - line.box[1] + abs(sine) * (line.box[2] - line.box[0])
        return replace(line, box=(at[0] - wide / 2, at[1] - tall / 2, at[0] + wide / 2, at[1] + tall / 2))

    return camera(canvas, rng), [moved(line) for line in lines]


def camera(image: Image.Image, rng: random.Random) -> Image.Image:
    """Sensor noise, a fall of light across the picture and a little blur."""
    noise = np.random.default_rng(rng.randrange(1 << 32))
    if rng.random() < 0.7:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2) * image.width / 360))
    pixels = np.asarray(image, np.float32)  # (H, W, 3)
    height, width = pixels.shape[:2]
    slope = np.linspace(rng.uniform(0.65, 1.0), rng.uniform(0.8, 1.15), height, dtype=np.float32)[:, None]
    slope = slope * np.linspace(rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.1), width, dtype=np.float32)[None, :]
    grain = noise.standard_normal((height // 2 + 1, width // 2 + 1), np.float32) * rng.uniform(2, 9)
    grain = grain.repeat(2, 0).repeat(2, 1)[:height, :width]
    lit = pixels * slope[:, :, None] + grain[:, :, None]
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def finish(picture: Picture, rng: random.Random, *, keep: bool = False) -> Picture:
    """Let chance do to a screenshot what users do; with `keep` (photos and pages that are cut already) less."""
    if rng.random() < 0.08:
        picture = pen_mark(picture, rng)
    if not keep and rng.random() < 0.2:
        picture = cut(picture, rng)
    if not keep and rng.random() < 0.05:
        picture = photograph(picture, rng)
    return picture
