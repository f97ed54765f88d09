"""Which experts vote: those that make the log-loss of held-out samples fall.

Weights that are fitted on a few hundred samples give every expert something, also one that only repeats what another
knows. Where new samples are less like the labelled ones than these are like each other, such votes mislead: rules and
words that were right out of fold are missing or mean something else (docs/experiments.md, 2026-11-27, 'experts that
do not help').
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from kdsl.ensemble.fusion import held_out, ignorant_experts
from kdsl.scores import Scores, log_loss


def voting_experts(
    scores: Scores,
    gold: np.ndarray,
    seed: int,
    unlabelled: Sequence[int] = (),
    flattered: Collection[str] = (),
) -> list[str]:
    """Names of the experts to fuse: the best first, then, one by one, whichever adds most, while any does.

    Experts that know labels without a sample all vote where others do not know these: no held-out sample has such a
    label and could tell what they are worth.

    Args:
        scores: expert -> [n, m], from models that have not seen the samples.
        gold: [n] column of the gold label.
        unlabelled: columns of labels that no sample has.
        flattered: as `fit_weights` takes them.
    """

    def loss(names: Sequence[str]) -> float:
        return log_loss(held_out({name: scores[name] for name in names}, gold, seed, flattered=flattered), gold)

    ignorant = ignorant_experts(scores, unlabelled) if unlabelled else []
    chosen = [name for name in scores if name not in ignorant] if ignorant else []
    least = loss(chosen) if chosen else np.inf
    left = [name for name in scores if name not in chosen]
    while left:
        found = {name: loss([*chosen, name]) for name in left}
        best = min(left, key=found.__getitem__)
        if found[best] >= least:
            break
        least = found[best]
        chosen.append(best)
        left.remove(best)
    return chosen
