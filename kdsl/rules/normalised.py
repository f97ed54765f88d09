"""`NormalisedEvidence`: evidence prepared for literals, with normalised texts and each line's position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self, get_args

from kdsl.data.sample import without_placeholders
from kdsl.evidence.types import Evidence, Picture, PictureFacts, Unit
from kdsl.words import normalise, units

Place = Literal["top", "upper", "middle", "lower", "bottom"]
"""A fifth of a picture's height."""
PLACES: tuple[Place, ...] = get_args(Place)

Who = Literal["last user", "first user", "user", "agent"]
"""Which turns: the last or first user turn that has text, any user turn, any agent turn."""
WHO: tuple[Who, ...] = get_args(Who)

Form = Literal["characters", "words"]
"""A form in which texts are searched; see `Searched`."""
FORMS: tuple[Form, ...] = get_args(Form)

Field = Place | Who | None
"""What is searched in a sample: the lines at a place, all lines (None), or the turns of a speaker."""


@lru_cache(maxsize=1 << 13)
def _prepared(text: str) -> tuple[str, Searched]:
    """A text's normal form, and what is searched of it.

    Cached because the scores of a sample and the rules that fired on it are two questions, and screens of one shop
    share many lines.
    """
    normal = normalise(text)
    return normal, Searched.one(normal)


def place_of(picture: Picture, line: int) -> Place:
    """The fifth of the picture that contains a line's centre."""
    _, top, _, bottom = picture.lines[line].box
    share = (top + bottom) / 2 / max(picture.height, 1)
    return PLACES[min(max(int(share * 5), 0), 4)]


@dataclass(frozen=True, slots=True)
class Searched:
    """Texts in the two forms in which literals are searched, each text between two newlines.

    Texts contain no newline, so one substring test answers 'some text contains' and 'some text reads'.
    """

    characters: str
    """The texts without spaces."""
    words: str
    """The texts' units (`kdsl.words.units`), each between two spaces."""

    def of(self, form: Form) -> str:
        """The texts in one form."""
        return self.words if form == "words" else self.characters

    @classmethod
    def one(cls, text: str) -> Self:
        """One text in normal form."""
        return cls(f"\n{without_spaces(text)}\n", f"\n{spaced_units(text)}\n")

    @classmethod
    def joined(cls, parts: Iterable[Searched]) -> Self:
        """All texts of the parts."""
        parts = list(parts)
        if not parts:
            return cls("", "")
        return cls(
            "\n" + "".join(part.characters[1:] for part in parts), "\n" + "".join(part.words[1:] for part in parts)
        )


def without_spaces(text: str) -> str:
    """A text in normal form without the spaces between its words."""
    return text.replace(" ", "")


def spaced_units(text: str) -> str:
    """The units of a text in normal form, each between two spaces, so that a substring test finds whole words."""
    return f" {' '.join(units(text))} "


@dataclass(frozen=True, slots=True)
class NormalisedLine:
    """An OCR line whose normal form is not empty."""

    text: str
    searched: Searched
    place: Place
    unit: Unit


@dataclass(frozen=True, slots=True)
class NormalisedTurn:
    """A turn whose normal form is not empty, and the groups of turns that it belongs to."""

    text: str
    searched: Searched
    whose: tuple[Who, ...]
    unit: Unit


@dataclass(frozen=True, slots=True)
class NormalisedEvidence:
    """The input of literals: normalised lines and turns, and the facts of the pictures.

    `ocr[place]` and `spoken[who]` hold the texts of all lines at a place and of all turns of a speaker.
    """

    lines: tuple[NormalisedLine, ...]
    turns: tuple[NormalisedTurn, ...]
    ocr: dict[Place | None, Searched]
    spoken: dict[Who, Searched]
    facts: tuple[PictureFacts, ...]

    def searched(self, field: Field) -> Searched:
        """The texts of a field."""
        return self.spoken[field] if field in self.spoken else self.ocr[field]  # type: ignore[index]

    @classmethod
    def of(cls, evidence: Evidence) -> NormalisedEvidence:
        """Normalise the texts of evidence."""
        lines = tuple(
            NormalisedLine(text, searched, place_of(picture, i), ("line", p, i))
            for p, picture in enumerate(evidence.pictures)
            for i, line in enumerate(picture.lines)
            for text, searched in (_prepared(line.text),)
            if text
        )
        turns = _turns(evidence)
        ocr: dict[Place | None, Searched] = {None: Searched.joined(line.searched for line in lines)}
        for place in PLACES:
            ocr[place] = Searched.joined(line.searched for line in lines if line.place == place)
        spoken = {who: Searched.joined(turn.searched for turn in turns if who in turn.whose) for who in WHO}
        return cls(lines, turns, ocr, spoken, tuple(picture.facts for picture in evidence.pictures))


def _turns(evidence: Evidence) -> tuple[NormalisedTurn, ...]:
    texts = [
        (i, turn.role, *_prepared(without_placeholders(turn.text))) for i, turn in enumerate(evidence.sample.turns)
    ]
    users = [i for i, role, text, _ in texts if role == "user" and text]
    turns = []
    for i, role, text, searched in texts:
        if not text:
            continue
        whose: list[Who] = [role]
        if users and i == users[0]:
            whose.append("first user")
        if users and i == users[-1]:
            whose.append("last user")
        turns.append(NormalisedTurn(text, searched, tuple(whose), ("turn", 0, i)))
    return tuple(turns)
