"""Candidate rules: what the searches of all internal folds found, each with the folds on which it is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import or_

import numpy as np

from kdsl.config import RulesConfig
from kdsl.rules.cues import Vocabulary
from kdsl.rules.engine import pack
from kdsl.rules.rule import Rule, When
from kdsl.rules.search import Actions, Target, search_label

AGAINST = 0.25
"""Size of the vocabulary of negated literals, as a share of `max_cues`."""
SAME = 0.8
"""Two rules of a label count as equivalent if the Jaccard index of their firing sets is at least this."""


@dataclass
class Candidate:
    """A candidate rule: its condition, its label's column, and the bit set of the samples on which it fires.

    `votes` has each fold that was hidden from a search that found it, and the samples of that fold on which it fires. A
    rule that a person wrote (`by_hand`) was not found by a search and is evaluated on all folds.
    """

    when: When
    column: int
    bits: int
    votes: dict[int, int]
    by_hand: Rule | None = None
    untrimmed: Candidate | None = None
    """The candidate that the search found, if this one is what `trim` left of it."""

    @property
    def folds(self) -> set[int]:
        """The folds on which it can be evaluated."""
        return set(self.votes)

    @property
    def unseen(self) -> int:
        """Bit set of the samples on which it fires although a search that found it did not see them."""
        return reduce(or_, self.votes.values(), 0)


class Pool:
    """Distinct candidates: of the candidates for a label that fire on the same samples one is kept. Rules that a
    person wrote take precedence over mined ones, short ones over long ones."""

    def __init__(self) -> None:
        self._by_firing: dict[tuple[int, int], Candidate] = {}

    def __len__(self) -> int:
        return len(self._by_firing)

    def add(self, new: Candidate) -> None:
        """Add a candidate; if an equal one is there already, only its votes on other folds are added to that one."""
        key = (new.column, new.bits)
        old = self._by_firing.get(key)
        if old is None:
            self._by_firing[key] = new
        elif old.by_hand is None:
            old.votes = new.votes | old.votes
            if _length(new.when) < _length(old.when):
                old.when = new.when

    def all(self) -> list[Candidate]:
        """The candidates, in the order in which they were first added."""
        return list(self._by_firing.values())


def _length(when: When) -> tuple[int, int, str]:
    text = str(when)
    return len(when.literals), len(text), text


@dataclass(frozen=True)
class LabelCues:
    """The literals that the search for one label may use: `bits` [a, words]. The first `n_positive` are used as they
    are, the others negated."""

    indices: np.ndarray
    bits: np.ndarray
    n_positive: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, gold: int, shown: int, config: RulesConfig) -> LabelCues:
        """The strongest cues for the label and the strongest against it, by the shown samples."""
        cues = vocabulary.of_label(gold, shown, config.max_cues, config.min_support)
        against = vocabulary.against(gold, shown, int(config.max_cues * AGAINST))
        everything = pack([(1 << vocabulary.n) - 1], vocabulary.n)[0]
        bits = np.concatenate([vocabulary.bits[cues], ~vocabulary.bits[against] & everything])
        return cls(np.concatenate([cues, against]), bits, len(cues))

    def when(self, vocabulary: Vocabulary, actions: Sequence[int]) -> When:
        """The condition that the actions of a search stand for."""
        literals = [(vocabulary.literals[self.indices[i]], i < self.n_positive) for i in actions]
        return When(
            all=tuple(literal for literal, holds in literals if holds),
            none=tuple(literal for literal, holds in literals if not holds),
        )


def search_conditions(
    vocabulary: Vocabulary, cues: LabelCues, prior: np.ndarray, target: Target, config: RulesConfig, seed: int
) -> Iterable[tuple[When, int]]:
    """The conditions that the tree search finds for one label, and all simpler ones made of parts of them.

    Each comes with the bit set of the samples on which it holds.

    Args:
        prior: [a], the prior over the literals of `cues`.
        target: the samples that the search may see.
    """
    if not cues.n_positive:
        return
    shown = pack([target.shown], vocabulary.n)[0]
    actions = Actions(np.ascontiguousarray((cues.bits & shown).T), np.arange(len(cues.bits)) < cues.n_positive, prior)
    found, _ = search_label(actions, target, config, seed)
    simpler = (
        part for rule in found for k in range(1, len(rule.actions) + 1) for part in combinations(rule.actions, k)
    )
    for part in dict.fromkeys(simpler):
        if any(action < cues.n_positive for action in part):
            held = np.bitwise_and.reduce(cues.bits[list(part)], axis=0)
            yield cues.when(vocabulary, part), int.from_bytes(held.tobytes(), "little")


def found_in(candidate: Candidate, others: Iterable[Candidate], labelled: int) -> set[int]:
    """The folds whose search found this rule or an equivalent one (`SAME`), by the labelled samples."""
    folds = set() if candidate.by_hand else set(candidate.folds)
    mine = candidate.bits & labelled
    for other in others:
        if other.column == candidate.column and other.by_hand is None:
            theirs = other.bits & labelled
            if (mine & theirs).bit_count() >= SAME * (mine | theirs).bit_count():
                folds |= other.folds
    return folds
