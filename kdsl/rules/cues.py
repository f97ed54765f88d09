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

from kdsl.rules.engine import literal_bits, pack
from kdsl.rules.literals import (
    MEASURES,
    PATTERNS,
    Bound,
    Fact,
    LineCount,
    Measure,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnText,
    how_of,
)
from kdsl.rules.normalised import PLACES, NormalisedEvidence, NormalisedLine, Searched, Who
from kdsl.words import is_word, units

MAX_PHRASE = 8
"""Maximum units (words, or characters where words have no spaces between them) of a phrase."""
MAX_LINE = 16
"""Maximum units of a line in a `reads` literal."""
NEARLY_ALL = 0.9
"""A phrase in more than this share of the samples carries no meaning."""
_PREFERRED = 6
"""Of phrases that hold on the same samples, the one closest to this length is kept: a word rather than a sentence."""

_NUMERIC = re.compile(r"[\d\W]+")


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


def mine(evidences: Sequence[NormalisedEvidence], min_support: int, pictures: bool = True) -> Vocabulary:
    """All literals that hold on at least `min_support` samples and not on all of them; labels are not used.

    With `pictures` False only turns are mined: in a dialogue, the text of a picture is about the product, not about
    the question.
    """
    n = len(evidences)
    found: dict[RuleLiteral, int] = {}
    if pictures:
        found.update(_ocr(evidences, min_support))
    found.update(_spoken(evidences, min_support))
    if pictures:
        found.update(_forms(evidences))  # last: of literals that hold on the same samples, texts are preferred
    by_set: dict[int, RuleLiteral] = {}
    for literal, bits in found.items():
        if min_support <= bits.bit_count() < n:
            by_set.setdefault(bits, literal)
    return Vocabulary(tuple(by_set.values()), pack(list(by_set), n), n)


def _phrases(texts: Iterable[Searched], shortest: int) -> set[str]:
    """Phrases of 1 to 8 units that contain a telling one (`_tells`), and start and end with a letter or digit.

    Args:
        shortest: minimum units of a phrase that holds no word.
    """
    found = set()
    for text in {text for one in texts for text in one.words.split("\n")}:
        parts = text.split()
        words = [is_word(part) for part in parts]
        telling = [_tells(part, word) for part, word in zip(parts, words, strict=True)]
        glued = [f" {part}" if i and words[i] and words[i - 1] else part for i, part in enumerate(parts)]
        for start, first in enumerate(parts):
            if not first[0].isalnum():
                continue
            for end in range(start + 1, min(start + MAX_PHRASE, len(parts)) + 1):
                long_enough = end - start >= shortest or any(words[start:end])
                if long_enough and parts[end - 1][0].isalnum() and any(telling[start:end]):
                    found.add("".join([first, *glued[start + 1 : end]]))
    return found


def _tells(unit: str, word: bool) -> bool:
    """Whether a unit means something by itself: a word of two letters or more, or a letter of a script without spaces,
    but no number and no sign."""
    return not _NUMERIC.fullmatch(unit) and (len(unit) > 1 or not word)


def _supported(per_evidence: Sequence[set[str]], min_support: int, most: float = 1.0) -> dict[str, int]:
    """Text -> bit set of its samples, for texts in at least `min_support` samples and at most a share of all."""
    where: dict[str, list[int]] = defaultdict(list)
    for i, texts in enumerate(per_evidence):
        for text in sorted(texts):  # the order of a set of strings differs between processes
            where[text].append(i)
    limit = most * len(per_evidence)
    return {text: sum(1 << i for i in held) for text, held in where.items() if min_support <= len(held) <= limit}


def _cues(texts: Sequence[Iterable[Searched]], shortest: int, min_support: int) -> dict[str, int]:
    """Phrases that may be cues, one for each set of samples."""
    found = [_phrases(of_sample, shortest) for of_sample in texts]
    return _representatives(_supported(found, min_support, NEARLY_ALL))


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


def _ocr(evidences: Sequence[NormalisedEvidence], min_support: int) -> dict[RuleLiteral, int]:
    phrases = _cues([[line.searched for line in evidence.lines] for evidence in evidences], 2, min_support)
    found: dict[RuleLiteral, int] = {OcrText(phrase, how=how_of(phrase)): bits for phrase, bits in phrases.items()}
    lines = _supported([{line.text for line in evidence.lines if _short(line)} for evidence in evidences], min_support)
    found.update({OcrText(line, how="reads"): bits for line, bits in lines.items() if not line.isdigit()})
    for place in PLACES:
        for phrase, bits in phrases.items():
            if bits.bit_count() > min_support:
                placed = OcrText(phrase, place, how_of(phrase))
                held = sum(1 << i for i in _members(bits) if placed.matches(evidences[i]))
                if held != bits:
                    found[placed] = held
    return found


def _short(line: NormalisedLine) -> bool:
    """Whether a line is short enough for a `reads` literal, and longer than a single character."""
    return len(line.text) > 1 and len(units(line.text)) <= MAX_LINE


def _spoken(evidences: Sequence[NormalisedEvidence], min_support: int) -> dict[RuleLiteral, int]:
    found: dict[RuleLiteral, int] = {}
    order: tuple[Who, ...] = ("user", "last user", "first user", "agent")
    for who in order:  # of literals that hold on the same samples `mine` keeps the first, so the most general one
        for phrase, bits in _cues([[evidence.spoken[who]] for evidence in evidences], 1, min_support).items():
            found[TurnText(phrase, who, how_of(phrase))] = bits
    return found


def _forms(evidences: Sequence[NormalisedEvidence]) -> dict[RuleLiteral, int]:
    """Facts, counts, patterns and measures; thresholds are deciles of the observed values."""
    literals: list[RuleLiteral] = [PictureFact(fact) for fact in get_args(Fact)]
    literals += [OcrPattern(name, count) for name in PATTERNS for count in (1, 2, 3, 5)]
    shares = np.linspace(0.1, 0.9, 9)
    counts = sorted({int(q) for q in np.quantile([len(evidence.lines) for evidence in evidences], shares)})
    literals += [LineCount(bound, count) for bound in get_args(Bound) for count in counts]
    facts = [fact for evidence in evidences for fact in evidence.facts]
    for name in MEASURES if facts else ():
        values = [Measure.value(name, fact) for fact in facts]
        levels = sorted({round(q) for q in np.quantile(values, shares)} - {0})
        literals += [Measure(name, bound, level) for bound in get_args(Bound) for level in levels]
    return literal_bits(literals, evidences)


def _members(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
