"""A contact sheet of augmentation as a PNG: each sample next to its augmented copies, with changes of text marked."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from kdsl.config_file import load_config, load_tasks
from kdsl.data.dialogue import SPEAKERS
from kdsl.data.folders import picture_root
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import read_files
from kdsl.data.sample import Sample
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence, Picture
from kdsl.files import atomic_write
from kdsl.fonts import font_path
from kdsl.models.prompts import PromptPicture
from kdsl.training.augmentation import augmented_copy
from kdsl.words import pieces

CELL = 320
"""Width of a sample or copy, in pixels."""
MARGIN = 14
PICTURE_HEIGHT = 260
MAX_PICTURES = 3
"""Maximum number of pictures per sample."""
MAX_ROWS = 60
"""Maximum rows of text per sample."""
MAX_CHARS = 3000
"""Maximum characters of a sample that are compared: more than its rows can show."""
FONT_SIZE, ROW = 13, 18

Change = Literal["same", "gone", "new"]
_COLOURS: dict[Change, str] = {"same": "#222222", "gone": "#b3261e", "new": "#146c2e"}


@dataclass(frozen=True, slots=True)
class _Glyph:
    x: float
    row: int
    char: str
    change: Change


def write_contact_sheet(
    data: Sequence[Path],
    out: Path,
    n_samples: int,
    *,
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
) -> int:
    """Write a PNG of some samples from files, each with three copies; returns the number of samples."""
    settings = load_config(config, overrides)
    samples = spread(read_files(data, tasks_for(data, load_tasks(settings))), n_samples)
    evidences = observe(samples, picture_root(data, images), settings.evidence, ocr)
    make = settings.training.augment
    rows = [(e, [augmented_copy(e, f"{e.sample.id}+{k}", make, settings.seed) for k in (1, 2, 3)]) for e in evidences]
    atomic_write(out, contact_sheet(rows))
    return len(rows)


def spread(samples: Sequence[Sample], n: int) -> list[Sample]:
    """`n` samples spread evenly over tasks and labels, independent of the order of the samples."""
    ordered = sorted(samples, key=lambda sample: (sample.task, sample.label or "", sample.id))
    return [ordered[i * len(ordered) // n] for i in range(n)] if n < len(ordered) else ordered


def contact_sheet(rows: Sequence[tuple[Evidence, Sequence[Evidence]]]) -> bytes:
    """Draw samples, each with its copies, one sample per row.

    Text that a copy lacks is struck through in red, text that it adds is green. Characters that are not in the shipped
    font are shown as a box.

    Raises:
        InputError: a picture cannot be read.
    """
    drawn = [[_cell(original, original), *(_cell(copy, original) for copy in copies)] for original, copies in rows]
    heights = [max(cell.height for cell in row) for row in drawn]
    width = max(map(len, drawn)) * (CELL + MARGIN) + MARGIN
    sheet = Image.new("RGB", (width, sum(heights) + MARGIN * (len(heights) + 1)), "white")
    pen, y = ImageDraw.Draw(sheet), MARGIN
    for row, height in zip(drawn, heights, strict=True):
        for i, cell in enumerate(row):
            sheet.paste(cell, (MARGIN + i * (CELL + MARGIN), y))
        y += height + MARGIN
        pen.line((0, y - MARGIN // 2, width, y - MARGIN // 2), fill="#c0c0c0")
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def changes(before: str, after: str) -> Iterator[tuple[str, Change]]:
    """The differences of two texts, piece by piece: kept, gone or new. Words are compared as a whole."""
    if before == after:
        yield before, "same"
        return
    old, new = pieces(before), pieces(after)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "".join(old[a:b]), "same"
            continue
        if b > a:
            yield "".join(old[a:b]), "gone"
        if d > c:
            yield "".join(new[c:d]), "new"


def _cell(evidence: Evidence, original: Evidence) -> Image.Image:
    title = f"{evidence.sample.id}  {evidence.sample.task}: {evidence.sample.label or '(no label)'}\n"
    before, after = (_text(shown)[:MAX_CHARS] for shown in (original, evidence))
    glyphs = _flow([(title, "same"), *changes(before, after)])
    shown = [_thumbnail(picture, len(evidence.pictures)) for picture in evidence.pictures[:MAX_PICTURES]]
    top = max((picture.height for picture in shown), default=0)
    rows = max((glyph.row for glyph in glyphs), default=0) + 1
    cell = Image.new("RGB", (CELL, top + 6 + rows * ROW), "white")
    x = 0
    for picture in shown:
        cell.paste(picture, (x, 0))
        x += picture.width + 4
    pen = ImageDraw.Draw(cell)
    for glyph in glyphs:
        y = top + 6 + glyph.row * ROW
        pen.text((glyph.x, y), glyph.char, _COLOURS[glyph.change], _font())
        if glyph.change == "gone":
            pen.line((glyph.x, y + ROW // 2, glyph.x + _advance(glyph.char), y + ROW // 2), fill=_COLOURS["gone"])
    return cell


def _text(evidence: Evidence) -> str:
    """The text that prompts are made of: turns that are not empty, then the lines of each picture."""
    turns = [f"{SPEAKERS[turn.role]}: {turn.text}\n" for turn in evidence.sample.turns if turn.text]
    pictures = [f"[{i}]\n{picture.text}\n" for i, picture in enumerate(evidence.pictures, 1) if picture.lines]
    return "".join(turns + pictures)


def _flow(pieces: Sequence[tuple[str, Change]]) -> list[_Glyph]:
    """Wrap text into rows of a cell's width."""
    glyphs: list[_Glyph] = []
    x, row = 0.0, 0
    for text, change in pieces:
        # a lone surrogate, as JSON can hold it, cannot be drawn
        for char in text.encode("utf-8", "replace").decode():
            step = 0.0 if char == "\n" else _advance(char)
            if char == "\n" or x + step > CELL:
                x, row = 0.0, row + 1
            if row == MAX_ROWS:
                return [*glyphs, _Glyph(0.0, row, "…", "same")]
            if char != "\n":
                glyphs.append(_Glyph(x, row, char, change))
                x += step
    return glyphs


def _thumbnail(picture: Picture, count: int) -> Image.Image:
    room = (CELL - 4 * (min(count, MAX_PICTURES) - 1)) // min(count, MAX_PICTURES)
    scale = min(room / picture.width, PICTURE_HEIGHT / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return PromptPicture(picture, size).open()


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path()), FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)


@cache
def _advance(char: str) -> float:
    return float(_font().getlength(char))
