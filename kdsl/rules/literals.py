"""Literals: the atomic conditions on evidence that rules are made of.

Each has a canonical line of English with its text quoted, such as `an OCR line in the bottom fifth contains
「加入购物车」`. `kdsl.rules.grammar.parse` turns that line back into an equal literal, so the printed rule is exactly
the executed one. Texts are matched and printed in normal form (`kdsl.words.normalise`).

`contains` finds a text anywhere, within words too, and spaces do not count; `contains the word` finds whole words only.
`speaks of 〔rust〕` finds any word of a group; the literal holds the group with its words, its line only its name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from kdsl.errors import did_you_mean
from kdsl.evidence.types import Evidence, PictureFacts, Unit
from kdsl.rules.groups import CLOSE, OPEN, WordGroup
from kdsl.rules.normalised import Form, NormalisedEvidence, Place, Who, spaced_units, without_spaces
from kdsl.words import is_word, normalise, units


class RuleLiteral(ABC):
    """A condition that holds for a sample or does not. Instances are frozen, hashable and comparable."""

    __slots__ = ()

    @abstractmethod
    def matches(self, evidence: NormalisedEvidence) -> bool:
        """Whether the literal holds for normalised evidence."""

    @abstractmethod
    def __str__(self) -> str:
        """The canonical line; `kdsl.rules.grammar.parse` is the inverse."""

    def holds(self, evidence: Evidence) -> bool:
        """Whether the literal holds for evidence. To test many literals, normalise once and use `matches`."""
        return self.matches(NormalisedEvidence.of(evidence))

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        """The OCR lines or turns that a text literal matches; none for other literals."""
        return ()


def _checked(text: str) -> str:
    clean = normalise(text)
    if not clean:
        raise ValueError(f"the text {text!r} is empty once spaces are removed")
    return clean


def _quote(text: str) -> str:
    return f"「{text.replace('」', '」」')}」"


How = Literal["contains", "contains the word", "reads"]
"""How a text is found: anywhere; where it is made of whole words; or as all of a line."""


def how_of(phrase: str) -> Literal["contains", "contains the word"]:
    """How mined phrases and the words of groups are found: as whole words if they hold a word of a script with spaces,
    anywhere if they consist of characters alone."""
    return "contains the word" if any(map(is_word, units(phrase))) else "contains"


def _needle_of(text: str, how: How) -> str:
    """What is searched for a text in normal form; `_form_of` says where."""
    if how == "contains the word":
        return spaced_units(text)
    return f"\n{without_spaces(text)}\n" if how == "reads" else without_spaces(text)


def _form_of(how: How) -> Form:
    return "words" if how == "contains the word" else "characters"


def _verb(text: str, how: How) -> str:
    return "contains the words" if how == "contains the word" and " " in text else how


@dataclass(frozen=True, slots=True)
class OcrText(RuleLiteral):
    """An OCR line of any picture contains a text, contains it as whole words, or is exactly that text."""

    text: str
    place: Place | None = None
    how: How = "contains"
    needle: str = field(init=False, repr=False, compare=False)
    """The text as `normalised.Searched` is searched for it, in the form `form`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _checked(self.text))
        object.__setattr__(self, "needle", _needle_of(self.text, self.how))

    @property
    def form(self) -> Form:
        return _form_of(self.how)

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return self.needle in evidence.ocr[self.place].of(self.form)

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return tuple(
            line.unit
            for line in evidence.lines
            if self.place in (None, line.place) and self.needle in line.searched.of(self.form)
        )

    def __str__(self) -> str:
        return f"{_line_at(self.place)} {_verb(self.text, self.how)} {_quote(self.text)}"


def _line_at(place: Place | None) -> str:
    return f"an OCR line in the {place} fifth" if place else "an OCR line"


SUBJECTS: dict[Who, str] = {
    "last user": "the last user turn",
    "first user": "the first user turn",
    "user": "a user turn",
    "agent": "an agent turn",
}


