"""What follows from a literal or a condition on any sample whatever: `implies`, `contradict`, `follows`.

The answers are sure where they are yes; a no may only mean that it is not seen.
"""

from __future__ import annotations

from kdsl.rules.literals import (
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    RuleLiteral,
    TurnGroup,
    TurnText,
    how_of,
)
from kdsl.rules.normalised import spaced_units, without_spaces
from kdsl.rules.rule import When

RATIO = "height over width"
"""The one measure that is no share: it may be more than 100%."""


def implies(a: RuleLiteral, b: RuleLiteral) -> bool:
    """Whether b holds wherever a does."""
    if a == b or never(a) or always(b):
        return True
    if isinstance(a, OcrGroup | TurnGroup):
        return all(implies(text, b) for text in a.texts)
    if isinstance(b, OcrGroup | TurnGroup):
        return any(implies(a, text) for text in b.texts)
    if isinstance(a, OcrText) and isinstance(b, OcrText):
        return b.place in (None, a.place) and _text_implies(a, b)
    if isinstance(a, TurnText) and isinstance(b, TurnText):
        wider = a.who in ("first user", "last user") and b.who == "user"
        return (wider or a.who == b.who) and _text_implies(a, b)
    if isinstance(b, LineCount) and b.bound == "at least":
        return _least_lines(a) >= b.lines
    if isinstance(a, LineCount) and isinstance(b, LineCount):
        return a.bound == b.bound and a.lines <= b.lines
    if isinstance(a, OcrPattern) and isinstance(b, OcrPattern):
        return a.pattern == b.pattern and a.at_least >= b.at_least
    if isinstance(a, Measure) and isinstance(b, Measure) and (a.name, a.bound) == (b.name, b.bound):
        return a.percent >= b.percent if a.bound == "at least" else a.percent <= b.percent
    return False


def _text_implies(a: OcrText | TurnText, b: OcrText | TurnText) -> bool:
    """Whether a line or turn in which a's text is found as a says holds b's text as b says."""
    inside = without_spaces(b.text) in without_spaces(a.text)
    if b.how == "contains":
        return inside
    if b.how == "reads":
        return a.how == "reads" and without_spaces(a.text) == without_spaces(b.text)
    # what is found anywhere, or whatever the spaces, may lie within longer words, unless it consists of characters
    whole = a.how == "contains the word" or how_of(a.text) == "contains"
    return whole and spaced_units(b.text) in spaced_units(a.text)


def contradict(a: RuleLiteral, b: RuleLiteral) -> bool:
    """Whether there is no sample on which both hold."""
    if never(a) or never(b):
        return True
    for one, other in ((a, b), (b, a)):
        if isinstance(one, LineCount) and one.bound == "at most" and _least_lines(other) > one.lines:
            return True
    return False


def never(literal: RuleLiteral) -> bool:
    """Whether there is no sample on which the literal holds."""
    return (
        isinstance(literal, Measure) and literal.name != RATIO and literal.bound == "at least" and literal.percent > 100
    )


def always(literal: RuleLiteral) -> bool:
    """Whether the literal holds on every sample (a measure: on every sample with a picture is not enough)."""
    return isinstance(literal, LineCount) and literal.bound == "at least" and literal.lines <= 0


def _least_lines(literal: RuleLiteral) -> int:
    """How many OCR lines a sample has at least if the literal holds."""
    if isinstance(literal, OcrText | OcrGroup):
        return 1
    if isinstance(literal, OcrPattern):
        return literal.at_least
    return literal.lines if isinstance(literal, LineCount) and literal.bound == "at least" else 0


def follows(a: When, b: When) -> bool:
    """Whether the condition b holds wherever a does."""

    def holds(literal: RuleLiteral) -> bool:
        return any(implies(one, literal) for one in a.all) or (
            bool(a.any) and all(implies(one, literal) for one in a.any)
        )

    def one_of(literals: tuple[RuleLiteral, ...]) -> bool:
        either = bool(a.any) and all(any(implies(one, literal) for literal in literals) for one in a.any)
        return either or any(map(holds, literals))

    def excluded(literal: RuleLiteral) -> bool:
        return any(implies(literal, one) for one in a.none) or any(contradict(literal, one) for one in a.all)

    return all(map(holds, b.all)) and (not b.any or one_of(b.any)) and all(map(excluded, b.none))
