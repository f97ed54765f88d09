"""Fonts that ship with kdsl, so that nothing it draws depends on the fonts of a machine.

- kdsl-sans.otf, 'kdsl Sans': a subset of Noto Sans CJK SC Regular, (c) Adobe, SIL Open Font License 1.1
  (LICENSE-OFL.txt);
- kdsl-hei.ttf, 'kdsl Hei': a subset of WenQuanYi Micro Hei, (c) the WenQuanYi Project and Google Corporation,
  used under the Apache License 2.0 (LICENSE-kdsl-hei.txt).

Both hold GB2312's hanzi, ASCII, full-width forms and the symbols that apps use; scripts/subset_font.py makes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Face = Literal["sans", "hei"]

_FILES: dict[Face, str] = {"sans": "kdsl-sans.otf", "hei": "kdsl-hei.ttf"}


def font_path(face: Face = "sans") -> Path:
    """The file of a face, for Pillow's `ImageFont.truetype` or matplotlib's `font_manager.addfont`."""
    return Path(__file__).resolve().parent / _FILES[face]
