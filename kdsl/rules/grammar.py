"""`parse`: from the canonical line of a literal to the literal. The inverse is `str`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import get_args

from kdsl.errors import ConfigError, did_you_mean
from kdsl.rules.groups import CLOSE, OPEN, WordGroup
from kdsl.rules.literals import (
    FACTS,
    MEASURES,
    PATTERNS,
    SUBJECTS,
    Bound,
    How,
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnGroup,
    TurnText,
)
from kdsl.rules.normalised import PLACES
from kdsl.words import normalise

_BY_PHRASE = {phrase: name for name, (phrase, _) in PATTERNS.items()}
_BY_SUBJECT = {subject: who for who, subject in SUBJECTS.items()}
_BY_FACT = {phrase: fact for fact, (phrase, _) in FACTS.items()}
_TEXT = r"「(?P<text>(?:[^」]|」」)+)」"
_NAME = rf"{OPEN}(?P<name>[^{OPEN}{CLOSE}]+){CLOSE}"
_CONTAINS = "contains(?: the words?)?"
_LINE = rf"an OCR line(?: in the (?P<place>{'|'.join(PLACES)}) fifth)?"
_TURN = rf"(?P<subject>{'|'.join(_BY_SUBJECT)})"
_GROUP_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], WordGroup], RuleLiteral]], ...] = (
    (re.compile(rf"{_LINE} speaks of {_NAME}"), lambda m, group: OcrGroup(group, m["place"])),  # type: ignore[arg-type]
    (re.compile(rf"{_TURN} speaks of {_NAME}"), lambda m, group: TurnGroup(group, _BY_SUBJECT[m["subject"]])),
)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], RuleLiteral]], ...] = (
    (
        re.compile(rf"{_LINE} (?P<how>{_CONTAINS}|reads) {_TEXT}"),
        lambda m: OcrText(_unquote(m), m["place"], _how(m)),  # type: ignore[arg-type]
    ),
    (
        re.compile(rf"{_TURN} (?P<how>{_CONTAINS}) {_TEXT}"),
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


FORMS = tuple(form for form, _ in (*_GROUP_FORMS, *_FORMS))
"""The patterns of the lines of literals, one per form."""


def _unquote(match: re.Match[str]) -> str:
    return match["text"].replace("」」", "」")


def _how(match: re.Match[str]) -> str:
    return match["how"].removesuffix("s") if "word" in match["how"] else match["how"]


GRAMMAR: tuple[str, ...] = (
    *(f"an OCR line{where} {how} 「…」" for where in ("", " in the bottom fifth") for how in get_args(How)),
    *(f"{subject} {how} 「…」" for subject in _BY_SUBJECT for how in ("contains", "contains the word")),
    *(f"{subject} speaks of {OPEN}…{CLOSE}" for subject in ("an OCR line", "an OCR line in the bottom fifth")),
    *(f"{subject} speaks of {OPEN}…{CLOSE}" for subject in _BY_SUBJECT),
    *_BY_FACT,
    *(f"there are {bound} 12 OCR lines" for bound in get_args(Bound)),
    *(f"a picture's {name} is at least 20%" for name in MEASURES),
    *(f"an OCR line holds {phrase}" for phrase in _BY_PHRASE),
    "at least 3 OCR lines hold a price",
)
"""One example of every form of literal, for messages and documentation."""


def parse(line: str, groups: Mapping[str, WordGroup | None] | None = None) -> RuleLiteral:
    """Parse the line of a literal. Texts in it are normalised, so spaces and capitals do not matter.

    Args:
        groups: the word groups that the line may name, by their names in normal form; None stands for one with faults.

    Raises:
        ConfigError: the line has none of the known forms, and the message shows the closest one; or it names a group
            that is not there.
    """
    for form, make in _GROUP_FORMS:
        if match := form.fullmatch(line.strip()):
            try:
                return make(match, _named(match["name"], groups or {}))
            except ValueError as error:
                raise ConfigError(f"literal '{line}': {error}") from None
    return _parse(line)


def _named(name: str, groups: Mapping[str, WordGroup | None]) -> WordGroup:
    clean = normalise(name)
    group = groups.get(clean)
    if group is not None:
        return group
    if clean in groups:
        raise ValueError(f"the group '{clean}' has faults of its own")
    known = ", ".join(groups) or "none"
    raise ValueError(
        f"no group is called '{clean}'.{did_you_mean(clean, groups)} A book lists its groups under `groups`; "
        f"there: {known}."
    )


@lru_cache(maxsize=65536)
def _parse(line: str) -> RuleLiteral:
    for form, make in _FORMS:
        match = form.fullmatch(line.strip())
        if match:
            try:
                return make(match)
            except ValueError as error:
                raise ConfigError(f"literal '{line}': {error}") from None
    shape = re.sub(_NAME, f"{OPEN}…{CLOSE}", re.sub(_TEXT, "「…」", line.strip()))
    forms = f" Forms are such as '{GRAMMAR[0]}' and 'a user turn contains 「…」' (docs/rules.md lists all)."
    hint = did_you_mean(shape, GRAMMAR) or forms
    raise ConfigError(f"'{line}' is not a literal.{hint}")
