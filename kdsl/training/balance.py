"""Rare and frequent classes: how often samples are drawn in an epoch, and what that leaves to adjust in scores.

A class of n samples is drawn in proportion to n^a: a = 1 as it occurs, 1/2 by the square root (Mahajan et al.,
ECCV 2018, section 2.2, after Mikolov et al. 2013), 0 all classes alike. Each task keeps its share of an epoch.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

from kdsl.evidence.types import Evidence
from kdsl.tasks import Task

Balance = Literal["none", "sqrt", "uniform"]

_POWER = {"none": 1.0, "sqrt": 0.5, "uniform": 0.0}


def draw_shares(evidences: Sequence[Evidence], balance: Balance) -> list[float] | None:
    """Each sample's share of an epoch's draws, summing to 1; None where all are drawn once.

    Samples without a label, which belong to no class, keep the share that one draw each gives them.
    """
    if balance == "none":
        return None
    labelled = [e.sample for e in evidences if e.sample.label is not None]
    classes = Counter((sample.task, sample.label) for sample in labelled)
    sizes = Counter(sample.task for sample in labelled)
    weights: dict[str, float] = defaultdict(float)
    for (task, _), n in classes.items():
        weights[task] += n ** _POWER[balance]
    shares = []
    for sample in (e.sample for e in evidences):
        share = 1 / len(evidences)
        if sample.label is not None:
            n = classes[sample.task, sample.label]
            share *= sizes[sample.task] * n ** _POWER[balance] / weights[sample.task] / n
        shares.append(share)
    return shares


def label_shifts(
    evidences: Sequence[Evidence], tasks: Sequence[Task], balance: Balance, tau: float
) -> dict[str, dict[str, float]]:
    """Task -> label -> tau times the label's log-prior among the draws of training.

    Taken off a label's log-probability at scoring time, it undoes the advantage of frequent labels: post-hoc
    logit adjustment (Menon et al., ICLR 2021, arXiv 2007.07314, section 4.1); at tau = 1 the scores are those of
    a test set in which all labels are alike. A count of one is added to each label, so that none is infinite.
    """
    counts = Counter((e.sample.task, e.sample.label) for e in evidences)
    shifts = {}
    for task in tasks:
        weights = {name: (counts[task.name, name] + 1) ** _POWER[balance] for name in task.names}
        total = sum(weights.values())
        shifts[task.name] = {name: tau * math.log(weight / total) for name, weight in weights.items()}
    return shifts
