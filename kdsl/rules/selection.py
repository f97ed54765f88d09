"""Selection: which of the rules that passed the tests of `soundness` may stand in a book.

A rule has to hold on labelled samples that its search did not see. Weaker rules are let in where no sound rule fires,
so that a book says something of more samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdsl.rules.candidates import Candidate
from kdsl.rules.canned import independent
from kdsl.rules.context import Context
from kdsl.rules.engine import pack, unpack
from kdsl.rules.meaning import described
from kdsl.scores import wilson_interval

LEAST_UNSEEN = 5
"""Unseen samples on which a rule must fire."""
LEAST_DESCRIBED = 2
"""The same for rules of which a word stands in the label's description."""
SOUND = 0.5
"""Lower 95% bound of the precision on unseen samples, above which a rule is sound."""
WEAK = 0.3
"""The same bound for the weaker rules."""
NEAR = 1.5
"""Weight by meaning (`meaning_weights`, mean 1) that a literal of a weaker rule has, if the label has a description."""
WEAK_SHARE = 0.2
"""Weaker rules per sound rule, where they add nothing new but their vote."""
MOSTLY = 2 / 3
"""Share of the unseen samples on which a weaker rule has to be right, if the label has a description."""
REDUNDANT = 0.8
"""A rule is redundant beside another one of its label if the Jaccard index of their firing sets is at least this."""


@dataclass(frozen=True)
class Votes:
    """Candidates on the n labelled samples: `fires` [n, r], `unseen` [n, r] those votes that a search did not see, the
    `share` [r] of the `n_folds` folds that were hidden from a search that found the rule, and the `columns` [r] of the
    rules' labels."""

    fires: np.ndarray
    unseen: np.ndarray
    share: np.ndarray
    columns: np.ndarray
    n_folds: int

    @classmethod
    def of(cls, pool: Sequence[Candidate], n: int, n_folds: int) -> Votes:
        """The votes of all candidates on the first n samples, which are the labelled ones."""
        labelled = (1 << n) - 1
        fires = unpack(pack([candidate.bits & labelled for candidate in pool], n), n).T
        unseen = unpack(pack([candidate.unseen for candidate in pool], n), n).T
        share = np.array([len(candidate.votes) / n_folds for candidate in pool])
        columns = np.array([candidate.column for candidate in pool], dtype=int)
        return cls(fires, unseen, share, columns, n_folds)

    def take(self, indices: Sequence[int]) -> Votes:
        """The votes of some candidates."""
        at = np.array(indices, dtype=int)
        return Votes(self.fires[:, at], self.unseen[:, at], self.share[at], self.columns[at], self.n_folds)


@dataclass(frozen=True)
class Selected:
    """Indices of candidates: those of a person, sound mined ones, and weaker mined ones."""

    by_hand: list[int]
    sound: list[int]
    weaker: list[int]


def holding(context: Context, trimmed: Sequence[Candidate]) -> list[Candidate]:
    """The mined candidates that hold on unseen samples; as they were found, if trimming spoils them."""
    versions = [(candidate, candidate.untrimmed) for candidate in trimmed]
    kept = (next((one for one in both if one and _bound(context, one) is not None), None) for both in versions)
    return [candidate for candidate in kept if candidate is not None]


def select(context: Context, pool: Sequence[Candidate]) -> Selected:
    """The candidates that may stand in the book; which of the weaker ones do is left to `fill_gaps`.

    Args:
        pool: rules of a person, and the mined ones that hold.
    """
    bounds = {i: _bound(context, candidate) or 0.0 for i, candidate in enumerate(pool) if candidate.by_hand is None}
    good = sorted(bounds, key=lambda i: (-round(bounds[i], 2), len(pool[i].when.literals), len(str(pool[i].when)), i))
    kept = _distinct(context, pool, good)
    return Selected(
        [i for i, candidate in enumerate(pool) if candidate.by_hand is not None],
        [i for i in kept if bounds[i] > SOUND],
        [i for i in kept if bounds[i] <= SOUND],
    )


def fill_gaps(context: Context, votes: Votes, selected: Selected) -> list[int]:
    """The weaker rules that are right where no other rule fires, and of the rest up to `WEAK_SHARE` per sound rule."""
    silent = ~votes.unseen[:, selected.by_hand + selected.sound].any(axis=1)
    right = votes.unseen & (context.gold[:, None] == votes.columns)
    left = list(selected.weaker)
    chosen: list[int] = []
    while left:
        gains = right[silent][:, left].sum(axis=0)
        if not gains.any() and len(chosen) >= int(WEAK_SHARE * len(selected.sound)):
            break
        chosen.append(left.pop(int(gains.argmax())))
        silent &= ~votes.unseen[:, chosen[-1]]
    return chosen


def _bound(context: Context, candidate: Candidate) -> float | None:
    """The lower 95% bound of the precision on unseen samples; None if the rule is too weak or fires on too few."""
    support, right = unseen_counts(context, candidate)
    bound = wilson_interval(right, support)[0]
    known = described(candidate.when.all, context.task.labels[candidate.column])
    if support < (LEAST_DESCRIBED if known else LEAST_UNSEEN):
        return None
    if bound <= SOUND:
        told = len(context.task.labels[candidate.column].texts) > 1  # more than its name
        good = bound > WEAK and (not told or right >= MOSTLY * support)
        near = known or not (told and context.embedded) or _near(context, candidate)
        return bound if good and near else None
    return bound


def unseen_counts(context: Context, candidate: Candidate) -> tuple[int, int]:
    """On how many unseen samples a candidate fires, pasted replies counted once, and on how many it is right."""
    unseen = independent(context, candidate.when, candidate.unseen)
    return unseen.bit_count(), (unseen & context.label_bits(candidate.column)).bit_count()


def _near(context: Context, candidate: Candidate) -> bool:
    """Whether a literal is near what the label is described as."""
    searched = (candidate.untrimmed or candidate).when
    return any(weight >= NEAR for _, weight, positive in context.signed(searched, candidate.column) if positive)


def _distinct(context: Context, pool: Sequence[Candidate], order: Sequence[int]) -> list[int]:
    """The candidates in order, without those that are redundant beside an earlier one."""
    kept: list[int] = []
    for i in order:
        mine = pool[i].bits & context.labelled
        theirs = [pool[j].bits & context.labelled for j in kept if pool[j].column == pool[i].column]
        if not any((mine & other).bit_count() >= REDUNDANT * (mine | other).bit_count() for other in theirs):
            kept.append(i)
    return kept
