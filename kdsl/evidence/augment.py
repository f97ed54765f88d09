"""Augmentation as in LLM-IR (section 4.2), of text and of pictures, without changing the label.

Dialogues get synonyms, reordering and random deletion; the user's turns keep their order and their meaning. OCR lines
are not paraphrased, because the words on a screen are fixed: they get OCR errors and change places. Pictures are
cropped, rotated, recoloured and get noise, and their OCR boxes move along.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import regex
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.data.picture_view import PictureView
from kdsl.data.sample import PLACEHOLDER, Turn, without_placeholders
from kdsl.errors import ConfigError, faults_of
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import OcrLine, Picture
from kdsl.runs import listed
from kdsl.words import is_word, spaced, whole_words
from kdsl.yaml_files import Loader, read_text

SYNONYM = 0.4
"""Probability that a word with synonyms is replaced."""
SMALL_WORD = 0.3
"""Probability that a filler word of the user is left out."""
AGENT_TURN = 0.15
"""Probability that a turn of the agent is left out."""
USER_TURN = 0.1
"""Probability that a turn of the user is left out; the first and the latest turns always stay."""
LATEST = 3
"""Number of the user's latest turns that always stay."""
SHUFFLE = 0.3
"""Probability that neighbouring turns of the agent, or the sentences of one turn, are shuffled."""
SWAP = 0.08
"""Probability that an OCR line changes places with the next one."""
MISREAD = 0.5
"""Strength of the added OCR errors: half of a usual screenshot's, since these lines contain OCR errors already."""
MIN_AREA = 0.82
"""Smallest share of a picture's area that a crop keeps."""
MAX_ANGLE = 3.0
"""Largest rotation to either side, in degrees: more than in photos of a screen, and text stays readable."""
MAX_LIGHT = 0.2
"""Largest relative change of brightness, contrast and colour."""
MAX_NOISE = 10.0
"""Largest standard deviation of the noise, in 0..255."""

_PIECES = re.compile(f"({PLACEHOLDER.pattern})")
"""Splits a text at its placeholders and keeps them."""
_SENTENCE = re.compile(r".*?(?:[。！？!?；;।؟]+|(?<!\d)\.+(?=\s|$)|$)", re.DOTALL)
"""A sentence with its end. A full stop ends one only before a space and not after a number (3.5, A.B, '1. Press')."""
_SAYS = re.compile(r"\w")
_LEADING = re.compile(r"^[\s，,、。.；;：:！!~～]+")
_CLAUSE_END = r"(?=\s*(?:[，,。.！!？?；;~～]|$))"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    same: list[list[str]]
    small: list[list[str]] = []


@dataclass(frozen=True)
class Words:
    """Synonyms of each word, and the patterns that find words with synonyms and filler words in a text."""

    others: dict[str, tuple[str, ...]]
    find: regex.Pattern[str]
    small: regex.Pattern[str]


@lru_cache(maxsize=4)
def load_words(path: Path) -> Words:
    """Read a file of synonyms; configs/synonyms/customer-service.yaml describes the format.

    Raises:
        ConfigError: the file cannot be read, or has faults (all of them are listed).
    """
    try:
        raw = yaml.load(read_text(path, "a file of synonyms"), Loader)  # a safe loader
        file = _File.model_validate(raw)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: cannot be read as a file of synonyms: {error}") from error
    except ValidationError as error:
        raise _faulty(path, faults_of(error)) from error
    others: dict[str, tuple[str, ...]] = {}
    faults = []
    for group in file.same:
        for word in group:
            if not word.strip():
                faults.append(f"same: a group holds an empty word: {group}")
            if word.lower() in others:
                faults.append(f"same: '{word}' stands in two groups; which of them is meant?")
            others[word.lower()] = tuple(other for other in group if other != word)
    small = {word.lower() for group in file.small for word in group}
    if any(not word.strip() for word in small):
        faults.append("small: a group holds an empty word")
    if faults:
        raise _faulty(path, faults)
    return Words(others, _any_of(others), _any_of(small, _CLAUSE_END))


def augment_turns(turns: Sequence[Turn], words: Words, rng: random.Random) -> tuple[Turn, ...]:
    """The same number of turns, reworded and reordered, with the pictures in the same order.

    Turns that are left out become empty. The user's first turn with text and the latest `LATEST` ones are never
    left out, and the user's turns keep their order. `raw` is not changed.
    """
    telling = [i for i, turn in enumerate(turns) if turn.role == "user" and says_something(turn.text)]
    kept = {*telling[:1], *telling[-LATEST:]}
    said = []
    for i, turn in enumerate(turns):
        chance = AGENT_TURN if turn.role == "agent" else USER_TURN
        if i not in kept and not PLACEHOLDER.search(turn.text) and rng.random() < chance:
            said.append(replace(turn, text=""))
            continue
        said.append(replace(turn, text=_reword(turn, words, rng)))
    return tuple(_reorder(said, rng))


