"""A sample and its turns: what a user hands in, parsed once, with no torch and no pictures opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `text` is cleaned for models and rules; `raw` is verbatim."""

    role: Literal["user", "agent"]
    text: str
    raw: str


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
