"""`Vocabulary`: the literals that a search may use, mined from evidence.

`mine` uses no labels: it collects phrases of OCR lines (with the fifth of the picture they are in) and of turns (with
their role and position), patterns such as prices, counts and picture measures. Of the literals that hold on the same
samples it keeps one. `Vocabulary.of_label` then ranks them for one label by a log-odds score.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from kdsl.rules.engine import literal_bits, members, pack
from kdsl.rules.function_words import bears_topic
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import (
    MEASURES,
    PATTERNS,
    Bound,
    Fact,
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnGroup,
    TurnText,
    how_of,
)
from kdsl.rules.neighbours import NEAR, NEAR_ON_SCREEN, Embed, WordGroups
from kdsl.rules.normalised import PLACES, NormalisedEvidence, NormalisedLine, Searched, Who
from kdsl.words import is_word, joined, units

MAX_PHRASE = 8
"""Maximum units (words, or characters where words have no spaces between them) of a phrase."""
MAX_LINE = 16
"""Maximum units of a line in a `reads` literal."""
NEARLY_ALL = 0.9
"""A phrase in more than this share of the samples carries no meaning."""
SHORTEST = 2
"""Minimum characters of a phrase without words: a single Chinese character is part of a word, or means many things."""
FRAGMENT, FRAGMENT_IN_GROUP = 0.7, 0.5
"""A phrase is part of a longer one if this share of the samples that hold it hold the longer one. What an encoder makes
of a piece of a word is not what it means, so groups are stricter."""
MOST_WORDS, MOST_CHARACTERS = 2, 4
"""Maximum length of a phrase in a group, in words or in characters of a script without spaces."""
PERCENT_STEP, LINES_STEP = 10, 5
"""Steps between the thresholds of measures and of numbers of lines: a person can say 'a third', not 31%."""
_PREFERRED = 6
"""Of phrases that hold on the same samples, the one closest to this length is kept: a word rather than a sentence."""

_WITHIN = frozenset("-'’&/+.%·")
"""Signs that stand within names and amounts."""
_NUMERIC = re.compile(r"[\d\W]+")
_LONG_NUMBER = re.compile(r"\d{3}")
"""An amount, a year or a number of an order: it is of one campaign or one customer, so no phrase with it is a cue."""


@dataclass(frozen=True)
class Vocabulary:
    """Literals, and the samples on which each holds: uint64 `bits` [L, ceil(n / 64)] (see `engine.pack`)."""

    literals: tuple[RuleLiteral, ...]
    bits: np.ndarray
    n: int

    def of_label(self, positive: int, shown: int, max_cues: int, min_support: int) -> np.ndarray:
        """Indices of the cues for one label, strongest first: [<= max_cues].

        Args:
            positive: bit set of the label's samples.
            shown: bit set of the samples that the ranking may use.
            max_cues: maximum number of cues.
            min_support: minimum number of the label's shown samples in which a cue must hold.

        A cue's strength is the z-score of its log odds ratio (Haldane's 0.5 added to each count).
        """
        z, hits = self._z(positive, shown)
        order = np.argsort(-z, kind="stable")
        order = order[(hits[order] >= min_support) & (z[order] > 1)]
        return self._distinct(order, shown, max_cues)

    def against(self, positive: int, shown: int, max_cues: int) -> np.ndarray:
        """Indices of the strongest cues against a label, for use under `none`: [<= max_cues]."""
        z, _ = self._z(positive, shown)
        order = np.argsort(z, kind="stable")
        return self._distinct(order[z[order] < -1], shown, max_cues)

    def _z(self, positive: int, shown: int) -> tuple[np.ndarray, np.ndarray]:
        masks = pack([shown, positive & shown], self.n)
        total, hits = (np.bitwise_count(self.bits & mask).sum(axis=1, dtype=np.int64) for mask in masks)
        n, p = shown.bit_count(), (positive & shown).bit_count()
        a, b = hits + 0.5, total - hits + 0.5
        c, d = p - hits + 0.5, (n - p) - (total - hits) + 0.5
        return np.log(a * d / (b * c)) / np.sqrt(1 / a + 1 / b + 1 / c + 1 / d), hits

    def _distinct(self, order: np.ndarray, shown: int, limit: int) -> np.ndarray:
        """The first `limit` entries of `order`, without those that hold on the same shown samples as an earlier one."""
        mask = pack([shown], self.n)[0]
        seen: set[bytes] = set()
        kept = []
        for index in order:
            key = (self.bits[index] & mask).tobytes()
            if key not in seen:
                seen.add(key)
                kept.append(index)
                if len(kept) == limit:
                    break
        return np.array(kept, dtype=np.int64)


def mine(
    evidences: Sequence[NormalisedEvidence],
    min_support: int,
    pictures: bool = True,
    embed: Embed | None = None,
    taken: Iterable[str] = (),
) -> Vocabulary:
    """All literals that hold on at least `min_support` samples and not on all of them; labels are not used.

    Args:
        pictures: if False only turns are mined: in a dialogue, the text of a picture is about the product, not about
            the question.
        embed: an encoder of texts, by which groups of words are made.
        taken: names of groups that a person made, which no other group gets.
    """
    n = len(evidences)
    groups = WordGroups(embed, taken) if embed else None
    found: dict[RuleLiteral, int] = {}
    if pictures:
        found.update(_ocr(evidences, min_support, groups))
    found.update(_spoken(evidences, min_support, groups))
    if pictures:
        found.update(_forms(evidences))  # last: of literals that hold on the same samples, texts are preferred
    by_set: dict[int, RuleLiteral] = {}
    for literal, bits in found.items():
        if min_support <= bits.bit_count() < n:
            by_set.setdefault(bits, literal)
    return Vocabulary(tuple(by_set.values()), pack(list(by_set), n), n)


def _phrases(texts: Iterable[Searched]) -> set[str]:
    """Phrases of 1 to 8 units that contain a telling one (`_tells`) and begin and end well (`_whole`)."""
    found = set()
    for text in {text for one in texts for text in one.words.split("\n")}:
        parts = text.split()
        words = [is_word(part) for part in parts]
        telling = [_tells(part, word) for part, word in zip(parts, words, strict=True)]
        glued = [f" {part}" if i and words[i] and words[i - 1] else part for i, part in enumerate(parts)]
        for start, first in enumerate(parts):
            for end in range(start + 1, min(start + MAX_PHRASE, len(parts)) + 1):
                long_enough = end - start >= SHORTEST or any(words[start:end])
                if long_enough and any(telling[start:end]) and _whole(parts[start:end]):
                    found.add("".join([first, *glued[start + 1 : end]]))
    return found


def _whole(parts: Sequence[str]) -> bool:
    """Whether a phrase begins and ends with a letter or digit and no function word, lies within one clause, and has no
    long number."""
    inside = all((part[0].isalnum() and not _LONG_NUMBER.search(part)) or part in _WITHIN for part in parts)
    return inside and parts[0][0].isalnum() and parts[-1][0].isalnum() and bears_topic(parts)


def _tells(unit: str, word: bool) -> bool:
    """Whether a unit means something by itself: a word of two letters or more, or a letter of a script without spaces,
    but no number and no sign."""
    return not _NUMERIC.fullmatch(unit) and (len(unit) > 1 or not word)


def _supported(per_evidence: Sequence[set[str]], min_support: int) -> dict[str, int]:
    """Text -> bit set of its samples, for texts in at least `min_support` samples."""
    where: dict[str, list[int]] = defaultdict(list)
    for i, texts in enumerate(per_evidence):
        for text in sorted(texts):  # the order of a set of strings differs between processes
            where[text].append(i)
    return {text: sum(1 << i for i in held) for text, held in where.items() if len(held) >= min_support}


def _where(texts: Sequence[Iterable[Searched]]) -> dict[str, int]:
    """Each phrase that may be a cue -> bit set of its samples."""
    return _supported([_phrases(of_sample) for of_sample in texts], 1)


def _cues(where: dict[str, int], pieces: dict[str, float], min_support: int, n: int) -> dict[str, int]:
    """Phrases that may be cues, one for each set of samples."""
    telling = {
        phrase: bits
        for phrase, bits in where.items()
        if min_support <= bits.bit_count() <= NEARLY_ALL * n and pieces.get(phrase, 0.0) < FRAGMENT
    }
    return _representatives(telling)


def _pieces(where: dict[str, int]) -> dict[str, float]:
    """Phrases that are part of a phrase that is a character longer -> the largest share of their samples that hold one
    such phrase, where these are two or more.

    么时 is such a part of 什么时候, and 48小 of 48小时: they are no words, but pieces of words.
    """
    found: dict[str, float] = {}
    for longer, bits in where.items():
        parts = units(longer)
        if len(parts) > SHORTEST and bits.bit_count() > 1:
            for added, rest in ((parts[0], parts[1:]), (parts[-1], parts[:-1])):
                shorter = joined(rest)
                if not is_word(added) and shorter in where:
                    found[shorter] = max(found.get(shorter, 0.0), bits.bit_count() / where[shorter].bit_count())
    return found


def _groupable(phrase: str, bits: int, min_support: int, n: int) -> bool:
    """Whether a phrase may stand in a group: a few words, rare ones too, or characters that make a word.

    Numbers may not: an encoder hardly tells them apart."""
    if bits.bit_count() > NEARLY_ALL * n or any(map(str.isdigit, phrase)):
        return False
    parts = units(phrase)
    if any(map(is_word, parts)):
        return len(parts) <= MOST_WORDS
    return len(parts) <= MOST_CHARACTERS and bits.bit_count() >= min_support


def _groups(
    where: dict[str, int],
    pieces: dict[str, float],
    seeds: Iterable[str],
    min_support: int,
    n: int,
    groups: WordGroups | None,
    nearness: Sequence[float],
) -> list[WordGroup]:
    if groups is None:
        return []
    may_stand = {
        phrase: bits
        for phrase, bits in where.items()
        if pieces.get(phrase, 0.0) < FRAGMENT_IN_GROUP and _groupable(phrase, bits, min_support, n)
    }
    return groups.around(seeds, may_stand, nearness)


def _any(where: dict[str, int], group: WordGroup) -> int:
    """The samples that hold a word of a group."""
    held = 0
    for word in group.words:
        held |= where.get(word, 0)
    return held


def _representatives(phrases: dict[str, int]) -> dict[str, int]:
    """One phrase for each set of samples; the others are redundant."""
    best: dict[int, str] = {}
    for phrase, bits in phrases.items():
        old = best.get(bits)
        if old is None or _rank(phrase) < _rank(old):
            best[bits] = phrase
    return {phrase: bits for bits, phrase in best.items()}


def _rank(phrase: str) -> tuple[int, str]:
    return abs(len(phrase) - _PREFERRED), phrase


def _ocr(
    evidences: Sequence[NormalisedEvidence], min_support: int, groups: WordGroups | None
) -> dict[RuleLiteral, int]:
    where = _where([[line.searched for line in evidence.lines] for evidence in evidences])
    pieces = _pieces(where)
    phrases = _cues(where, pieces, min_support, len(evidences))
    found: dict[RuleLiteral, int] = {OcrText(phrase, how=how_of(phrase)): bits for phrase, bits in phrases.items()}
    lines = _supported([{line.text for line in evidence.lines if _short(line)} for evidence in evidences], min_support)
    found.update({OcrText(line, how="reads"): bits for line, bits in lines.items() if not _LONG_NUMBER.search(line)})
    for place in PLACES:
        for phrase, bits in phrases.items():
            if bits.bit_count() > min_support:
                placed = OcrText(phrase, place, how_of(phrase))
                held = sum(1 << i for i in members(bits) if placed.matches(evidences[i]))
                if held != bits:
                    found[placed] = held
    found.update(
        {
            OcrGroup(group): _any(where, group)
            for group in _groups(where, pieces, phrases, min_support, len(evidences), groups, NEAR_ON_SCREEN)
        }
    )
    return found


def _short(line: NormalisedLine) -> bool:
    """Whether a line is short enough for a `reads` literal, and longer than a single character."""
    return len(line.text) > 1 and len(units(line.text)) <= MAX_LINE


def _spoken(
    evidences: Sequence[NormalisedEvidence], min_support: int, groups: WordGroups | None
) -> dict[RuleLiteral, int]:
    found: dict[RuleLiteral, int] = {}
    made: list[WordGroup] = []
    order: tuple[Who, ...] = ("user", "last user", "first user", "agent")
    for who in order:  # of literals that hold on the same samples `mine` keeps the first, so the most general one
        where = _where([[evidence.spoken[who]] for evidence in evidences])
        pieces = _pieces(where)
        phrases = _cues(where, pieces, min_support, len(evidences))
        found.update({TurnText(phrase, who, how_of(phrase)): bits for phrase, bits in phrases.items()})
        if who == "user":
            made = _groups(where, pieces, phrases, min_support, len(evidences), groups, NEAR)
        found.update({TurnGroup(group, who): _any(where, group) for group in made})
    return found


def _forms(evidences: Sequence[NormalisedEvidence]) -> dict[RuleLiteral, int]:
    """Facts, counts, patterns and measures; thresholds are deciles of the observed values, in round numbers."""
    literals: list[RuleLiteral] = [PictureFact(fact) for fact in get_args(Fact)]
    literals += [OcrPattern(name, count) for name in PATTERNS for count in (1, 2, 3, 5)]
    literals += [
        LineCount(bound, count)
        for count in _levels([len(evidence.lines) for evidence in evidences], LINES_STEP)
        for bound in get_args(Bound)
    ]
    facts = [fact for evidence in evidences for fact in evidence.facts]
    for name in MEASURES if facts else ():
        levels = _levels([Measure.value(name, fact) for fact in facts], PERCENT_STEP)
        literals += [Measure(name, bound, level) for bound in get_args(Bound) for level in levels]
    return literal_bits(literals, evidences)


def _levels(values: Sequence[float], step: int) -> list[int]:
    """The deciles of some values as multiples of `step` above 0."""
    return sorted({step * round(q / step) for q in np.quantile(values, np.linspace(0.1, 0.9, 9))} - {0})
