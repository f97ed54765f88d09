"""A page as families fill it: paper with everything that pages are made of."""

from __future__ import annotations

from collections.abc import Callable

from kdsl.world.screens.panels import Panels
from kdsl.world.screens.paper import WIDTH

__all__ = ["WIDTH", "Family", "Page"]


class Page(Panels):
    """One screen of an app, with the methods of `Paper`, `Toolkit`, `Blocks` and `Panels`."""


Family = Callable[[Page], None]
"""A layout family: fills a page."""
