"""Draw a contact sheet of the synthetic world's screens: one of each label, under the label's name.

Run: python scripts/world_sheet.py --out docs/pictures/world.png
The same seed gives the same sheet.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kdsl.fonts import font_path
from kdsl.world.screens import draw_screen, families

CELL = (150, 326)
"""Width and height of a cell in pixels, its label included."""
COLUMNS = 12
TITLE = 22


def sheet(seed: int) -> Image.Image:
    """The contact sheet: of each label one family of layouts, by lot."""
    drawn = families()
    rows = -(-len(drawn) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]), "white")
    pen = ImageDraw.Draw(image)
    face = ImageFont.truetype(str(font_path()), 13)
    for n, (label, entries) in enumerate(drawn.items()):
        x, y = n % COLUMNS * CELL[0] + 4, n // COLUMNS * CELL[1]
        pen.text((x, y + 3), label.replace("物流页面-", "")[:9], fill="black", font=face)
        rng = random.Random(f"{seed}/{label}")
        screen = draw_screen(label, rng, family=rng.choice(entries).name).image
        screen.thumbnail((CELL[0] - 8, CELL[1] - TITLE - 6), Image.Resampling.LANCZOS)
        image.paste(screen, (x, y + TITLE))
    return image


def main() -> None:
    """Write the sheet, with a palette, to stay small."""
    parser = argparse.ArgumentParser(description="Contact sheet of the synthetic screens.")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/world.png"))
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    small = sheet(arguments.seed).quantize(96, dither=Image.Dither.NONE)
    small.save(arguments.out, optimize=True)
    print(f"{arguments.out}: {small.size}, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
