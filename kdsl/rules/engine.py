"""Evaluation of many rules on many samples, the same for scores and for the rules that fired.

All texts of all rules are compiled into two Aho-Corasick automata (one for texts that are found anywhere, one for
whole words), so a text of a sample is read once, however many rules there are. What a literal holds on is a bit set
over the samples, a Python int whose bit i stands for sample i, and conditions are operations on bit sets. The tree
search uses the same bits packed into rows of 64-bit words, so one numpy operation evaluates all children of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import ahocorasick
import numpy as np

from kdsl.rules.literals import OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.normalised import FORMS, PLACES, Field, Form, NormalisedEvidence
from kdsl.rules.rule import Rule, When

_CELLS = 1 << 26
"""Truth values of texts that are in memory at once."""


class Conditions:
    """Conditions compiled for evaluation on any number of samples."""

    def __init__(self, whens: Sequence[When]) -> None:
        self._literals = Literals(literal for when in whens for literal in when.literals)
        number = {literal: i for i, literal in enumerate(self._literals.literals)}
        self._whens = [
            (
                [number[literal] for literal in when.all],
                [number[literal] for literal in when.any],
                [number[literal] for literal in when.none],
            )
            for when in whens
        ]

    def bits(self, evidences: Sequence[NormalisedEvidence]) -> list[int]:
        """For each condition, the bit set of the samples on which it holds."""
        held = self._literals.bits(evidences)
        everything = (1 << len(evidences)) - 1
        return [_condition(held, everything, *when) for when in self._whens]

    def matrix(self, evidences: Sequence[NormalisedEvidence]) -> np.ndarray:
        """Whether each of r conditions holds on each of n samples: bool [n, r]."""
        return unpack(pack(self.bits(evidences), len(evidences)), len(evidences)).T


def _condition(held: list[int], everything: int, of_all: list[int], of_any: list[int], of_none: list[int]) -> int:
    now = everything
    for number in of_all:
        now &= held[number]
        if not now:
            return 0
    if of_any:
        either = 0
        for number in of_any:
            either |= held[number]
        now &= either
    for number in of_none:
        now &= ~held[number]
    return now


class Literals:
    """Distinct literals, compiled for evaluation on any number of samples."""

    def __init__(self, literals: Iterable[RuleLiteral]) -> None:
        self.literals = tuple(dict.fromkeys(literals))
        texts: dict[OcrText | TurnText, int] = {}
        self._rows: list[list[int] | None] = []
        """For each literal the rows of `_Texts` of which one has to hold; None for a literal without a text."""
        for literal in self.literals:
            if isinstance(literal, OcrText | TurnText):
                self._rows.append([texts.setdefault(literal, len(texts))])
            elif isinstance(literal, OcrGroup | TurnGroup):
                self._rows.append([texts.setdefault(text, len(texts)) for text in literal.texts])
            else:
                self._rows.append(None)
        self._texts = _Texts(list(texts))

    def bits(self, evidences: Sequence[NormalisedEvidence]) -> list[int]:
        """For each literal, the bit set of the samples on which it holds."""
        held = self._texts.bits(evidences)
        found = []
        for literal, rows in zip(self.literals, self._rows, strict=True):
            if rows is None:
                holds = (literal.matches(evidence) for evidence in evidences)
                found.append(bit_set(np.fromiter(holds, dtype=bool, count=len(evidences))))
            else:
                either = 0
                for row in rows:
                    either |= held[row]
                found.append(either)
        return found


class _Texts:
    """Text literals, compiled into one automaton per form in which texts are searched."""

    def __init__(self, literals: Sequence[OcrText | TurnText]) -> None:
        self._count = len(literals)
        placed = any(isinstance(literal, OcrText) and literal.place for literal in literals)
        self._searches = []
        for form in FORMS:
            needles: dict[str, int] = {}
            pairs: dict[tuple[Field, int], list[int]] = {}
            for row, literal in enumerate(literals):
                if literal.form == form:
                    needle = needles.setdefault(literal.needle, len(needles))
                    for field in _fields(literal, placed):
                        pairs.setdefault((field, needle), []).append(row)
            if needles:
                self._searches.append(_Search(form, needles, pairs))

    def bits(self, evidences: Sequence[NormalisedEvidence]) -> list[int]:
        """For each literal, the bit set of the samples on which it holds."""
        step = max(8, _CELLS // max(self._count, 1) // 8 * 8)
        held = [0] * self._count
        for start in range(0, len(evidences), step):
            some = evidences[start : start + step]
            truths = np.zeros((self._count, len(some)), dtype=bool)
            for search in self._searches:
                search.mark(some, truths)
            for row in np.flatnonzero(truths.any(axis=1)).tolist():
                held[row] |= bit_set(truths[row]) << start
        return held


def _fields(literal: OcrText | TurnText, placed: bool) -> Sequence[Field]:
    """What is searched for a literal. If some literals ask for a place, the lines at the five places are searched one
    after another for all, so that each line is read once."""
    if isinstance(literal, TurnText):
        return (literal.who,)
    return PLACES if placed and literal.place is None else (literal.place,)


class _Search:
    """One automaton, and for each field and needle the rows of the literals that hold where it is found."""

    def __init__(self, form: Form, needles: dict[str, int], pairs: dict[tuple[Field, int], list[int]]) -> None:
        self._form = form
        self._automaton = ahocorasick.Automaton()
        for needle, number in needles.items():
            self._automaton.add_word(needle, number)
        self._automaton.make_automaton()
        self._fields = list(dict.fromkeys(field for field, _ in pairs))
        most = max(map(len, pairs.values()))
        self._rows = np.full((len(self._fields) * len(needles), most), -1)
        self._needles = len(needles)
        for (field, number), rows in pairs.items():
            self._rows[self._fields.index(field) * self._needles + number, : len(rows)] = rows

    def mark(self, evidences: Sequence[NormalisedEvidence], truths: np.ndarray) -> None:
        """Set the truth values [literals, n] of the literals that hold."""
        found: list[int] = []
        counts = []
        search = self._automaton.iter
        for evidence in evidences:
            for field in self._fields:
                text = evidence.searched(field).of(self._form)
                before = len(found)
                found += [number for _, number in search(text)]  # (end, number of the needle)
                counts.append(len(found) - before)
        k = len(self._fields)
        where = np.repeat(np.arange(len(counts)), counts)  # sample * k + field
        rows = self._rows[where % k * self._needles + np.array(found, dtype=np.int64)]
        for of_literal in rows.T:
            hit = of_literal >= 0
            truths[of_literal[hit], where[hit] // k] = True


def literal_bits(literals: Iterable[RuleLiteral], evidences: Sequence[NormalisedEvidence]) -> dict[RuleLiteral, int]:
    """Each distinct literal -> the bit set of the samples on which it holds."""
    compiled = Literals(literals)
    return dict(zip(compiled.literals, compiled.bits(evidences), strict=True))


def condition_bits(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> list[int]:
    """For each condition, the bit set of the samples on which it holds."""
    return Conditions(whens).bits(evidences)


def fire_matrix(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> np.ndarray:
    """Whether each of r conditions holds on each of n samples: bool [n, r]."""
    return Conditions(whens).matrix(evidences)


def bit_set(truths: np.ndarray) -> int:
    """A bit set from truth values [n]; the first is bit 0."""
    return int.from_bytes(np.packbits(truths, bitorder="little").tobytes(), "little")


def members(bits: int) -> Iterator[int]:
    """The samples of a bit set, ascending."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def vote_matrix(rules: Sequence[Rule], labels: Sequence[str]) -> np.ndarray:
    """Each rule's weight in the column of its label: float [r, m]."""
    votes = np.zeros((len(rules), len(labels)))
    for row, rule in enumerate(rules):
        votes[row, labels.index(rule.label)] = rule.weight
    return votes


def pack(bit_sets: Sequence[int], n: int) -> np.ndarray:
    """Bit sets over n samples as rows of 64-bit words: uint64 [k, ceil(n / 64)]."""
    words = max(1, -(-n // 64))
    raw = b"".join(bits.to_bytes(words * 8, "little") for bits in bit_sets)
    return np.frombuffer(raw, dtype="<u8").reshape(len(bit_sets), words)


def unpack(packed: np.ndarray, n: int) -> np.ndarray:
    """The inverse of `pack`: bool [k, n]."""
    flat = np.ascontiguousarray(packed).view(np.uint8).reshape(len(packed), packed.shape[1] * 8)
    return np.unpackbits(flat, axis=1, bitorder="little", count=n).astype(bool)
