"""Selection: which of the rules that the searches found may stand in a book.

A rule has to hold on labelled samples that its search did not see, must not be chance (`significance`), and each of
its literals must be worth its place. Weaker rules are let in where no sound rule fires, so that a book says something
of more samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import hypergeom

from kdsl.rules.candidates import Candidate
from kdsl.rules.context import Context
from kdsl.rules.cues import LINES_STEP, PERCENT_STEP
from kdsl.rules.engine import condition_bits, pack, unpack
from kdsl.rules.literals import LineCount, Measure, RuleLiteral
from kdsl.rules.meaning import described
from kdsl.rules.significance import Counts, Q, significant
from kdsl.scores import wilson_interval

LEAST_UNSEEN = 5
"""Unseen samples on which a rule must fire; fewer, all of them right, if its words stand in the label's description."""
LEAST_DESCRIBED = 2
"""The same for rules whose words stand in the label's description."""
SOUND = 0.5
"""Lower 95% bound of the precision on unseen samples, above which a rule is sound."""
WEAK = 0.3
"""The same bound for the weaker rules."""
NEAR = 1.5
"""Weight by meaning (`meaning_weights`, mean 1) that a literal of a weaker rule has, if the label has a description."""
WEAK_SHARE = 0.2
"""Weaker rules per sound rule, where they add nothing new but their vote."""
REDUNDANT = 0.95
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
    def of(cls, pool: Sequence[Candidate], folds: np.ndarray, labelled: int) -> Votes:
        """The votes of all candidates, given the fold [n] of each sample."""
        n, n_folds = len(folds), int(folds.max()) + 1
        fires = unpack(pack([candidate.bits & labelled for candidate in pool], n), n).T
        hidden = np.array([[fold in candidate.folds for candidate in pool] for fold in range(n_folds)], dtype=bool)
        hidden = hidden.reshape(n_folds, len(pool))
        columns = np.array([candidate.column for candidate in pool], dtype=int)
        return cls(fires, fires & hidden[folds], hidden.mean(axis=0), columns, n_folds)

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


def select(context: Context, pool: Sequence[Candidate], votes: Votes) -> Selected:
    """The candidates that may stand in the book; which of the weaker ones do is left to `fill_gaps`."""
    mined = [i for i, candidate in enumerate(pool) if candidate.by_hand is None]
    bounds = {i: bound for i in mined if (bound := _bound(context, pool[i], votes.unseen[:, i])) is not None}
    tested = list(bounds)
    no_chance = significant(
        [_counts(context, pool[i]) for i in tested],
        len(context.gold),
        len(np.unique(context.gold)),
        2 * len(context.vocabulary.literals),
        context.config.max_literals,
    )
    good = [
        i
        for i, passed in zip(tested, no_chance, strict=True)
        if passed and _productive(context, pool[i]) and _steady(context, pool[i])
    ]
    good.sort(key=lambda i: (-round(bounds[i], 2), len(pool[i].when.literals), len(str(pool[i].when)), i))
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


def _bound(context: Context, candidate: Candidate, unseen: np.ndarray) -> float | None:
    """The lower 95% bound of the precision on unseen samples; None if the rule is too weak or fires on too few."""
    support = int(unseen.sum())
    right = int((unseen & (context.gold == candidate.column)).sum())
    bound = wilson_interval(right, support)[0]
    if support >= LEAST_UNSEEN:
        return bound if bound > SOUND or (bound > WEAK and _near(context, candidate)) else None
    known = described(candidate.when.all, context.task.labels[candidate.column])
    return bound if known and right == support >= LEAST_DESCRIBED else None


def _near(context: Context, candidate: Candidate) -> bool:
    """Whether a literal is near what the label is described as, or nothing is known of that."""
    weights = [weight for _, weight, positive in context.signed(candidate.when, candidate.column) if positive]
    known = context.embedded and context.task.labels[candidate.column].descriptions
    return not known or max(weights) >= NEAR


def _counts(context: Context, candidate: Candidate) -> Counts:
    held, of_label = candidate.bits & context.labelled, context.label_bits(candidate.column)
    weights = [weight for _, weight, _ in context.signed(candidate.when, candidate.column)]
    return Counts(
        held.bit_count(), (held & of_label).bit_count(), of_label.bit_count(), len(weights), float(np.prod(weights))
    )


def _productive(context: Context, candidate: Candidate) -> bool:
    """Whether each literal makes the rule better, by more than chance, than the rule without it (Webb 2007).

    What is excluded was chosen among the whole vocabulary without any meaning, so it is tested against all of that.
    """
    literals = context.signed(candidate.when, candidate.column)
    of_label, held = context.label_bits(candidate.column), candidate.bits & context.labelled
    for i, (_, _, positive) in enumerate(literals):
        without = context.labelled
        for j, (bits, _, _) in enumerate(literals):
            if j != i:
                without &= bits
        counts = without.bit_count(), (without & of_label).bit_count(), held.bit_count()
        chance = hypergeom.sf((held & of_label).bit_count() - 1, *counts)
        if len(literals) > 1 and chance > (Q if positive else Q / len(context.vocabulary.literals)):
            return False
    return True


def _steady(context: Context, candidate: Candidate) -> bool:
    """Whether a rule holds with each of its thresholds one step higher or lower, so that no single picture decides."""
    of_label = context.label_bits(candidate.column)
    for part in ("all", "none"):
        literals = getattr(candidate.when, part)
        for i, literal in enumerate(literals):
            for moved in _moved(literal):
                when = candidate.when.model_copy(update={part: (*literals[:i], moved, *literals[i + 1 :])})
                held = condition_bits([when], context.normalised)[0] & context.labelled
                if wilson_interval((held & of_label).bit_count(), held.bit_count())[0] <= WEAK:
                    return False
    return True


def _moved(literal: RuleLiteral) -> tuple[RuleLiteral, ...]:
    """A literal with its threshold a step lower and a step higher; nothing for a literal without one."""
    if isinstance(literal, Measure):
        levels = (literal.percent - PERCENT_STEP, literal.percent + PERCENT_STEP)
        return tuple(replace(literal, percent=level) for level in levels)
    if isinstance(literal, LineCount):
        return tuple(
            replace(literal, lines=level) for level in (literal.lines - LINES_STEP, literal.lines + LINES_STEP)
        )
    return ()


def _distinct(context: Context, pool: Sequence[Candidate], order: Sequence[int]) -> list[int]:
    """The candidates in order, without those that are redundant beside an earlier one."""
    kept: list[int] = []
    for i in order:
        mine = pool[i].bits & context.labelled
        theirs = [pool[j].bits & context.labelled for j in kept if pool[j].column == pool[i].column]
        if not any((mine & other).bit_count() >= REDUNDANT * (mine | other).bit_count() for other in theirs):
            kept.append(i)
    return kept
