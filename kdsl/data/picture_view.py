"""`PictureView`: an augmentation of a picture: rotation, crop, brightness, noise. The file itself is not changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageEnhance

GRAIN = 256
"""Grains of noise along a picture's longer side; finer ones would be gone once it is resized for a model."""


@dataclass(frozen=True, slots=True)
class PictureView:
    """The transformations of a decoded picture, in this order; equal views of one file give equal pixels."""

    source: tuple[int, int]
    """Width and height, in pixels, of the picture that the view is taken of."""
    angle: float
    """Degrees, counter-clockwise, about the middle; corners are filled with the picture's mean colour."""
    crop: tuple[int, int, int, int]
    """(left, top, right, bottom) in pixels of the source."""
    brightness: float
    contrast: float
    colour: float
    """Factors; 1 leaves the picture as it is."""
    noise: float
    """Standard deviation of grey noise, in 0..255."""
    noise_seed: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is seen."""
        left, top, right, bottom = self.crop
        return right - left, bottom - top

    def apply(self, image: Image.Image) -> Image.Image:
        """The view of a picture (RGB) of the size `source`."""
        mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        image = image.rotate(self.angle, Image.Resampling.BILINEAR, fillcolor=mean).crop(self.crop)
        image = ImageEnhance.Brightness(image).enhance(self.brightness)
        image = ImageEnhance.Contrast(image).enhance(self.contrast)
        image = ImageEnhance.Color(image).enhance(self.colour)
        return self._noisy(image) if self.noise else image

    def move(self, x: float, y: float) -> tuple[float, float]:
        """The position in the view of a point of the source."""
        middle_x, middle_y = self.source[0] / 2, self.source[1] / 2
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        x, y = x - middle_x, y - middle_y
        return x * cosine + y * sine + middle_x - self.crop[0], y * cosine - x * sine + middle_y - self.crop[1]

    def _noisy(self, image: Image.Image) -> Image.Image:
        import numpy as np  # here: samples are described in commands that must start at once

        share = min(1.0, GRAIN / max(image.size))
        shape = (math.ceil(image.height * share), math.ceil(image.width * share))
        grain = np.random.default_rng(self.noise_seed).normal(0, self.noise, shape).astype(np.float32)
        grown = Image.fromarray(grain).resize(image.size, Image.Resampling.NEAREST)
        noisy = np.asarray(image, np.float32) + np.asarray(grown)[:, :, None]  # [h, w, 3]
        return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
