"""Truncation: selects the lines and turns of a sample that a prompt keeps if not all of them fit.

Left out first: numbers and single characters in pictures, agents' standard phrases, repetitions; then lines from the
middle of pictures (the top and bottom of a page are the most informative) beyond half of the room, agents' turns and
users' turns, the oldest first; last the user's first turn and the latest ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kdsl.evidence.types import Evidence

LAST_USER_TURNS = 3
"""Number of the user's latest turns that are left out last."""
OCR_SHARE = 0.5
"""In a dialogue, text of pictures beyond this share of the room is left out before turns with content."""
LONG_TURN = 160
"""Turns with more characters are split into sentences, so that a long pasted text is not left out as a whole."""

_WORD = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+")
_BOILERPLATE = re.compile(
    r"欢迎光临|为您服务|请稍等|稍等一下|感谢您的(?:咨询|支持|等待)|祝您(?:生活|购物)|智能客服|自动回复|转接人工|"
    r"服务评价|^(?:亲|您好|你好|在的|好的|嗯嗯|哦哦)+[，,。.！!~～]*$|"
    r"(?i:welcome to|how (?:can|may) i help|please (?:wait|hold)|thank you for (?:contacting|waiting))"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit that is kept or left out: an OCR line, a turn, or a sentence of a long turn."""

    kind: Literal["line", "turn"]
    picture: int
    """Index of the line's picture; 0 for a turn."""
    index: int
    """Index of the line in its picture, or of the turn in the dialogue."""
    role: str
    text: str

    @property
    def block(self) -> tuple[str, int]:
        """Key of the block: pieces of one block share a heading."""
        return self.kind, self.picture


def pieces_of(evidence: Evidence, *, ocr: bool) -> list[Piece]:
    """Every line and turn of a sample that has text, in the order of the prompt; long turns as sentences."""
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
    """The indices of the pieces to keep, in order, and the number of their tokens including headings.

    Args:
        costs: tokens per piece.
        heads: tokens of each block's heading, which a block without pieces does not have.
        room: maximum number of tokens.
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
    """Rank of each piece; the smallest rank is left out first."""
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
