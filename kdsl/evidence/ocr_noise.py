"""A noise model of OCR: turns exact lines of text into lines as an OCR engine might read them.

Models and rules trained on exact lines fail on real ones, in which lines are lost, joined and cut, characters are
confused, and scores vary.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from kdsl.evidence.types import Box, OcrLine
from kdsl.words import spaced

# Characters of similar shape, which OCR engines confuse.
_ALIKE = (
    "己已巳 日曰目 未末 士土 人入 大太犬 天夫 千干于 贝见 办力 云去 元无 今令 鸟乌 拔拨 侍待 折拆 治冶 "
    "准淮 免兔 氏民 历厉 住往 外处 问间 清请情 货贷 贸贺 帐账 付什 申甲由田 券卷劵 单早 退返 收牧 快块 "
    "递逆 裹裏 买卖 家豕 享亨 服报 换唤 折析 满潢 减咸 直首 宝室 颜额 尺R 号写 品吕 口囗 0OoQ 1lI| 5S 8B "
    "2Z 6b ：: ，, （( ）) ！! ￥¥Y -一— >》 "
)
_SWAPS = {char: group.replace(char, "") for group in _ALIKE.split() for char in group}
_LOST_SPACE = 0.7
"""Chance that a space is lost in a script that puts none between words."""
_LOST_SPACE_OF_WORDS = 0.1
"""Chance that a space between words is lost."""
_CLUTTER = (
    "三",
    "<",
    "く",
    "口",
    "×",
    "X",
    "C",
    "へ",
    "O",
    "!!!",
    "品",
    "N",
    "ん",
    "①",
    "●",
    "一",
    "=",
    "夫",
    "+",
    "1",
)
"""Icons read as text."""


class TextLine(Protocol):
    """A text and its position: `box` is (left, top, right, bottom) in pixels."""

    @property
    def text(self) -> str: ...

    @property
    def box(self) -> Box: ...


def misread(lines: Sequence[TextLine], rng: random.Random, strength: float = 1.0) -> tuple[OcrLine, ...]:
    """The lines as an OCR engine might read them, in the order given.

    Lines of a picture that is written in words mostly keep their spaces, and are cut and joined between words.

    Args:
        strength: 0 keeps the text unchanged (scores still vary), 1 is a usual phone screenshot, 2 a bad photo.
    """
    read: list[OcrLine] = []
    of_words = spaced("\n".join(line.text for line in lines))
    lost_space = (_LOST_SPACE_OF_WORDS if of_words else _LOST_SPACE) * min(strength, 1.0)
    for line in lines:
        if rng.random() < 0.05 * strength:
            continue
        text, wrong = _letters(line.text, rng, strength, lost_space)
        if not text:
            continue
        score = round(max(0.45, min(1.0, 0.9999 - rng.expovariate(60) - wrong * rng.uniform(0.02, 0.12))), 4)
        fresh = OcrLine(text, score, line.box)
        before = read[-1] if read else None
        if before and _beside(before.box, line.box) and rng.random() < 0.25 * strength:
            gap = rng.choice(("", "", " "))
            joined = before.text + (" " if of_words else gap) + text
            read[-1] = OcrLine(joined, min(before.score, score), _around(before.box, line.box))
        elif len(text) > 7 and rng.random() < 0.03 * strength:
            read.extend(_cut(fresh, rng, of_words))
        else:
            read.append(fresh)
    for _ in range(rng.randrange(3) if strength and read and rng.random() < 0.6 * strength else 0):
        read.insert(rng.randrange(len(read) + 1), _clutter(rng.choice(read), rng))
    return tuple(read)


def _letters(text: str, rng: random.Random, strength: float, lost_space: float) -> tuple[str, int]:
    """The text with some characters confused or lost, and the number of these errors."""
    out: list[str] = []
    wrong = 0
    for char in text:
        chance = rng.random()
        if char == " " and chance < lost_space:
            continue
        if chance < 0.008 * strength:
            wrong += 1
            continue
        if char in _SWAPS and chance < 0.05 * strength:
            char = rng.choice(_SWAPS[char])
            wrong += 1
        out.append(char)
    return "".join(out).strip(), wrong


def _beside(first: Box, second: Box) -> bool:
    """Whether the second box directly follows the first in the same row."""
    height = max(first[3] - first[1], 1.0)
    return abs(first[1] - second[1]) < 0.4 * height and -height < second[0] - first[2] < 1.6 * height


def _around(first: Box, second: Box) -> Box:
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def _cut(line: OcrLine, rng: random.Random, of_words: bool) -> list[OcrLine]:
    """A line in two, at any character, or `of_words` at the next space, if there is one."""
    at = rng.randrange(2, len(line.text) - 2)
    rest = line.text[at:]
    if of_words:
        at = max(at, line.text.find(" ", at))
        rest = line.text[at:].lstrip()
    left, top, right, bottom = line.box
    middle = left + (right - left) * at / len(line.text)
    return [
        replace(line, text=line.text[:at], box=(left, top, middle, bottom)),
        replace(line, text=rest, box=(middle, top, right, bottom)),
    ]


def _clutter(near: OcrLine, rng: random.Random) -> OcrLine:
    """An icon next to a line, read as a character."""
    left, top, _, bottom = near.box
    side = bottom - top
    at = max(0.0, left - 2 * side)
    return OcrLine(rng.choice(_CLUTTER), round(rng.uniform(0.5, 0.95), 4), (at, top, at + side, bottom))
