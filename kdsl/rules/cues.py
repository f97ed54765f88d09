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
)
from kdsl.rules.normalised import PLACES, NormalisedEvidence, Who

MAX_PHRASE = 8
"""Maximum tokens of a phrase in a `contains` literal."""
MAX_LINE = 16
"""Maximum characters of a line in a `reads` literal."""
_PREFERRED = 6
"""Of phrases that hold on the same samples, the one closest to this length is kept: a word rather than a sentence."""

_TOKEN = re.compile(r"[a-z0-9]+|.", re.S)
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


def _phrases(texts: Iterable[str], shortest: int) -> set[str]:
    """Phrases of 1 to 8 tokens that contain a letter, and start and end with a letter or digit.

    A token is one character, or a run of ASCII letters and digits, so numbers and words are not split.
    """
    found = set()
    for text in texts:
        tokens = _TOKEN.findall(text)
        for start, first in enumerate(tokens):
            if not first[0].isalnum():
                continue
            for end in range(start + shortest, min(start + MAX_PHRASE, len(tokens)) + 1):
                if tokens[end - 1][0].isalnum():
                    phrase = "".join(tokens[start:end])
                    if len(phrase) <= MAX_LINE and not _NUMERIC.fullmatch(phrase):
                        found.add(phrase)
    return found


def _supported(per_evidence: Iterable[set[str]], min_support: int) -> dict[str, int]:
    """Text -> bit set of its samples, for texts in at least `min_support` samples."""
    where: dict[str, list[int]] = defaultdict(list)
    for i, texts in enumerate(per_evidence):
        for text in sorted(texts):  # the order of a set of strings differs between processes
            where[text].append(i)
    return {text: sum(1 << i for i in held) for text, held in where.items() if len(held) >= min_support}


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
    phrases = _representatives(
        _supported((_phrases((line.text for line in evidence.lines), 2) for evidence in evidences), min_support)
    )
    found: dict[RuleLiteral, int] = {OcrText(phrase): bits for phrase, bits in phrases.items()}
    lines = _supported(
        ({x.text for x in evidence.lines if 2 <= len(x.text) <= MAX_LINE} for evidence in evidences), min_support
    )
    found.update({OcrText(line, whole=True): bits for line, bits in lines.items() if not line.isdigit()})
    for place in PLACES:
        for phrase, bits in phrases.items():
            if bits.bit_count() > min_support:
                held = sum(1 << i for i in _members(bits) if phrase in evidences[i].ocr[place])
                if held != bits:
                    found[OcrText(phrase, place)] = held
    return found


def _spoken(evidences: Sequence[NormalisedEvidence], min_support: int) -> dict[RuleLiteral, int]:
    found: dict[RuleLiteral, int] = {}
    order: tuple[Who, ...] = ("user", "last user", "first user", "agent")
    for who in order:  # of literals that hold on the same samples `mine` keeps the first, so the most general one
        texts = (_phrases(evidence.spoken[who].split("\n"), 1) for evidence in evidences)
        for phrase, bits in _representatives(_supported(texts, min_support)).items():
            found[TurnText(phrase, who)] = bits
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
