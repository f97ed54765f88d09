"""Styles of typing: rewrites a neutral phrase as stiff, loose, misspelt, run-on, clipped or plain."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from kdsl.world.dialogues.grammar import Scope
from kdsl.world.dialogues.phrasebook import Words, phrasebook

REGISTERS = {"plain": 38, "stiff": 30, "loose": 14, "typo": 8, "run_on": 6, "old": 4}
"""Weights. A good part of the field's public data was paraphrased by a machine, hence the many stiff ones."""

_ASKING = re.compile(r"吗|呢|什么|怎|哪|几|多少|多[大久长]|何|啥|是否|能否|不[^，]*吗$|还是|有没有|会不会|能不能")
_TWICE_ASKED = re.compile(r"((?:是否|能否|可否|有无|如何|何时).*)吗$")
_CLOSED = re.compile(r"[？?。！!~…]$|/:\S+$|谢谢$|😂$")


@lru_cache(maxsize=8)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True)))


def rewrite(text: str, table: Mapping[str, Sequence[str]], rate: float, rng: random.Random) -> str:
    """Replace each known string, the longest first, with one of its stand-ins with probability `rate`."""

    def stand_in(match: re.Match[str]) -> str:
        return rng.choice(table[match[0]]) if rng.random() < rate else match[0]

    return _pattern(tuple(table)).sub(stand_in, text)


def _slip(text: str, table: Words, rng: random.Random) -> str:
    text = rewrite(text, table, 0.35, rng)
    if len(text) > 6 and rng.random() < 0.25:
        place = rng.randrange(1, len(text) - 1)
        text = rng.choice((text[:place] + text[place + 1 :], text[:place] + text[place] + text[place:]))
    return text


def speak(phrase: str, scope: Scope, rng: random.Random) -> str:
    """The phrase as one shopper would type it: register, opening, closing, punctuation."""
    voice = phrasebook().voice
    register = rng.choices(list(REGISTERS), list(REGISTERS.values()))[0]
    text = phrase
    if register == "stiff":
        text = _TWICE_ASKED.sub(r"\1", rewrite(text, voice.stiff, 0.6, rng))
    elif register == "loose":
        text = rewrite(text, voice.loose, 0.6, rng)
    elif register == "typo":
        text = _slip(text, voice.typo, rng)
    elif register == "old":
        text = "".join(voice.old.get(char, char) for char in text)
    if rng.random() < 0.24:
        text = scope.fill(rng.choice(voice.before)) + text
    if rng.random() < 0.1:
        text += scope.fill(rng.choice(voice.after))
    if register == "run_on":
        return re.sub(r"[，、？]", "", rng.choice(voice.filler) + text)
    return _punctuate(text, register, rng)


def _punctuate(text: str, register: str, rng: random.Random) -> str:
    if _CLOSED.search(text):
        return text
    if _ASKING.search(text):
        marks, weights = ("？", "", "?", "。", "？？"), (55, 32, 6, 4, 3)
    else:
        marks, weights = ("", "。", "！", "？", "..."), (56, 28, 5, 8, 3)
    if register == "stiff":
        weights = (70, 15, 3, 10, 2) if marks[0] == "？" else (35, 55, 2, 8, 0)
    return text + rng.choices(marks, weights)[0]
