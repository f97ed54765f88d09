"""Evidence as literals see it: texts normalised once, lines sorted by the fifth of the picture they stand in."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from kdsl.data.sample import without_placeholders
from kdsl.evidence.types import Evidence, Picture, PictureFacts, Unit

Place = Literal["top", "upper", "middle", "lower", "bottom"]
"""A horizontal fifth of a picture."""
PLACES: tuple[Place, ...] = get_args(Place)

Who = Literal["last user", "first user", "user", "agent"]
"""Whose turns: the last or first user turn that holds text, any user turn, any agent turn."""
WHO: tuple[Who, ...] = get_args(Who)

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})


def normalise(text: str) -> str:
    """Text as it is matched: NFKC, case folded, without spaces and other characters that are not seen.

    Idempotent, so that a stored text equals its own normal form.
    """
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        folded = "".join(c for c in folded if unicodedata.category(c) not in _UNSEEN)
        if folded == text:
            return text
        text = folded


def utterance(text: str) -> str:
    """A turn's text, normalised, without placeholders such as `<image>` and `<http>`."""
    return normalise(without_placeholders(text))


def place_of(picture: Picture, line: int) -> Place:
    """The fifth of the picture in which a line's centre lies."""
    _, top, _, bottom = picture.lines[line].box
    share = (top + bottom) / 2 / max(picture.height, 1)
    return PLACES[min(max(int(share * 5), 0), 4)]


@dataclass(frozen=True, slots=True)
class SeenLine:
    """An OCR line that holds text once normalised."""

    text: str
    place: Place
    unit: Unit


@dataclass(frozen=True, slots=True)
class SeenTurn:
    """A turn that holds text once normalised, and the positions it has."""

    text: str
    whose: tuple[Who, ...]
    unit: Unit


@dataclass(frozen=True, slots=True)
class NormalisedEvidence:
    """What the literals of a book look at.

    `ocr[place]` and `spoken[who]` join their texts by newlines, one before the first and one after the last:
    a text holds no newline, so one substring test answers 'some line contains' and 'some line reads'.
    """

    lines: tuple[SeenLine, ...]
    turns: tuple[SeenTurn, ...]
    ocr: dict[Place | None, str]
    spoken: dict[Who, str]
    facts: tuple[PictureFacts, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> NormalisedEvidence:
        """Normalise the texts of one evidence."""
        lines = tuple(
            SeenLine(text, place_of(picture, i), ("line", p, i))
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


def _turns(evidence: Evidence) -> tuple[SeenTurn, ...]:
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
        turns.append(SeenTurn(text, tuple(whose), ("turn", 0, i)))
    return tuple(turns)


def _join(texts: list[str]) -> str:
    return "\n" + "".join(f"{text}\n" for text in texts) if texts else ""