def augment_lines(lines: Sequence[OcrLine], rng: random.Random) -> tuple[OcrLine, ...]:
    """OCR lines with errors: some are lost, joined, cut or misread, and some swap places with the next one."""
    found = list(misread(lines, rng, MISREAD) or lines)
    i = 0
    while i + 1 < len(found):
        if rng.random() < SWAP:
            found[i], found[i + 1] = found[i + 1], found[i]
            i += 1  # a line moves by one place at most
        i += 1
    return tuple(found)


def says_something(text: str) -> bool:
    """Whether a text contains a word other than the placeholders of pictures and links."""
    return bool(_SAYS.search(without_placeholders(text)))


def _reword(turn: Turn, words: Words, rng: random.Random) -> str:
    text = _outside(turn.text, lambda part: words.find.sub(lambda match: _exchange(match, words, rng), part))
    if turn.role == "agent":
        return text
    shorter = _outside(text, lambda part: words.small.sub(lambda m: "" if rng.random() < SMALL_WORD else m[0], part))
    if shorter == text or not says_something(shorter):
        return text
    return " ".join(_LEADING.sub("", shorter).split())


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to the parts of a text between placeholders."""
    return "".join(part if PLACEHOLDER.fullmatch(part) else change(part) for part in _PIECES.split(text))


def _exchange(match: regex.Match[str], words: Words, rng: random.Random) -> str:
    others = words.others[match[0].lower()]
    if not others or rng.random() >= SYNONYM:
        return match[0]
    other = rng.choice(others)
    return other[0].upper() + other[1:] if match[0][0].isupper() else other


def _reorder(turns: Sequence[Turn], rng: random.Random) -> list[Turn]:
    """Shuffle the agent's sentences and neighbouring turns. Turns with pictures stay: prompts number the pictures."""
    ordered: list[Turn] = []
    for movable, run in groupby(turns, lambda turn: turn.role == "agent" and not PLACEHOLDER.search(turn.text)):
        block = list(run)
        if movable:
            block = [replace(turn, text=_shuffled(turn.text, rng)) for turn in block]
            if rng.random() < SHUFFLE:
                rng.shuffle(block)
        ordered += block
    return ordered


def _shuffled(text: str, rng: random.Random) -> str:
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
    if len(sentences) < 2 or rng.random() >= SHUFFLE:
        return text
    rng.shuffle(sentences)
    return " ".join(sentences) if spaced(text) else "".join(sentences)


def _any_of(words: Iterable[str], single: str = "") -> regex.Pattern[str]:
    """A pattern that finds any of the words, longest first, and no part of a word of a script with spaces; `single` is
    appended to words of a single character of another script."""
    found = []
    for word in sorted(words, key=lambda word: (-len(word), word)):
        found.append(whole_words(word) + ("" if len(word) > 1 or is_word(word) else single))
    return regex.compile("|".join(found) or r"(?!)", regex.IGNORECASE | regex.VERSION1)


def _faulty(path: Path, faults: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{path}: {len(faults)} fault(s) in synonyms (expected `same` and `small`, lists of lists of words):\n"
        f"{listed(faults, most=len(faults))}"
    )


def random_view(width: int, height: int, rng: random.Random) -> PictureView:
    """A random view of a picture of this size, in pixels; the crop keeps at least `MIN_AREA` of the area."""
    area = rng.uniform(MIN_AREA, 1)
    wide = area ** rng.random()  # splits the crop at random between width and height
    kept_width, kept_height = min(width, math.ceil(width * wide)), min(height, math.ceil(height * area / wide))
    left, top = rng.randint(0, width - kept_width), rng.randint(0, height - kept_height)
    return PictureView(
        source=(width, height),
        angle=round(rng.uniform(-MAX_ANGLE, MAX_ANGLE), 2),
        crop=(left, top, left + kept_width, top + kept_height),
        brightness=_factor(rng),
        contrast=_factor(rng),
        colour=_factor(rng),
        noise=round(rng.uniform(0, MAX_NOISE), 1),
        noise_seed=rng.randrange(1 << 32),
    )


def seen_through(picture: Picture, view: PictureView) -> Picture:
    """A picture as seen through a view: its size and lines are those of the view, its facts those of the file.

    Lines whose centre lies outside the view are dropped; boxes are moved, and clipped at the edges of the view.
    """
    width, height = view.size
    lines = []
    for line in picture.lines:
        left, top, right, bottom = line.box
        x, y = view.move((left + right) / 2, (top + bottom) / 2)
        if 0 <= x <= width and 0 <= y <= height:
            half_x, half_y = (right - left) / 2, (bottom - top) / 2
            box = (max(0.0, x - half_x), max(0.0, y - half_y), min(width, x + half_x), min(height, y + half_y))
            lines.append(OcrLine(line.text, line.score, box))
    return replace(picture, width=width, height=height, lines=tuple(lines), view=view)


def _factor(rng: random.Random) -> float:
    return round(rng.uniform(1 - MAX_LIGHT, 1 + MAX_LIGHT), 3)
