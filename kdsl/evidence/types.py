"""`Evidence`: a sample together with what was observed in its pictures (OCR lines, facts) without any model call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kdsl.data.picture_view import PictureView
from kdsl.data.sample import Sample
from kdsl.runs import digest

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class OcrLine:
    """One line of text in a picture; `box` is (left, top, right, bottom) in pixels, `score` in 0..1."""

    text: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """Properties of a picture that need no model; numbers are shares in 0..1 unless stated otherwise."""

    kind: Literal["screenshot", "photo"]
    has_text: bool
    overlay: bool
    """A popup-like panel covers part of a darkened page."""
    dark: bool
    """Most of the picture is dark (a dark theme, or a night photo)."""
    aspect: float
    """Height over width."""
    text_cover: float
    """Share of the area covered by the boxes of text lines."""
    brightness: float
    saturation: float
    edges: float
    """Share of pixels on strong edges."""
    colours: tuple[float, ...]
    """Shares of the hues red, orange, yellow, green, cyan, blue, purple, pink, then black, grey, white."""
    cells: tuple[float, ...]
    """Colour and contrast of each cell of a coarse grid; see `kdsl.evidence.pixels.PixelStats.cells`."""


UNSEEN = PictureFacts("screenshot", True, False, False, 2.0, 0.0, 0.0, 0.0, 0.0, (0.0,) * 11, (0.0,) * 96)
"""Placeholder facts, for synthetic evidence whose picture is never rendered."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a sample: its path, its size in pixels, its text in reading order, and its facts.

    With a `view` (from augmentation), size and text are those of the view, not of the file.
    """

    name: str
    path: Path
    width: int
    height: int
    lines: tuple[OcrLine, ...]
    facts: PictureFacts
    view: PictureView | None = None

    @property
    def text(self) -> str:
        """The OCR lines, joined by newlines."""
        return "\n".join(line.text for line in self.lines)

    @property
    def max_megapixels(self) -> float:
        """Size of the file's picture when it was observed; a larger one is refused."""
        width, height = self.view.source if self.view else (self.width, self.height)
        return width * height / 1e6 + 0.01  # some tolerance: a difference from rounding must not cause a refusal

    def open(self) -> Image:
        """Decode the file (RGB, upright) and apply `view`.

        Raises:
            InputError: the file is gone, damaged, or larger than the one that was observed.
        """
        from kdsl.data.pictures import open_picture  # here: evidence is read in commands that must start at once

        image = open_picture(self.path.parent, self.path.name, self.max_megapixels)
        return self.view.apply(image) if self.view else image

    def digest(self) -> str:
        """A digest of what was observed; it does not depend on the picture's name or path."""
        return digest(self.width, self.height, self.lines, self.facts, self.view)


Unit = tuple[Literal["line", "turn"], int, int]
"""A part of the evidence that can be hidden: ('line', picture index, line index) or ('turn', 0, turn index)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sample with its observed pictures, in the order of `sample.images`."""

    sample: Sample
    pictures: tuple[Picture, ...]

    @property
    def ocr_text(self) -> str:
        """The text of all pictures, joined by newlines."""
        return "\n".join(picture.text for picture in self.pictures)

    def digest(self, *, label: bool = True) -> str:
        """A digest of the sample and of what was observed in its pictures; equal evidence has equal digests.

        Args:
            label: whether the digest depends on the sample's label.
        """
        sample = self.sample if label else replace(self.sample, label=None)
        return digest(sample, [picture.digest() for picture in self.pictures])

    def units(self) -> list[Unit]:
        """Every OCR line, and every turn with text."""
        lines: list[Unit] = [
            ("line", p, i) for p, picture in enumerate(self.pictures) for i in range(len(picture.lines))
        ]
        turns: list[Unit] = [("turn", 0, i) for i, turn in enumerate(self.sample.turns) if turn.text]
        return lines + turns

    def without(self, hidden: Iterable[Unit]) -> Evidence:
        """The same evidence with some units hidden: lines are dropped, turns become empty."""
        gone = set(hidden)
        pictures = tuple(
            replace(
                picture,
                lines=tuple(line for i, line in enumerate(picture.lines) if ("line", p, i) not in gone),
            )
            for p, picture in enumerate(self.pictures)
        )
        turns = tuple(
            replace(turn, text="") if ("turn", 0, i) in gone else turn for i, turn in enumerate(self.sample.turns)
        )
        return Evidence(replace(self.sample, turns=turns), pictures)
