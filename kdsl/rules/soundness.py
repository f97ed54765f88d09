"""What a mined condition has to pass before its votes count: it is no chance, and each of its literals is worth its
place. These tests look at all labelled samples, so that no rule passes them that is good on a few unseen ones by luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.stats import hypergeom

from kdsl.rules.candidates import Candidate
from kdsl.rules.canned import independent
from kdsl.rules.context import Context
from kdsl.rules.cues import LINES_STEP, PERCENT_STEP
from kdsl.rules.engine import condition_bits, members
from kdsl.rules.literals import LineCount, Measure, OcrGroup, OcrText, RuleLiteral
from kdsl.rules.meaning import words_of_literal
from kdsl.rules.significance import Counts, Q, significant
from kdsl.scores import wilson_interval

HOLDS = 0.3
"""Lower 95% bound of the precision that a rule has with its thresholds a step higher or lower, too."""
ONE_LINE = 0.5
"""Two literals say one thing if in more than this share of their samples the same lines meet both."""


def sound_conditions(context: Context, mined: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that pass."""
    return [
        candidate
        for candidate, passed in zip(mined, no_chance(context, mined, context.labelled), strict=True)
        if passed and _productive(context, candidate) and _steady(context, candidate) and _apart(context, candidate)
    ]


def no_chance(context: Context, mined: Sequence[Candidate], shown: int) -> np.ndarray:
    """Which of the candidates are no chance by some of the labelled samples: bool [len(mined)]."""
    return significant(
        [_counts(context, candidate, shown) for candidate in mined],
        shown.bit_count(),
        len(np.unique(context.gold)),
        2 * len(context.vocabulary.literals),
        context.config.max_literals,
    )


def _counts(context: Context, candidate: Candidate, shown: int) -> Counts:
    held, of_label = candidate.bits & shown, context.label_bits(candidate.column) & shown
    held = independent(context, candidate.when, held)
    weights = [weight for _, weight, _ in context.signed(candidate.when, candidate.column)]
    return Counts(
        held.bit_count(), (held & of_label).bit_count(), of_label.bit_count(), len(weights), float(np.prod(weights))
    )


def _productive(context: Context, candidate: Candidate) -> bool:
    """Whether each literal makes the rule better, by more than chance, than the rule without it (Webb 2007).

    What is excluded, and a literal that names no words, such as a share of white, was chosen among the whole vocabulary
    without any meaning, so it is tested against all of that.
    """
    literals = context.signed(candidate.when, candidate.column)
    worded = [bool(words_of_literal(literal)) for literal in (*candidate.when.all, *candidate.when.none)]
    of_label, held = context.label_bits(candidate.column), candidate.bits & context.labelled
    for i, (_, _, positive) in enumerate(literals):
        without = context.labelled
        for j, (bits, _, _) in enumerate(literals):
            if j != i:
                without &= bits
        counts = without.bit_count(), (without & of_label).bit_count(), held.bit_count()
        chance = hypergeom.sf((held & of_label).bit_count() - 1, *counts)
        if len(literals) > 1 and chance > (Q if positive and worded[i] else Q / len(context.vocabulary.literals)):
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
                if wilson_interval((held & of_label).bit_count(), held.bit_count())[0] <= HOLDS:
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


def _apart(context: Context, candidate: Candidate) -> bool:
    """Whether no two literals are met by the same OCR lines, such as two words of one tab: that is one cue, not two."""
    texts = [literal for literal in candidate.when.all if isinstance(literal, OcrText | OcrGroup)]
    if len(texts) < 2:
        return True
    fires = [context.normalised[i] for i in members(candidate.bits & context.labelled)]
    return all(
        sum(one.units(sample) == other.units(sample) for sample in fires) <= ONE_LINE * len(fires)
        for one, other in combinations(texts, 2)
    )
