"""A page as families fill it: paper with everything that pages are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kdsl.world.screens.panels import Panels
from kdsl.world.screens.paper import WIDTH
from kdsl.world.screens.theme import App
from kdsl.world.screens.words import Words

__all__ = ["WIDTH", "Entry", "Family", "Page"]


class Page(Panels):
    """One screen of an app, with the methods of `Paper`, `Toolkit`, `Blocks` and `Panels`."""


Family = Callable[[Page, Words], None]
"""A layout family: fills a page with the page's words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A layout family with the app it imitates and how often it is drawn beside its siblings.

    `blind` ones were written without sight of the challenge's samples.
    """

    draw: Family
    app: App = "taobao"
    weight: float = 1.0
    blind: bool = False

    @property
    def name(self) -> str:
        """The family's name: that of the function that fills the page."""
        return self.draw.__name__
