"""Draw a contact sheet of the synthetic world's screens: one layout family a cell, a column a label.

Run: python scripts/world_sheet.py --out docs/pictures/world.png
The same seed gives the same sheet.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kdsl.data.world.screens import draw_screen, families
from kdsl.fonts import font_path

CELL = (76, 158)
"""Width and height of a cell in pixels."""
ROWS = 8
"""Families shown of each label; some labels have more."""


def sheet(seed: int) -> Image.Image:
    """The contact sheet: families of a label stand one below the other, under the label's number and name."""
    drawn = families()
    image = Image.new("RGB", (len(drawn) * CELL[0], 18 + ROWS * CELL[1]), "white")
    pen = ImageDraw.Draw(image)
    face = ImageFont.truetype(str(font_path()), 9)
    for column, (label, entries) in enumerate(drawn.items()):
        pen.text((column * CELL[0] + 2, 3), label.replace("物流页面-", "")[:8], fill="black", font=face)
        for row, entry in enumerate(entries[:ROWS]):
            screen = draw_screen(label, random.Random(f"{seed}/{entry.name}"), family=entry.name).image
            screen.thumbnail((CELL[0] - 4, CELL[1] - 4), Image.Resampling.LANCZOS)
            image.paste(screen, (column * CELL[0] + 2, 18 + row * CELL[1]))
    return image


def main() -> None:
    """Write the sheet, with a palette, to stay small."""
    parser = argparse.ArgumentParser(description="Contact sheet of the synthetic screens.")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/world.png"))
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    small = sheet(arguments.seed).quantize(48, dither=Image.Dither.NONE)
    small.save(arguments.out, optimize=True)
    print(f"{arguments.out}: {small.size}, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
