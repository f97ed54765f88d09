"""Trimming: of the word groups that a search used as a whole, the words that earn their place in one rule.

A group passes a rule's tests as a whole, so words that never decide anything go along with it. A word stays if it is
right at all, and at least as often as wrong where no better word holds; of what is excluded, right means a sample of
another label. A fold's votes are those of the rule trimmed without that fold, so they stay unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain, count
from operator import or_

import numpy as np

from kdsl.rules.candidates import Candidate, Pool
from kdsl.rules.context import Context
from kdsl.rules.engine import literal_bits
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.rule import When

Text = OcrText | TurnText
Part = tuple[tuple[Text, ...] | RuleLiteral, bool]
"""A literal, or the texts of a group of which one has to hold; and whether it holds or is excluded."""


class Held:
    """On which samples literals and single words of groups hold."""

    def __init__(self, context: Context, literals: Iterable[RuleLiteral]) -> None:
        self._context = context
        self._everything = (1 << len(context.normalised)) - 1
        distinct = {text for literal in literals for text in texts_of(literal)}
        self.bits: Mapping[RuleLiteral, int] = literal_bits(sorted(distinct, key=str), context.normalised)

    def trim(self, parts: Sequence[Part], column: int, shown: int, hidden: int = 0) -> list[Part]:
        """The parts with the words that earn their place on the shown samples; a group that needs no word is left out
        where it is excluded. A word stays, too, if of these samples hidden ones alone hold it: they may tell."""
        of_label = self._context.label_bits(column) & shown
        kept: list[Part] = list(parts)
        for i, (part, holds) in enumerate(parts):
            if isinstance(part, tuple):
                rest = self.all_of([*kept[:i], *kept[i + 1 :]])
                fires = rest & shown
                right, wrong = (fires & of_label, fires & ~of_label) if holds else (fires & ~of_label, fires & of_label)
                words = self._words(part, right, wrong)
                untold = [text for text in part if self.bits[text] & rest & hidden and not self.bits[text] & fires]
                kept[i] = (*words, *untold) or (part[:1] if holds else ()), holds
        return [(part, holds) for part, holds in kept if part != ()]

    def _words(self, texts: Sequence[Text], right: int, wrong: int) -> tuple[Text, ...]:
        """The words that are right at all, and at least as often as wrong where no better word holds; best first."""
        kept, known = [], 0
        for text in sorted(texts, key=lambda text: (-self._count(text, right), self._count(text, wrong))):
            alone = self._count(text, right & ~known), self._count(text, wrong & ~known)
            if self._count(text, right) and alone[0] >= alone[1]:
                kept.append(text)
                known |= self.bits[text]
        return tuple(kept)

    def _count(self, text: Text, samples: int) -> int:
        return (self.bits[text] & samples).bit_count()

    def all_of(self, parts: Sequence[Part]) -> int:
        """Bit set of the samples on which all parts hold."""
        held = self._everything
        for part, holds in parts:
            either = self.any_of(part if isinstance(part, tuple) else (part,))
            held &= either if holds else ~either
        return held

    def any_of(self, texts: Iterable[RuleLiteral]) -> int:
        """Bit set of the samples on which a text or another literal holds."""
        return reduce(or_, (self.bits[text] for text in texts), 0)


def trimmed(
    context: Context, found: Sequence[Candidate], folds: Sequence[int], told: Sequence[np.ndarray], held: Held
) -> list[Candidate]:
    """Mined candidates with trimmed groups, and with the votes of the rules trimmed without the fold that votes.

    A fold votes for a candidate that a search found without it, or that is no chance on the other folds alone: then a
    search for whatever is no chance would have found it, too.

    Args:
        folds: bit set of the labelled samples of each internal fold.
        told: for each fold, which candidates are no chance without it.
    """
    pool = Pool()
    for i, candidate in enumerate(found):
        parts = _parts(candidate.when)
        votes = {
            number: held.all_of(held.trim(parts, candidate.column, context.labelled & ~fold, fold)) & fold
            for number, fold in enumerate(folds)
            if number in candidate.votes or told[number][i]
        }
        whole = held.trim(parts, candidate.column, context.labelled)
        as_found = replace(candidate, votes={number: candidate.bits & folds[number] for number in votes})
        pool.add(Candidate(_when(whole), candidate.column, held.all_of(whole), votes, untrimmed=as_found))
    return pool.all()


def texts_of(literal: RuleLiteral) -> tuple[RuleLiteral, ...]:
    """The texts of a group, any of which is enough; any other literal alone."""
    return literal.texts if isinstance(literal, OcrGroup | TurnGroup) else (literal,)


def _parts(when: When) -> list[Part]:
    signed = [(literal, True) for literal in when.all] + [(literal, False) for literal in when.none]
    return [
        (literal.texts if isinstance(literal, OcrGroup | TurnGroup) else literal, holds) for literal, holds in signed
    ]


def _when(parts: Sequence[Part]) -> When:
    literals = [(literal_of(part), holds) for part, holds in parts]
    return When(
        all=tuple(literal for literal, holds in literals if holds),
        none=tuple(literal for literal, holds in literals if not holds),
    )


def literal_of(part: tuple[Text, ...] | RuleLiteral) -> RuleLiteral:
    """A literal of the words that are left, whose group is named by the first; a single word needs no group."""
    if not isinstance(part, tuple):
        return part
    first = part[0]
    if len(part) == 1:
        return first
    group = WordGroup(first.text, tuple(text.text for text in part))
    return OcrGroup(group, first.place) if isinstance(first, OcrText) else TurnGroup(group, first.who)


def named_apart(conditions: Sequence[When]) -> list[When]:
    """The conditions with groups of which no two have one name and different words.

    A group has the name of its first word; if another group has that, of the first and another one, or a number. Groups
    of the same words are one group, whichever of the words are the better ones in a rule.
    """
    named: dict[frozenset[str], WordGroup] = {}
    taken: dict[str, WordGroup] = {}

    def renamed(literal: RuleLiteral) -> RuleLiteral:
        if not isinstance(literal, OcrGroup | TurnGroup):
            return literal
        words = literal.group.words
        group = named.get(frozenset(words))
        if group is None:
            first = literal.group.name
            pairs = (f"{first}/{other}" for other in chain(words[1:], count(2)))
            group = WordGroup(next(name for name in chain([first], pairs) if name not in taken), words)
            named[frozenset(words)] = taken[group.name] = group
        return replace(literal, group=group)

    return [
        When(all=tuple(map(renamed, when.all)), any=tuple(map(renamed, when.any)), none=tuple(map(renamed, when.none)))
        for when in conditions
    ]
