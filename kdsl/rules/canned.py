"""Replies that agents paste: many samples with one text are one piece of evidence."""

from __future__ import annotations

import re

from kdsl.rules.context import Context
from kdsl.rules.engine import members
from kdsl.rules.literals import TurnGroup, TurnText
from kdsl.rules.rule import When

_NO_LETTERS = re.compile(r"[\W\d_]+")
"""What may differ between two pastes of one reply: amounts, dates, signs."""


def independent(context: Context, when: When, bits: int) -> int:
    """The labelled samples of a bit set of which no two have the same label and the same replies to go by.

    A condition that asks for nothing in an agent's turn goes by no reply: all samples count.
    """
    asked = [literal for literal in when.all if isinstance(literal, TurnText | TurnGroup) and literal.who == "agent"]
    if not asked:
        return bits
    known, kept = set(), 0
    for i in members(bits):
        sample = context.normalised[i]
        units = {unit for literal in asked for unit in literal.units(sample)}
        said = {_NO_LETTERS.sub("", turn.text) for turn in sample.turns if turn.unit in units}
        key = int(context.gold[i]), tuple(sorted(said))
        if key not in known:
            known.add(key)
            kept |= 1 << i
    return kept
