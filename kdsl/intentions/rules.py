"""The first filter of stage 3: rules that drop an intention before any judge is paid for it, and say why.

A language model repeats itself, copies the titles that it was shown, praises the product, or says of every pair the
same. COSMO (doi 10.1145/3626246.3653398, section 3.3) drops such texts by rules and by similarity first, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from kdsl.encoders.base import TextEncoder
from kdsl.words import units

LONGEST = 60
"""Units (words, or Chinese characters) that an intention may have after its relation's wording. One may be enough, as
in 'because they are both made of silver'."""
COPIED = 0.75
"""Share of the pairs of neighbouring units that stand in one title, from which a text counts as copied."""
NEAR = 0.9
"""Cosine of two intentions of one pair, less their relations' wordings, from which the later one says nothing new."""
COMMON = 0.02
"""Share of the pairs for which the same text may be written; in small runs at least `COMMON_PAIRS`."""
COMMON_PAIRS = 3

_SENTENCE = regex.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_END = regex.compile(r"[.!?。！？…\"”’」)）]$")
_PLACEHOLDER = regex.compile(r"\b(?:product|item) [ab]\b|商品[AB甲乙]|\[[^\]]{1,30}\]|_{3,}", regex.IGNORECASE)
_PRAISE = regex.compile(
    r"\b(?:high|good|great|top|superior|premium|excellent|best)[- ]quality\b|\bwell[- ]made\b|\bvalue for money\b"
    r"|\b(?:this|the|these|both) (?:product|item)s? (?:is|are|has|have|comes?|features?|offers?|includes?|provides?)\b"
    r"|\b(?:is|are|was|were) (?:also )?(?:available|manufactured|sold|shipped|priced)\b"
    r"|\bcustomer reviews?\b|\bwarranty\b"
    r"|(?:本|该|此|这款|这两款|两款)(?:商品|产品)|高品质|质量(?:好|上乘|可靠|有保障)|做工(?:精|细)|性价比|物美价廉|正品|包邮|售价",
    regex.IGNORECASE,
)
"""Wording about products, not about a person: a catalogue says it already."""


@dataclass(frozen=True, slots=True)
class Text:
    """An intention: its relation's `wording` with what comes before, and the `tail` that a model wrote after it."""

    wording: str
    tail: str
    finished: bool = True
    """Whether the model ended it; if not, it was cut at the most tokens."""

    @property
    def whole(self) -> str:
        """The sentence."""
        joint = "" if self.wording.endswith(("：", ":")) or not self.wording[-1:].isascii() else " "
        return f"{self.wording}{joint}{self.tail}"


def tidy(written: str) -> str:
    """The first sentence of what a model wrote: all that comes after it answers no question."""
    line = next((line.strip() for line in written.splitlines() if line.strip()), "")
    return _SENTENCE.split(line, maxsplit=1)[0].strip()


def fault(text: Text, titles: Sequence[str]) -> str | None:
    """The name of the first rule by which an intention is dropped; None if it passes all that look at it alone.

    Args:
        titles: of the two products.
    """
    said = [unit.casefold() for unit in units(text.tail) if any(map(str.isalnum, unit))]
    if not any(any(map(str.isalpha, unit)) for unit in said):
        return "empty"
    if len(said) > LONGEST:
        return "length"
    if text.tail.endswith((":", "：", ",", "，")) or not (text.finished or _END.search(text.tail)):
        return "unfinished"
    if _repeats(said):
        return "repetition"
    if _PLACEHOLDER.search(text.tail):
        return "placeholder"
    if any(_copied(said, title) for title in titles):
        return "copied"
    if _PRAISE.search(text.tail):
        return "product-centred"
    return None


def near_duplicates(texts: Sequence[Text], encoder: TextEncoder) -> list[bool]:
    """For each intention of one pair, whether an earlier one says almost the same with another relation."""
    vectors = encoder.encode([plain(text.tail) for text in texts])  # a full stop alone moves a vector by a twelfth
    alike = np.tril(vectors @ vectors.T, -1) >= NEAR
    kept: list[int] = []
    for i in range(len(texts)):
        if not alike[i, kept].any():
            kept.append(i)
    return [i not in kept for i in range(len(texts))]


def plain(tail: str) -> str:
    """A text as it is counted over pairs: without case, spaces and punctuation."""
    return " ".join(unit for unit in units(tail.casefold()) if any(map(str.isalnum, unit)))


def common(tails: Mapping[str, int], pairs: int) -> frozenset[str]:
    """Those texts (`plain`) that stand for so many pairs that they tell none of them from the others.

    Args:
        tails: text -> number of pairs that it was written for.
        pairs: number of all pairs.
    """
    most = max(COMMON_PAIRS, COMMON * pairs)
    return frozenset(tail for tail, count in tails.items() if count > most)


def _repeats(said: Sequence[str]) -> bool:
    """Whether words come in circles: a unit three times in a row, or three units three times."""
    if any(said[i] == said[i + 1] == said[i + 2] for i in range(len(said) - 2)):
        return True
    threes = Counter(tuple(said[i : i + 3]) for i in range(len(said) - 2))
    return any(count >= 3 for count in threes.values()) or (len(said) >= 8 and len(set(said)) < len(said) / 2)


def _copied(said: Sequence[str], title: str) -> bool:
    """Whether a text is, for the most part, a piece of a title."""
    own = [unit.casefold() for unit in units(title) if any(map(str.isalnum, unit))]
    pairs = {(own[i], own[i + 1]) for i in range(len(own) - 1)}
    found = [(said[i], said[i + 1]) in pairs for i in range(len(said) - 1)]
    return len(found) >= 2 and sum(found) >= COPIED * len(found)
