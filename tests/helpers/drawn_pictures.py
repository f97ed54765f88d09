"""Pictures drawn for the tests: a screen with known text, a popup over it, and a photo-like texture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from kdsl.evidence.types import UNSEEN, Picture
from kdsl.fonts import font_path

SCREEN = ("09:41", "我的订单", "待付款", "合计 ￥128.50", "立即购买")


def seen(folder: Path, image: Image.Image) -> Picture:
    """A picture as it would be observed, without any text, in a file of its own below the folder."""
    path = folder / f"{len(list(folder.iterdir()))}.png"
    image.save(path)
    return Picture(path.name, path, *image.size, (), UNSEEN)


def draw_screen(lines: tuple[str, ...] = SCREEN, size: tuple[int, int] = (540, 1170)) -> Image.Image:
    """A white page with one line of text a row, the first in the status bar."""
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    pen.text((24, 12), lines[0], "black", ImageFont.truetype(font_path(), 26))
    for row, text in enumerate(lines[1:], start=1):
        pen.text((40, row * 110), text, "black", ImageFont.truetype(font_path(), 34))
        pen.line((0, row * 110 + 70, size[0], row * 110 + 70), "#dddddd")
    return page


def draw_popup() -> Image.Image:
    """A screen under a veil, with a white panel in its lower half."""
    page = Image.blend(draw_screen(), Image.new("RGB", (540, 1170), "black"), 0.55)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 640, 540, 1170), "white")
    pen.text((150, 800), "请稍后再试一次", "black", ImageFont.truetype(font_path(), 34))
    return page


def draw_photo(seed: int = 0) -> Image.Image:
    """Smooth shading with grain, 4:3, as a camera makes it and no program draws it."""
    rng = np.random.default_rng(seed)
    shading = Image.fromarray(rng.integers(40, 220, (9, 12, 3), dtype=np.uint8)).resize(
        (800, 600), Image.Resampling.BICUBIC
    )
    grain = rng.normal(0, 9, (600, 800, 1))
    picture = Image.fromarray((np.asarray(shading) + grain).clip(0, 255).astype(np.uint8))
    return picture.filter(ImageFilter.GaussianBlur(0.7))
