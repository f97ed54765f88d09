"""From candidate rules to a book: weights, statistics, and for each label without a rule the reason.

Weights and statistics of a rule are computed only from its votes on folds that it was found without. A rule for which k
of the K folds vote gets its weight times k / K: the logits of the book are then the mean logits of the K out-of-fold
books.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from kdsl.rules.book import RuleBook
from kdsl.rules.candidates import Candidate, found_in
from kdsl.rules.context import Context
from kdsl.rules.engine import bit_set
from kdsl.rules.rule import Origin, Rule, Stats, in_order, mined_id
from kdsl.rules.selection import LEAST_UNSEEN, Selected, Votes, fill_gaps, holding, select
from kdsl.rules.soundness import no_chance, sound_conditions
from kdsl.rules.trim import Held, named_apart, trimmed
from kdsl.rules.unions import unions
from kdsl.rules.weights import fit_weights
from kdsl.scores import wilson_interval

PENALTY = 0.3
"""L1 penalty on the weights, in nats."""
MIN_WEIGHT = 0.02
"""Rules with a smaller weight are dropped."""
PRIOR_CORRECT = 3.0
"""Samples on which a rule that a person wrote is assumed to be right, in addition to the observed ones."""


def assemble(context: Context, found: Sequence[Candidate], folds: Sequence[int], origin: Origin) -> RuleBook:
    """The book of the candidates that hold, and of all rules of a person.

    Args:
        folds: bit set of the labelled samples of each internal fold.
        origin: where mined rules come from.
    """
    mined = [candidate for candidate in found if candidate.by_hand is None]
    by_hand = [candidate for candidate in found if candidate.by_hand is not None]
    sound = sound_conditions(context, mined)
    told = [no_chance(context, sound, context.labelled & ~fold) for fold in folds]
    held = Held(context, (literal for candidate in sound for literal in candidate.when.literals))
    tried = trimmed(context, sound, folds, told, held) + unions(context, sound, folds, told, held)
    pool = [*by_hand, *holding(context, tried)]
    votes = Votes.of(pool, len(context.gold), len(folds))
    chosen = _chosen(context, pool, votes)
    weights, bias = _fit(context, pool, votes, chosen)
    names = context.task.names
    rules = []
    weighty = [(i, round(float(value), 4)) for i, value in zip(chosen, weights, strict=True) if value >= MIN_WEIGHT]
    whens = named_apart([pool[i].when for i, _ in weighty])
    for (i, weight), when in zip(weighty, whens, strict=True):
        rivals = [k for k in chosen if votes.columns[k] != votes.columns[i]]
        stats = _stats(context, found, pool[i], folds, np.asarray(votes.fires[:, rivals].any(axis=1)))
        candidate = pool[i]
        if candidate.by_hand:
            rules.append(candidate.by_hand.model_copy(update={"weight": weight, "stats": stats}))
        else:
            label = names[candidate.column]
            own: dict[str, Any] = {"id": mined_id(label, when), "label": label, "when": when}
            rules.append(Rule(**own, weight=weight, stats=stats, origin=origin))
    biases = {name: round(float(value), 4) for name, value in zip(names, bias, strict=True)}
    ruled = {rule.label for rule in rules}
    silent = {name: _reason(context, found, column) for column, name in enumerate(names) if name not in ruled}
    return RuleBook(
        task=context.task.name, labels=names, bias=biases, without_rules=silent, rules=tuple(in_order(rules, names))
    )


def _chosen(context: Context, pool: Sequence[Candidate], votes: Votes) -> list[int]:
    """Indices of the candidates that hold, at most `rules_per_label` mined ones per label, the weightiest first."""
    selected = select(context, pool)
    order = selected.by_hand + selected.sound + selected.weaker
    weight = dict(zip(order, _fit(context, pool, votes, order)[0], strict=True))
    sound, weaker = (
        sorted((i for i in part if weight[i] >= MIN_WEIGHT), key=lambda i: (-weight[i], i))
        for part in (selected.sound, selected.weaker)
    )
    weaker = fill_gaps(context, votes, Selected(selected.by_hand, sound, weaker))
    numbers: dict[int, int] = {}
    kept = list(selected.by_hand)
    for i in sound + weaker:
        numbers[pool[i].column] = numbers.get(pool[i].column, 0) + 1
        if numbers[pool[i].column] <= context.config.rules_per_label:
            kept.append(i)
    return kept


def _fit(
    context: Context, pool: Sequence[Candidate], votes: Votes, indices: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [len(indices)] of some candidates, times their share of folds, and biases [m]."""
    own = votes.take(indices)
    priors = np.array([_prior_weight(pool[i], context) for i in indices])
    weights, bias = fit_weights(own.unseen, own.columns, context.gold, len(context.task.names), PENALTY, priors)
    return weights * own.share, bias


def _prior_weight(candidate: Candidate, context: Context) -> float:
    """The mean of the normal prior on the weight of a person's rule; NaN for mined rules.

    It is the weight that the person gave times the rule's precision, smoothed by `PRIOR_CORRECT`: a rule that the
    data contradicts loses weight."""
    if candidate.by_hand is None:
        return float("nan")
    held = candidate.bits & context.labelled
    correct = (held & context.label_bits(candidate.column)).bit_count()
    return candidate.by_hand.weight * (correct + PRIOR_CORRECT) / (held.bit_count() + PRIOR_CORRECT)


def _stats(
    context: Context, found: Sequence[Candidate], candidate: Candidate, folds: Sequence[int], rivals: np.ndarray
) -> Stats:
    """Statistics of a rule on samples that its search had not seen; `rivals` [n]: a rule for another label fires."""
    support, right = _counts(context, candidate)
    judged = reduce(or_, (folds[number] for number in candidate.folds), 0)
    of_label = (context.label_bits(candidate.column) & judged).bit_count()
    agreed = [
        int(row.argmax()) == candidate.column for j, row in context.teacher_probs.items() if candidate.bits >> j & 1
    ]
    return Stats(
        support=support,
        precision=round(right / max(support, 1), 4),
        interval95=tuple(round(edge, 4) for edge in wilson_interval(right, support)),
        recall=round(right / max(of_label, 1), 4),
        fidelity=round(sum(agreed) / len(agreed), 4) if agreed else None,
        stability=round(len(found_in(candidate, found, context.labelled)) / len(folds), 4),
        conflicts=(candidate.unseen & bit_set(rivals)).bit_count(),
    )


def _counts(context: Context, candidate: Candidate) -> tuple[int, int]:
    """On how many unseen samples a candidate fires, and on how many of these it is right."""
    return candidate.unseen.bit_count(), (candidate.unseen & context.label_bits(candidate.column)).bit_count()


def _reason(context: Context, found: Sequence[Candidate], column: int) -> str:
    """Why a label has no rule."""
    samples = context.label_bits(column).bit_count()
    if samples < LEAST_UNSEEN:
        return f"{samples} labelled sample(s); a rule is tested on {LEAST_UNSEEN} or more"
    own = [candidate for candidate in found if candidate.column == column]
    if not own:
        return f"no words tell its {samples} samples from the others"
    counts = [_counts(context, candidate) for candidate in own]
    support, right = max(counts, key=lambda count: (wilson_interval(count[1], count[0])[0], count))
    best = f"the best of {len(own)} conditions found is right on {right} of {support} unseen samples"
    return f"{best}: not enough, beside all conditions that could have been found"
