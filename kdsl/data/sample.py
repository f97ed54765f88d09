"""A sample and its turns: what a user hands in, parsed once, with no torch and no pictures opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

PLACEHOLDER = re.compile(r"<(?:image|http)>")
"""What stands in a turn's text for a picture or a link that was sent."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `text` is cleaned for models and rules; `raw` is verbatim."""

    role: Literal["user", "agent"]
    text: str
    raw: str

    @property
    def said(self) -> str:
        """What the turn says: its text on one line, without placeholders or outer quotation marks; may be empty."""
        return " ".join(without_placeholders(self.text).split()).strip('"“”')


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing to classify.

    `images` are paths relative to one root folder, in the order the pictures were sent; a picture
    in a dialogue stands in its turn's text as `<image>`. `label` is None where it is not known.
    """

    id: str
    task: str
    images: tuple[str, ...]
    turns: tuple[Turn, ...]
    label: str | None = None


def without_placeholders(text: str) -> str:
    """A turn's text with a space in place of each picture and link."""
    return PLACEHOLDER.sub(" ", text)