@dataclass(frozen=True, slots=True)
class TurnText(RuleLiteral):
    """A turn contains a text, or contains it as whole words. Turns without any text do not count as the last or first
    user turn."""

    text: str
    who: Who = "user"
    how: Literal["contains", "contains the word"] = "contains"
    needle: str = field(init=False, repr=False, compare=False)
    """The text as `normalised.Searched` is searched for it, in the form `form`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _checked(self.text))
        object.__setattr__(self, "needle", _needle_of(self.text, self.how))

    @property
    def form(self) -> Form:
        return _form_of(self.how)

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return self.needle in evidence.spoken[self.who].of(self.form)

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return tuple(
            turn.unit
            for turn in evidence.turns
            if self.who in turn.whose and self.needle in turn.searched.of(self.form)
        )

    def __str__(self) -> str:
        return f"{SUBJECTS[self.who]} {_verb(self.text, self.how)} {_quote(self.text)}"


@dataclass(frozen=True, slots=True)
class OcrGroup(RuleLiteral):
    """An OCR line of any picture contains a word of a group (`how_of` says how each is found)."""

    group: WordGroup
    place: Place | None = None
    texts: tuple[OcrText, ...] = field(init=False, repr=False, compare=False)
    """The literals of the single words; this one holds if one of them does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", tuple(OcrText(word, self.place, how_of(word)) for word in self.group.words))

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return any(text.matches(evidence) for text in self.texts)

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return _units_of_any(self.texts, evidence)

    def __str__(self) -> str:
        return f"{_line_at(self.place)} speaks of {OPEN}{self.group.name}{CLOSE}"


