"""Which lines and turns of a sample a prompt keeps when not all of them fit.

Left out first: numbers and single characters in pictures, agents' set phrases, repetitions; then lines from
the middle of pictures (a page says what it is at its top and bottom) beyond half of the room, agents' turns
and users' turns, the oldest first; last of all the first turn of the user and the latest ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kdsl.evidence.types import Evidence

LAST_USER_TURNS = 3
"""So many of the user's latest turns are kept as long as anything else can go."""
OCR_SHARE = 0.5
"""In a dialogue, text of pictures beyond this share of the room goes before any turn that says something."""
LONG_TURN = 160
"""A turn of more characters is taken sentence by sentence, lest one pasted page push out itself."""

_WORD = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+")
_BOILERPLATE = re.compile(
    r"欢迎光临|为您服务|请稍等|稍等一下|感谢您的(?:咨询|支持|等待)|祝您(?:生活|购物)|智能客服|自动回复|转接人工|"
    r"服务评价|^(?:亲|您好|你好|在的|好的|嗯嗯|哦哦)+[，,。.！!~～]*$|"
    r"(?i:welcome to|how (?:can|may) i help|please (?:wait|hold)|thank you for (?:contacting|waiting))"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that is kept or left out whole: an OCR line, a turn, or a sentence of a long turn."""

    kind: Literal["line", "turn"]
    picture: int
    """The picture of a line; 0 for a turn."""
    index: int
    """The line's place in its picture, or the turn's in the dialogue."""
    role: str
    text: str

    @property
    def block(self) -> tuple[str, int]:
        """Pieces of one block stand under one heading."""
        return self.kind, self.picture


def pieces_of(evidence: Evidence, *, ocr: bool) -> list[Piece]:
    """Every line and turn of a sample that holds text, in prompt order; long turns sentence by sentence."""
    lines = [
        Piece("line", p, i, "", line.text)
        for p, picture in enumerate(evidence.pictures if ocr else ())
        for i, line in enumerate(picture.lines)
        if line.text.strip()
    ]
    turns = [
        Piece("turn", 0, i, turn.role, part)
        for i, turn in enumerate(evidence.sample.turns)
        for part in (_SENTENCE.findall(turn.text) if len(turn.text) > LONG_TURN else [turn.text])
        if part.strip()
    ]
    return lines + turns


def choose(
    pieces: Sequence[Piece], costs: Sequence[int], heads: Mapping[tuple[str, int], int], room: int
) -> tuple[list[int], int]:
    """The pieces to keep, in order, and the tokens they take with their headings.

    Args:
        costs: tokens of each piece.
        heads: tokens of the heading of each block; a block without pieces has no heading.
        room: tokens that may be spent.
    """
    left: dict[tuple[str, int], int] = {}
    for piece in pieces:
        left[piece.block] = left.get(piece.block, 0) + 1
    spent = sum(costs) + sum(heads[block] for block in left)
    if spent <= room:
        return list(range(len(pieces))), spent
    gone: set[int] = set()
    ranks = _ranks(pieces, costs, room)
    for i in sorted(range(len(pieces)), key=ranks.__getitem__):
        gone.add(i)
        block = pieces[i].block
        left[block] -= 1
        spent -= costs[i] + (0 if left[block] else heads[block])
        if spent <= room:
            break
    return [i for i in range(len(pieces)) if i not in gone], spent


def _ranks(pieces: Sequence[Piece], costs: Sequence[int], room: int) -> list[tuple[float, ...]]:
    """What goes first has the smallest rank."""
    lines = [piece.index for piece in pieces if piece.kind == "line"]
    length = {p.picture: p.index for p in pieces if p.kind == "line"}  # the last line of each picture
    users = [i for i, piece in enumerate(pieces) if piece.role == "user"]
    telling = {*users[:1], *users[-LAST_USER_TURNS:]}
    ends = {i: min(p.index, length[p.picture] - p.index) for i, p in enumerate(pieces) if p.kind == "line"}
    beyond: set[int] = set()
    if len(lines) < len(pieces):
        share = 0
        for i in sorted(ends, key=lambda i: (ends[i], pieces[i].index)):
            share += costs[i]
            if share > room * OCR_SHARE:
                beyond.add(i)
    ranks: list[tuple[float, ...]] = []
    seen: set[tuple[str, str]] = set()
    for i, piece in enumerate(pieces):
        text = piece.text.strip()
        again = (piece.role, text) in seen
        seen.add((piece.role, text))
        if piece.kind == "line":
            if len(text) == 1 or not _WORD.search(text):
                ranks.append((0, -i))
            else:
                ranks.append((2 if again else 3 if i in beyond else 6, -ends[i], -piece.index))
        elif piece.role == "agent":
            ranks.append((1 if _BOILERPLATE.search(text) else 2 if again else 4, i))
        else:
            ranks.append((7 if i in telling else 2 if again else 5, i))
    return ranks
