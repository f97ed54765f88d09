"""Text augmented as LLM-IR does (section 4.2): synonyms, reordering, random deletion; the label stays true.

Turns of the user keep their order and what they ask. OCR lines are not paraphrased, because a screen's words are
the app's own: they are misread and change places as OCR itself does it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.data.sample import PLACEHOLDER, Turn, without_placeholders
from kdsl.errors import ConfigError, faults_of
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import OcrLine
from kdsl.runs import listed

SYNONYM = 0.4
"""Chance that a word with synonyms is exchanged."""
SMALL_WORD = 0.3
"""Chance that a small word of the user is left out."""
AGENT_TURN = 0.15
"""Chance that a turn of the agent is left out."""
USER_TURN = 0.1
"""Chance that a turn of the user that is neither the first nor among the latest is left out."""
LATEST = 3
"""So many of the user's latest turns are never left out."""
SHUFFLE = 0.3
"""Chance that neighbouring turns of the agent, or the sentences of one, change places."""
SWAP = 0.08
"""Chance that an OCR line changes places with the next one."""
MISREAD = 0.5
"""Strength of OCR's mistakes; 1 is a usual screenshot, and these lines have been read once already."""

_PIECES = re.compile(f"({PLACEHOLDER.pattern})")
"""Cuts a text at its placeholders and keeps them."""
_SENTENCE = re.compile(r"[^。！？!?；;]*[。！？!?；;]+|[^。！？!?；;]+")
_SAYS = re.compile(r"\w")
_LEADING = re.compile(r"^[\s，,、。.；;：:！!~～]+")
_CLAUSE_END = r"(?=\s*(?:[，,。.！!？?；;~～]|$))"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    same: list[list[str]]
    small: list[list[str]] = []


@dataclass(frozen=True)
class Words:
    """Words that may be exchanged (each with what may stand in its place), and patterns that find them."""

    others: dict[str, tuple[str, ...]]
    find: re.Pattern[str]
    small: re.Pattern[str]


@lru_cache(maxsize=4)
def load_words(path: Path) -> Words:
    """Read a file of synonyms; configs/synonyms/customer-service.yaml says what it holds.

    Raises:
        ConfigError: the file cannot be read, or holds faults (all of them are listed).
    """
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
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
    """Turns said another way: as many, with the pictures in the same order; what is left out becomes empty.

    The user's first turn that says something and the latest three are never emptied, and the user's turns
    keep their order. `raw` stays with the turn verbatim.
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
    """OCR lines read once more: some are lost, joined, cut or misread, and some swap with the next one."""
    found = list(misread(lines, rng, MISREAD) or lines)
    i = 0
    while i + 1 < len(found):
        if rng.random() < SWAP:
            found[i], found[i + 1] = found[i + 1], found[i]
            i += 1  # a line moves by one place at most
        i += 1
    return tuple(found)


def says_something(text: str) -> bool:
    """Whether a turn holds a word besides the placeholders of pictures and links."""
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
    """Change what stands outside of placeholders."""
    return "".join(part if PLACEHOLDER.fullmatch(part) else change(part) for part in _PIECES.split(text))


def _exchange(match: re.Match[str], words: Words, rng: random.Random) -> str:
    others = words.others[match[0].lower()]
    if not others or rng.random() >= SYNONYM:
        return match[0]
    other = rng.choice(others)
    return other[0].upper() + other[1:] if match[0][0].isupper() else other


def _reorder(turns: Sequence[Turn], rng: random.Random) -> list[Turn]:
    """Shuffle the agent's sentences and neighbouring turns; those with pictures stay, as prompts number pictures."""
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
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    if len(sentences) < 2 or rng.random() >= SHUFFLE:
        return text
    rng.shuffle(sentences)
    return " ".join(sentences) if text.isascii() else "".join(sentences)


def _any_of(words: Iterable[str], single: str = "") -> re.Pattern[str]:
    """A pattern that finds the words, the longest first; `single` must follow those of one hanzi."""
    found = []
    for word in sorted(words, key=lambda word: (-len(word), word)):
        pattern = re.escape(word)
        if word.isascii():
            pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
        elif len(word) == 1:
            pattern += single
        found.append(pattern)
    return re.compile("|".join(found) or r"(?!)", re.IGNORECASE)


def _faulty(path: Path, faults: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{path}: {len(faults)} fault(s) in synonyms (expected `same` and `small`, lists of lists of words):\n"
        f"{listed(faults, most=len(faults))}"
    )