@dataclass(frozen=True, slots=True)
class TurnGroup(RuleLiteral):
    """A turn contains a word of a group (`how_of` says how each is found)."""

    group: WordGroup
    who: Who = "user"
    texts: tuple[TurnText, ...] = field(init=False, repr=False, compare=False)
    """The literals of the single words; this one holds if one of them does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", tuple(TurnText(word, self.who, how_of(word)) for word in self.group.words))

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return any(text.matches(evidence) for text in self.texts)

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return _units_of_any(self.texts, evidence)

    def __str__(self) -> str:
        return f"{SUBJECTS[self.who]} speaks of {OPEN}{self.group.name}{CLOSE}"


def _units_of_any(texts: tuple[RuleLiteral, ...], evidence: NormalisedEvidence) -> tuple[Unit, ...]:
    return tuple(sorted({unit for text in texts for unit in text.units(evidence)}))


Fact = Literal["photo", "screenshot", "overlay", "dark", "no text"]
FACTS: dict[Fact, tuple[str, Callable[[PictureFacts], bool]]] = {
    "photo": ("a picture is a photo", lambda facts: facts.kind == "photo"),
    "screenshot": ("a picture is a screenshot", lambda facts: facts.kind == "screenshot"),
    "overlay": ("a picture has an overlay", lambda facts: facts.overlay),
    "dark": ("a picture is dark", lambda facts: facts.dark),
    "no text": ("a picture has no text", lambda facts: not facts.has_text),
}


@dataclass(frozen=True, slots=True)
class PictureFact(RuleLiteral):
    """A yes-or-no fact holds for some picture."""

    fact: Fact

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return any(FACTS[self.fact][1](facts) for facts in evidence.facts)

    def __str__(self) -> str:
        return FACTS[self.fact][0]


Bound = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class LineCount(RuleLiteral):
    """All pictures together have at least, or at most, `lines` OCR lines."""

    bound: Bound
    lines: int

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return _within(len(evidence.lines), self.bound, self.lines)

    def __str__(self) -> str:
        return f"there are {self.bound} {self.lines} OCR lines"


_COLOURS = (
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "black", "grey", "white",
)  # fmt: skip
_MEASURES: dict[str, Callable[[PictureFacts], float]] = {
    "text cover": lambda facts: facts.text_cover,
    "brightness": lambda facts: facts.brightness,
    "saturation": lambda facts: facts.saturation,
    "edge share": lambda facts: facts.edges,
    "height over width": lambda facts: facts.aspect,
    **{
        f"{colour} share": (lambda facts, i=i: facts.colours[i])  # type: ignore[misc]
        for i, colour in enumerate(_COLOURS)
    },
}
MEASURES = tuple(_MEASURES)
"""Names of the numbers that `Measure` compares."""


@dataclass(frozen=True, slots=True)
class Measure(RuleLiteral):
    """A measure of some picture, such as its share of red or its height / width, has a percentage as its bound."""

    name: str
    bound: Bound
    percent: int

    def __post_init__(self) -> None:
        if self.name not in _MEASURES:
            raise ValueError(f"no measure is called {self.name!r}.{did_you_mean(self.name, MEASURES)}")

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return any(_within(self.value(self.name, facts), self.bound, self.percent) for facts in evidence.facts)

    @staticmethod
    def value(name: str, facts: PictureFacts) -> float:
        """The measure in percent (rounded, so that 2.2 is exactly 220%)."""
        return round(100 * _MEASURES[name](facts), 6)

    def __str__(self) -> str:
        return f"a picture's {self.name} is {self.bound} {self.percent}%"


def _within(value: float, bound: Bound, limit: float) -> bool:
    return value >= limit if bound == "at least" else value <= limit


_DATE = r"(?:20\d\d[-./年]\d{1,2}[-./月]\d{1,2}|\d{1,2}月\d{1,2}日|(?<![\d.-])[01]\d-[0-3]\d(?![\d.-]))"
PATTERNS: dict[str, tuple[str, re.Pattern[str]]] = {
    # name: (as printed after 'an OCR line holds', what is searched in a normalised line without spaces)
    "price": ("a price", re.compile(r"[¥￥]\d|\d元")),
    "signed amount": ("a signed amount", re.compile(r"^[-+−]¥?\d[\d,]*\.\d\d$")),
    "date": ("a date", re.compile(_DATE)),
    "timestamp": ("a date with a time", re.compile(_DATE + r"\d\d:\d\d")),
    "long number": ("a number of 16 or more digits", re.compile(r"\d{16,}")),
    "tracking number": (
        "a tracking number",
        re.compile(r"(?:sf|yt|jt|jd|zt|sto|ems|yd)[a-z]{0,3}\d{9,}|(?<!\d)\d{12,15}(?!\d)"),
    ),
    "phone number": (
        "a phone number",
        re.compile(r"(?<!\d)(?:\+?86-?)?1[3-9]\d[\d*]{8}(?!\d)|(?<!\d)1[3-9]\d\*+\d{4}"),
    ),
    "discount": ("a discount", re.compile(r"\d折|满\d+(?:元|件)?减?|减\d+|立减")),
    "percentage": ("a percentage", re.compile(r"\d%")),
    "duration": ("a time left", re.compile(r"\d+天\d+(?:小?时|:)|(?:还剩|剩余|倒计时).{0,6}\d")),
    "quantity": ("a quantity", re.compile(r"[x×]\d+$")),
    "sales": (
        "a sales figure",
        re.compile(r"(?:已售|月销|销量|已抢|已拼)\d|\d[\d.]*万?\+?(?:人付款|人已买|人购买|人收货)"),
    ),
}

_IN_LINES = {name: re.compile(pattern.pattern, re.MULTILINE) for name, (_, pattern) in PATTERNS.items()}
"""The patterns, which match within one line, for lines that are joined by newlines."""


@dataclass(frozen=True, slots=True)
class OcrPattern(RuleLiteral):
    """At least `at_least` OCR lines contain a known pattern, such as a price or a tracking number."""

    pattern: str
    at_least: int = 1

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise ValueError(f"no pattern is called {self.pattern!r}.{did_you_mean(self.pattern, PATTERNS)}")
        if self.at_least < 1:
            raise ValueError(f"a pattern is counted from 1, found {self.at_least}")

    def matches(self, evidence: NormalisedEvidence) -> bool:
        text, at = evidence.ocr[None].characters, 0
        for _ in range(self.at_least):
            found = _IN_LINES[self.pattern].search(text, at)
            if found is None:
                return False
            at = text.index("\n", found.end())
        return True

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        found = PATTERNS[self.pattern][1].search
        return tuple(line.unit for line in evidence.lines if found(without_spaces(line.text)))

    def __str__(self) -> str:
        what = PATTERNS[self.pattern][0]
        if self.at_least == 1:
            return f"an OCR line holds {what}"
        return f"at least {self.at_least} OCR lines hold {what}"
