"""`NormalisedEvidence`: evidence prepared for literals, with normalised texts and each line's position."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from kdsl.data.sample import without_placeholders
from kdsl.evidence.types import Evidence, Picture, PictureFacts, Unit

Place = Literal["top", "upper", "middle", "lower", "bottom"]
"""A fifth of a picture's height."""
PLACES: tuple[Place, ...] = get_args(Place)

Who = Literal["last user", "first user", "user", "agent"]
"""Which turns: the last or first user turn that has text, any user turn, any agent turn."""
WHO: tuple[Who, ...] = get_args(Who)

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})


def normalise(text: str) -> str:
    """The normal form of a text: NFKC, case folded, without spaces and invisible characters.

    The function is idempotent.
    """
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        folded = "".join(c for c in folded if unicodedata.category(c) not in _UNSEEN)
        if folded == text:
            return text
        text = folded


def utterance(text: str) -> str:
    """The normal form of a turn's text, without placeholders such as `<image>` and `<http>`."""
    return normalise(without_placeholders(text))


def place_of(picture: Picture, line: int) -> Place:
    """The fifth of the picture that contains a line's centre."""
    _, top, _, bottom = picture.lines[line].box
    share = (top + bottom) / 2 / max(picture.height, 1)
    return PLACES[min(max(int(share * 5), 0), 4)]


@dataclass(frozen=True, slots=True)
class NormalisedLine:
    """An OCR line whose normal form is not empty."""

    text: str
    place: Place
    unit: Unit


@dataclass(frozen=True, slots=True)
class NormalisedTurn:
    """A turn whose normal form is not empty, and the groups of turns that it belongs to."""

    text: str
    whose: tuple[Who, ...]
    unit: Unit


@dataclass(frozen=True, slots=True)
class NormalisedEvidence:
    """The input of literals: normalised lines and turns, and the facts of the pictures.

    `ocr[place]` and `spoken[who]` are the texts of lines and turns joined by newlines, with one at the start and one
    at the end. Texts contain no newline, so one substring test answers 'some line contains' and 'some line reads'.
    """

    lines: tuple[NormalisedLine, ...]
    turns: tuple[NormalisedTurn, ...]
    ocr: dict[Place | None, str]
    spoken: dict[Who, str]
    facts: tuple[PictureFacts, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> NormalisedEvidence:
        """Normalise the texts of evidence."""
        lines = tuple(
            NormalisedLine(text, place_of(picture, i), ("line", p, i))
            for p, picture in enumerate(evidence.pictures)
            for i, line in enumerate(picture.lines)
            if (text := normalise(line.text))
        )
        turns = _turns(evidence)
        ocr: dict[Place | None, str] = {None: _join([line.text for line in lines])}
        for place in PLACES:
            ocr[place] = _join([line.text for line in lines if line.place == place])
        spoken = {who: _join([turn.text for turn in turns if who in turn.whose]) for who in WHO}
        return cls(lines, turns, ocr, spoken, tuple(picture.facts for picture in evidence.pictures))


def _turns(evidence: Evidence) -> tuple[NormalisedTurn, ...]:
    texts = [(i, turn.role, utterance(turn.text)) for i, turn in enumerate(evidence.sample.turns)]
    users = [i for i, role, text in texts if role == "user" and text]
    turns = []
    for i, role, text in texts:
        if not text:
            continue
        whose: list[Who] = [role]
        if users and i == users[0]:
            whose.append("first user")
        if users and i == users[-1]:
            whose.append("last user")
        turns.append(NormalisedTurn(text, tuple(whose), ("turn", 0, i)))
    return tuple(turns)


def _join(texts: list[str]) -> str:
    return "\n" + "".join(f"{text}\n" for text in texts) if texts else ""
