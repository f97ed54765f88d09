"""`Look`: a prediction as a person looks at it: which lines of the pictures and words of the dialogue made rules fire.

The rules are read again by the same literals that fired; boxes are those of the OCR lines that they name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kdsl.data.prediction import Prediction
from kdsl.evidence.types import Box, Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.reading import read_rule
from kdsl.rules.rule import Rule

Span = tuple[int, int]


@dataclass(frozen=True)
class ShownRule:
    """A rule that fired; `number` is what boxes are marked with."""

    number: int
    task: str
    rule: Rule


@dataclass(frozen=True)
class MarkedLine:
    """An OCR line that made rules fire; `box` is (left, top, right, bottom) in pixels of its picture."""

    text: str
    box: Box
    rules: tuple[int, ...]

    @property
    def name(self) -> str:
        """The numbers of its rules."""
        return ", ".join(map(str, self.rules))


@dataclass(frozen=True)
class ShownPicture:
    """A picture's size in pixels, how many lines were read in it, and those that are marked."""

    width: int
    height: int
    lines: int
    marked: tuple[MarkedLine, ...]


@dataclass(frozen=True)
class ShownTurn:
    """A turn in pieces; each says whether it made a rule fire."""

    role: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Look:
    """All that is shown of a prediction beside itself."""

    rules: tuple[ShownRule, ...]
    pictures: tuple[ShownPicture, ...]
    turns: tuple[ShownTurn, ...]


def look(evidence: Evidence, book: RuleBook | None, prediction: Prediction) -> Look:
    """What made the rules of a prediction fire.

    Args:
        book: the task's book; a rule that was removed since the prediction is left out.
    """
    known = {} if book is None else {rule.id: rule for rule in book.rules}
    fired = [known[rule.id] for rule in prediction.trace.rules if rule.id in known]
    rules = tuple(ShownRule(number, prediction.task, rule) for number, rule in enumerate(fired, 1))
    lines: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for shown in rules:
        for (kind, picture, number), found in _found(shown, evidence):
            if kind == "turn":
                spans[number] += found
            elif shown.number not in lines[picture, number]:
                lines[picture, number].append(shown.number)
    pictures = tuple(
        ShownPicture(
            picture.width,
            picture.height,
            len(picture.lines),
            tuple(
                MarkedLine(line.text, line.box, tuple(lines[p, n]))
                for n, line in enumerate(picture.lines)
                if (p, n) in lines
            ),
        )
        for p, picture in enumerate(evidence.pictures)
    )
    turns = tuple(
        ShownTurn(turn.role, pieces(turn.text, spans.get(number, ())))
        for number, turn in enumerate(evidence.sample.turns)
    )
    return Look(rules, pictures, turns)


def _found(shown: ShownRule, evidence: Evidence) -> Iterator[tuple[tuple[str, int, int], Sequence[Span]]]:
    """The units of the evidence that the rule's literals match, each with the spans of its text."""
    seen = NormalisedEvidence.of(evidence)
    reading = read_rule(shown.task, shown.rule, evidence, seen)
    for literal, read in zip(shown.rule.when.literals, reading.readings, strict=True):
        if read.part != "none":
            for unit, found in zip(literal.units(seen), read.found, strict=True):
                yield unit, found.spans


def pieces(text: str, spans: Sequence[Span]) -> tuple[tuple[str, bool], ...]:
    """A text cut where what is marked begins and ends."""
    marked = [False] * len(text)
    for start, end in spans:
        marked[start:end] = [True] * (end - start)
    pieces: list[tuple[str, bool]] = []
    for letter, mark in zip(text, marked, strict=True):
        if pieces and pieces[-1][1] == mark:
            pieces[-1] = pieces[-1][0] + letter, mark
        else:
            pieces.append((letter, mark))
    return tuple(pieces)
