"""Candidate rules: what the searches of all internal folds found, each with the folds that may judge it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kdsl.config import RulesConfig
from kdsl.rules.cues import Vocabulary
from kdsl.rules.engine import pack
from kdsl.rules.rule import Rule, When
from kdsl.rules.search import Actions, Target, search_label

AGAINST = 0.25
"""Size of the vocabulary of negated literals, as a share of `max_cues`."""
SAME = 0.8
"""Two rules of a label count as equivalent if their firing sets overlap at least so much (Jaccard index)."""


@dataclass
class Candidate:
    """A rule under judgement: its condition, its label's column and its bit set over all samples.

    `folds` are those whose samples were hidden from the search that found it: they may judge it. A rule that a
    person wrote (`by_hand`) was found by none, so all folds may.
    """

    when: When
    owner: int
    bits: int
    folds: set[int] = field(default_factory=set)
    by_hand: Rule | None = None


class Pool:
    """Candidates without repetition: of those of a label that fire on the same samples one is kept, a rule of a
    person before a mined one, a short one before a long one."""

    def __init__(self) -> None:
        self._by_firing: dict[tuple[int, int], Candidate] = {}

    def __len__(self) -> int:
        return len(self._by_firing)

    def add(self, new: Candidate) -> None:
        """Take in a candidate, or the folds it was found in if its like is there already."""
        key = (new.owner, new.bits)
        old = self._by_firing.get(key)
        if old is None:
            self._by_firing[key] = new
        elif old.by_hand is None:
            old.folds |= new.folds
            if _length(new.when) < _length(old.when):
                old.when = new.when

    def all(self) -> list[Candidate]:
        """The candidates, in the order in which their firing sets were first seen."""
        return list(self._by_firing.values())


def _length(when: When) -> tuple[int, int, str]:
    text = str(when)
    return len(when.literals), len(text), text


@dataclass(frozen=True)
class LabelCues:
    """The literals that the search of one label may use: `bits` [a, words], the first `n_positive` as they are, the
    others negated."""

    indices: np.ndarray
    bits: np.ndarray
    n_positive: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, gold: int, shown: int, config: RulesConfig) -> LabelCues:
        """The label's strongest cues among the shown samples, and the strongest against it."""
        cues = vocabulary.of_label(gold, shown, config.max_cues, config.min_support)
        against = vocabulary.against(gold, shown, int(config.max_cues * AGAINST))
        everything = pack([(1 << vocabulary.n) - 1], vocabulary.n)[0]
        bits = np.concatenate([vocabulary.bits[cues], ~vocabulary.bits[against] & everything])
        return cls(np.concatenate([cues, against]), bits, len(cues))

    def when(self, vocabulary: Vocabulary, actions: Sequence[int]) -> When:
        """The condition that a search's actions stand for."""
        literals = [(vocabulary.literals[self.indices[i]], i < self.n_positive) for i in actions]
        return When(
            all=tuple(literal for literal, holds in literals if holds),
            none=tuple(literal for literal, holds in literals if not holds),
        )


def search_conditions(
    vocabulary: Vocabulary, cues: LabelCues, prior: np.ndarray, target: Target, config: RulesConfig, seed: int
) -> Iterable[tuple[When, int]]:
    """The conditions that the tree search finds for one label, each with its bit set over all samples.

    Args:
        prior: [a], over the literals of `cues`.
        target: the samples that the search may see.
    """
    if not cues.n_positive:
        return
    shown = pack([target.shown], vocabulary.n)[0]
    actions = Actions(np.ascontiguousarray((cues.bits & shown).T), np.arange(len(cues.bits)) < cues.n_positive, prior)
    found, _ = search_label(actions, target, config, seed)
    for rule in found:
        held = np.bitwise_and.reduce(cues.bits[list(rule.actions)], axis=0)
        yield cues.when(vocabulary, rule.actions), int.from_bytes(held.tobytes(), "little")


def found_in(candidate: Candidate, others: Iterable[Candidate], labelled: int) -> set[int]:
    """The folds whose search found this rule or an equivalent one (`SAME`) on the labelled samples."""
    folds = set() if candidate.by_hand else set(candidate.folds)
    mine = candidate.bits & labelled
    for other in others:
        if other.owner == candidate.owner and other.by_hand is None:
            theirs = other.bits & labelled
            if (mine & theirs).bit_count() >= SAME * (mine | theirs).bit_count():
                folds |= other.folds
    return folds
