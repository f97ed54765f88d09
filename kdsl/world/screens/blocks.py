"""Small arrangements that pages of many apps share: forms, choices, icon grids, progress bars, speech bubbles."""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.world.screens.paper import WIDTH
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix
from kdsl.world.screens.toolkit import Toolkit


class Blocks(Toolkit):
    """Paper with these arrangements, too."""

    def rows(self, *entries: tuple[str, str], private: Sequence[str] = (), keep: float = 1.0) -> None:
        """Pairs of key and value in a card; each stays with the chance `keep`."""
        with self.card():
            for key, value in entries:
                if keep == 1.0 or self.words.chance(keep):
                    self.pair(key, value, private=key in private)

    def choices(self, texts: Sequence[str], *, title: str = "", marked: int | None = None, mark: str = "○") -> None:
        """Texts to choose from, one per row, with a mark at the right edge."""
        if title:
            self.heading(title)
        for index, text in enumerate(texts):
            self.text(self.left, self.y + 5, text, 14, width=self.right - self.left - 30)
            chosen = index == marked
            ink = self.theme.accent if chosen else self.theme.muted
            self.text(self.right, self.y + 5, "●" if chosen else mark, 14, ink, align="r")
            self.y += 30

    def sections(self, *parts: tuple[str, str]) -> None:
        """Headings with a paragraph each."""
        for title, text in parts:
            self.heading(title)
            self.note(text, colour=self.theme.ink)

    def upload(self, hint: str, tip: str = "", count: str = "0/200") -> None:
        """A field for words and a place for pictures."""
        ground = mix(self.theme.card, BLACK, 0.04)
        self.fill(self.left, self.y, self.right, self.y + 74, ground, 6)
        self.paragraph(self.left + 8, self.y + 8, hint, 13, self.theme.muted, width=self.right - self.left - 20, most=2)
        self.text(self.right - 8, self.y + 56, count, 11, self.theme.muted, align="r")
        self.y += 82
        self.fill(self.left, self.y, self.left + 70, self.y + 70, ground, 6)
        self.text(self.left + 35, self.y + 14, "+", 22, self.theme.muted, align="c")
        self.text(self.left + 35, self.y + 46, tip or "上传图片", 11, self.theme.muted, align="c", width=68)
        self.y += 78

    def steps_bar(self, texts: Sequence[str], done: int) -> None:
        """Steps from left to right, those before `done` in the accent."""
        step = (self.right - self.left) / len(texts)
        for index, text in enumerate(texts):
            x = self.left + step * (index + 0.5)
            ink = self.theme.accent if index <= done else self.theme.muted
            if index:
                self.stroke((x - step + 9, self.y + 9), (x - 9, self.y + 9), colour=ink)
            self.oval(x, self.y + 9, 7, ink if index <= done else None, ink)
            self.text(x, self.y + 22, text, 11, ink, align="c", width=step - 2)
        self.y += 46

    def icons(self, names: Sequence[str], columns: int = 4, *, ink: Colour | None = None) -> None:
        """A grid of round icons with a word below each."""
        step = (self.right - self.left) / columns
        for index, name in enumerate(names):
            x, y = self.left + step * (index % columns + 0.5), self.y + 56 * (index // columns)
            self.oval(x, y + 16, 14, vivid(self.rng))
            self.text(x, y + 35, name, 11, ink, align="c", width=step - 2)
        self.y += 56 * -(-len(names) // columns) + 4

    def centre(self, text: str, size: int = 15, colour: Colour | None = None, *, bold: bool = False) -> None:
        """A line in the middle of the self."""
        self.centred(self.y, text, size, colour, bold=bold, width=WIDTH - 24)
        self.y += size + 10

    def bubble(self, text: str, *, mine: bool = False, colour: Colour | None = None) -> None:
        """One message of a chat with its avatar."""
        lines = self.lines(text, 14, 210)
        width = min(len(text), 15) * 14.5 + 22
        left = WIDTH - 52 - width if mine else 52
        back = colour or ((255, 214, 170) if mine else self.theme.card)
        self.oval(WIDTH - 28 if mine else 28, self.y + 17, 16, vivid(self.rng))
        self.fill(left, self.y, left + width, self.y + 14 + 21 * len(lines), back, 8)
        ink = (30, 30, 32) if mine or colour or not self.theme.dark else None
        for index, line in enumerate(lines):
            self.text(left + 11, self.y + 8 + 21 * index, line, 14, ink)
        self.y += 26 + 21 * len(lines)

    def tiles(self, count: int = 3, *, columns: int = 3, labels: Sequence[str] = ()) -> None:
        """Pictures of goods side by side, with a line under each."""
        step = (self.right - self.left) / columns
        tall = step + (20 if labels else 0)
        for index in range(count):
            x, y = self.left + step * (index % columns), self.y + tall * (index // columns)
            self.thing(x + 2, y, x + step - 4, y + step - 6)
            if labels:
                self.text(x + step / 2, y + step - 2, labels[index % len(labels)], 11, align="c", width=step - 6)
        self.y += tall * -(-count // columns) + 4

    def band(self, text: str, colour: Colour, height: float = 40, size: int = 16) -> None:
        """A coloured band across the page with white words."""
        self.fill(0, self.y, WIDTH, self.y + height, colour)
        self.centred(self.y + (height - size) / 2, text, size, WHITE, bold=True, width=WIDTH - 20)
        self.y += height
