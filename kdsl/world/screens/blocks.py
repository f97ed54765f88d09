"""Small arrangements that pages of many apps share: forms, choices, icon grids, progress bars, speech bubbles."""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix
from kdsl.world.screens.things import vivid
from kdsl.world.screens.toolkit import heading, note, pair


def rows(page: Page, *entries: tuple[str, str], private: Sequence[str] = (), keep: float = 1.0) -> None:
    """Pairs of key and value in a card; each stays with the chance `keep`."""
    with page.card():
        for key, value in entries:
            if keep == 1.0 or page.words.chance(keep):
                pair(page, key, value, private=key in private)


def choices(page: Page, texts: Sequence[str], *, title: str = "", marked: int | None = None, mark: str = "○") -> None:
    """Texts to choose from, one a row, with a mark at the right edge."""
    if title:
        heading(page, title)
    for index, text in enumerate(texts):
        page.text(page.left, page.y + 5, text, 14, width=page.right - page.left - 30)
        chosen = index == marked
        ink = page.theme.accent if chosen else page.theme.muted
        page.text(page.right, page.y + 5, "●" if chosen else mark, 14, ink, align="r")
        page.y += 30


def sections(page: Page, *parts: tuple[str, str]) -> None:
    """Headings with a paragraph each."""
    for title, text in parts:
        heading(page, title)
        note(page, text, colour=page.theme.ink)


def upload(page: Page, hint: str, tip: str = "", count: str = "0/200") -> None:
    """A field for words and a place for pictures."""
    ground = mix(page.theme.card, BLACK, 0.04)
    page.fill(page.left, page.y, page.right, page.y + 74, ground, 6)
    page.paragraph(page.left + 8, page.y + 8, hint, 13, page.theme.muted, width=page.right - page.left - 20, most=2)
    page.text(page.right - 8, page.y + 56, count, 11, page.theme.muted, align="r")
    page.y += 82
    page.fill(page.left, page.y, page.left + 70, page.y + 70, ground, 6)
    page.text(page.left + 35, page.y + 14, "+", 22, page.theme.muted, align="c")
    page.text(page.left + 35, page.y + 46, tip or "上传图片", 11, page.theme.muted, align="c", width=68)
    page.y += 78


def steps_bar(page: Page, texts: Sequence[str], done: int) -> None:
    """Steps from left to right, those before `done` in the accent."""
    step = (page.right - page.left) / len(texts)
    for index, text in enumerate(texts):
        x = page.left + step * (index + 0.5)
        ink = page.theme.accent if index <= done else page.theme.muted
        if index:
            page.stroke((x - step + 9, page.y + 9), (x - 9, page.y + 9), colour=ink)
        page.oval(x, page.y + 9, 7, ink if index <= done else None, ink)
        page.text(x, page.y + 22, text, 11, ink, align="c", width=step - 2)
    page.y += 46


def icons(page: Page, names: Sequence[str], columns: int = 4, *, ink: Colour | None = None) -> None:
    """A grid of round icons with a word below each."""
    step = (page.right - page.left) / columns
    for index, name in enumerate(names):
        x, y = page.left + step * (index % columns + 0.5), page.y + 56 * (index // columns)
        page.oval(x, y + 16, 14, vivid(page.rng))
        page.text(x, y + 35, name, 11, ink, align="c", width=step - 2)
    page.y += 56 * -(-len(names) // columns) + 4


def centre(page: Page, text: str, size: int = 15, colour: Colour | None = None, *, bold: bool = False) -> None:
    """A line in the middle of the page."""
    page.text(WIDTH / 2, page.y, text, size, colour, align="c", bold=bold, width=WIDTH - 24)
    page.y += size + 10


def bubble(page: Page, text: str, *, mine: bool = False, colour: Colour | None = None) -> None:
    """One message of a chat with its avatar."""
    lines = page.lines(text, 14, 210)
    width = min(len(text), 15) * 14.5 + 22
    left = WIDTH - 52 - width if mine else 52
    back = colour or ((255, 214, 170) if mine else page.theme.card)
    page.oval(WIDTH - 28 if mine else 28, page.y + 17, 16, vivid(page.rng))
    page.fill(left, page.y, left + width, page.y + 14 + 21 * len(lines), back, 8)
    ink = (30, 30, 32) if mine or colour or not page.theme.dark else None
    for index, line in enumerate(lines):
        page.text(left + 11, page.y + 8 + 21 * index, line, 14, ink)
    page.y += 26 + 21 * len(lines)


def tiles(page: Page, count: int = 3, *, columns: int = 3, labels: Sequence[str] = ()) -> None:
    """Pictures of goods side by side, with a line under each."""
    step = (page.right - page.left) / columns
    tall = step + (20 if labels else 0)
    for index in range(count):
        x, y = page.left + step * (index % columns), page.y + tall * (index // columns)
        page.thing(x + 2, y, x + step - 4, y + step - 6)
        if labels:
            page.text(x + step / 2, y + step - 2, labels[index % len(labels)], 11, align="c", width=step - 6)
    page.y += tall * -(-count // columns) + 4


def band(page: Page, text: str, colour: Colour, height: float = 40, size: int = 16) -> None:
    """A coloured band across the page with white words."""
    page.fill(0, page.y, WIDTH, page.y + height, colour)
    page.text(WIDTH / 2, page.y + (height - size) / 2, text, size, WHITE, align="c", bold=True, width=WIDTH - 20)
    page.y += height
