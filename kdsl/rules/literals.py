"""Literals: the atomic conditions on evidence that rules are made of.

Each has a canonical line of English with its text quoted, such as `an OCR line in the bottom fifth contains
「加入购物车」`. `parse` turns that line back into an equal literal, so the printed rule is exactly the executed one.
Texts are matched and printed in normal form (`kdsl.words.normalise`). `contains` finds a text anywhere, within words
too, and spaces do not count; `contains the word` finds whole words only.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

from kdsl.errors import ConfigError, did_you_mean
from kdsl.evidence.types import Evidence, PictureFacts, Unit
from kdsl.rules.normalised import PLACES, NormalisedEvidence, Place, Searched, Who, spaced_units, without_spaces
from kdsl.words import normalise


class RuleLiteral(ABC):
    """A condition that holds for a sample or does not. Instances are frozen, hashable and comparable."""

    __slots__ = ()

    @abstractmethod
    def matches(self, evidence: NormalisedEvidence) -> bool:
        """Whether the literal holds for normalised evidence."""

    @abstractmethod
    def __str__(self) -> str:
        """The canonical line; `parse` is the inverse."""

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


def _needle_of(text: str, how: How) -> str:
    """What `_finds` searches for a text in normal form."""
    if how == "contains the word":
        return spaced_units(text)
    return f"\n{without_spaces(text)}\n" if how == "reads" else without_spaces(text)


def _finds(needle: str, how: How, searched: Searched) -> bool:
    return needle in (searched.words if how == "contains the word" else searched.characters)


def _verb(text: str, how: How) -> str:
    return "contains the words" if how == "contains the word" and " " in text else how


@dataclass(frozen=True, slots=True)
class OcrText(RuleLiteral):
    """An OCR line of any picture contains a text, contains it as whole words, or is exactly that text."""

    text: str
    place: Place | None = None
    how: How = "contains"
    _needle: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _checked(self.text))
        object.__setattr__(self, "_needle", _needle_of(self.text, self.how))

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return _finds(self._needle, self.how, evidence.ocr[self.place])

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return tuple(
            line.unit
            for line in evidence.lines
            if self.place in (None, line.place) and _finds(self._needle, self.how, line.searched)
        )

    def __str__(self) -> str:
        where = f" in the {self.place} fifth" if self.place else ""
        return f"an OCR line{where} {_verb(self.text, self.how)} {_quote(self.text)}"


_SUBJECTS: dict[Who, str] = {
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
    _needle: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _checked(self.text))
        object.__setattr__(self, "_needle", _needle_of(self.text, self.how))

    def matches(self, evidence: NormalisedEvidence) -> bool:
        return _finds(self._needle, self.how, evidence.spoken[self.who])

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        return tuple(
            turn.unit
            for turn in evidence.turns
            if self.who in turn.whose and _finds(self._needle, self.how, turn.searched)
        )

    def __str__(self) -> str:
        return f"{_SUBJECTS[self.who]} {_verb(self.text, self.how)} {_quote(self.text)}"


Fact = Literal["photo", "screenshot", "overlay", "dark", "no text"]
_FACTS: dict[Fact, tuple[str, Callable[[PictureFacts], bool]]] = {
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
        return any(_FACTS[self.fact][1](facts) for facts in evidence.facts)

    def __str__(self) -> str:
        return _FACTS[self.fact][0]


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
        return len(self.units(evidence)) >= self.at_least

    def units(self, evidence: NormalisedEvidence) -> tuple[Unit, ...]:
        found = PATTERNS[self.pattern][1].search
        return tuple(line.unit for line in evidence.lines if found(without_spaces(line.text)))

    def __str__(self) -> str:
        what = PATTERNS[self.pattern][0]
        if self.at_least == 1:
            return f"an OCR line holds {what}"
        return f"at least {self.at_least} OCR lines hold {what}"


_BY_PHRASE = {phrase: name for name, (phrase, _) in PATTERNS.items()}
_BY_SUBJECT = {subject: who for who, subject in _SUBJECTS.items()}
_BY_FACT = {phrase: fact for fact, (phrase, _) in _FACTS.items()}
_TEXT = r"「(?P<text>(?:[^」]|」」)+)」"
_CONTAINS = "contains(?: the words?)?"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], RuleLiteral]], ...] = (
    (
        re.compile(rf"an OCR line(?: in the (?P<place>{'|'.join(PLACES)}) fifth)? (?P<how>{_CONTAINS}|reads) {_TEXT}"),
        lambda m: OcrText(_unquote(m), m["place"], _how(m)),  # type: ignore[arg-type]
    ),
    (
        re.compile(rf"(?P<subject>{'|'.join(_BY_SUBJECT)}) (?P<how>{_CONTAINS}) {_TEXT}"),
        lambda m: TurnText(_unquote(m), _BY_SUBJECT[m["subject"]], _how(m)),  # type: ignore[arg-type]
    ),
    (re.compile("|".join(_BY_FACT)), lambda m: PictureFact(_BY_FACT[m[0]])),
    (
        re.compile(r"there are (?P<bound>at least|at most) (?P<n>\d+) OCR lines"),
        lambda m: LineCount(m["bound"], int(m["n"])),  # type: ignore[arg-type]
    ),
    (
        re.compile(rf"a picture's (?P<name>{'|'.join(MEASURES)}) is (?P<bound>at least|at most) (?P<n>\d+)%"),
        lambda m: Measure(m["name"], m["bound"], int(m["n"])),  # type: ignore[arg-type]
    ),
    (
        re.compile(rf"an OCR line holds (?P<what>{'|'.join(map(re.escape, _BY_PHRASE))})"),
        lambda m: OcrPattern(_BY_PHRASE[m["what"]]),
    ),
    (
        re.compile(rf"at least (?P<n>\d+) OCR lines hold (?P<what>{'|'.join(map(re.escape, _BY_PHRASE))})"),
        lambda m: OcrPattern(_BY_PHRASE[m["what"]], int(m["n"])),
    ),
)


def _unquote(match: re.Match[str]) -> str:
    return match["text"].replace("」」", "」")


def _how(match: re.Match[str]) -> str:
    return match["how"].removesuffix("s") if "word" in match["how"] else match["how"]


GRAMMAR: tuple[str, ...] = (
    *(f"an OCR line{where} {how} 「…」" for where in ("", " in the bottom fifth") for how in get_args(How)),
    *(f"{subject} {how} 「…」" for subject in _BY_SUBJECT for how in ("contains", "contains the word")),
    *_BY_FACT,
    *(f"there are {bound} 12 OCR lines" for bound in get_args(Bound)),
    *(f"a picture's {name} is at least 20%" for name in MEASURES),
    *(f"an OCR line holds {phrase}" for phrase in _BY_PHRASE),
    "at least 3 OCR lines hold a price",
)
"""One example of every form of literal, for messages and documentation."""


@lru_cache(maxsize=65536)
def parse(line: str) -> RuleLiteral:
    """Parse the line of a literal. Texts in it are normalised, so spaces and capitals do not matter.

    Raises:
        ConfigError: the line has none of the known forms; the message shows the closest one.
    """
    for form, make in _FORMS:
        match = form.fullmatch(line.strip())
        if match:
            try:
                return make(match)
            except ValueError as error:
                raise ConfigError(f"literal '{line}': {error}") from None
    shape = re.sub(_TEXT, "「…」", line.strip())
    hint = did_you_mean(shape, GRAMMAR) or f" Forms are such as '{GRAMMAR[0]}' (docs/rules.md lists all)."
    raise ConfigError(f"'{line}' is not a literal.{hint}")
