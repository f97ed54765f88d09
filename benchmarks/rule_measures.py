"""Measures of learnt rules, from the lines that `rules.py` writes.

Predictivity, stability and simplicity: Margot & Luta (2021), A New Method to Compare the Interpretability of Rule-Based
Algorithms, AI 2(4). A sample on which a method abstains counts as wrong everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from kdsl.evaluation.metrics import accuracy_at, coverage_at, risk_curve
from kdsl.rules.book import RuleBook
from kdsl.scores import weighted_f1

Line = Mapping[str, Any]
_QUOTED = re.compile("「(.+?)」")
ABSTAINS = -1
"""The column that stands for no label."""


def judged(gold: np.ndarray, probabilities: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """What a line keeps of a fold: the columns that are right and said, how sure, and the trivial predictor's errors.

    Args:
        gold: columns [k].
        probabilities: [k, m], rows of NaN where the method abstains.
        train: columns [n] of the training samples, whose most frequent label the trivial predictor says.
    """
    silent = np.isnan(probabilities).all(axis=1)
    filled = np.where(silent[:, None], 0.0, probabilities)
    trivial = np.bincount(train).argmax()
    return {
        "gold": gold.tolist(),
        "found": np.where(silent, ABSTAINS, filled.argmax(axis=1)).tolist(),
        "sure": np.where(silent, -1.0, filled.max(axis=1)).round(6).tolist(),
        "trivial_errors": int((gold != trivial).sum()),
    }


def figures(folds: Sequence[Line]) -> dict[str, float]:
    """The figures of one run: of all folds' samples together; rules, literals and seconds are means of the folds.

    The most confident share of the samples is taken in the order of the probability of the label that is said;
    abstentions come last. Of samples with the same probability each counts with their mean, which is the average over
    random orders (`kdsl.evaluation.metrics.risk_curve`).
    """
    gold, found, sure = (np.concatenate([line[key] for line in folds]) for key in ("gold", "found", "sure"))
    right = gold == found
    curve = risk_curve(sure, right)
    return {
        "F1": weighted_f1(gold, found),
        "answered": float((found != ABSTAINS).mean()),
        "precision at 50%": accuracy_at(curve, 0.5),
        "coverage at 0.90": coverage_at(curve, 0.10),
        "coverage at 0.85": coverage_at(curve, 0.15),
        "predictivity": 1 - float((~right).sum()) / sum(line["trivial_errors"] for line in folds),
        "rules": float(np.mean([line["rules"] for line in folds])),
        "literals": float(np.mean([line["literals"] for line in folds])),
        "seconds": float(np.mean([line["seconds"] for line in folds])),
    }


def properties(book: RuleBook) -> dict[str, float]:
    """What can be said of a book without a further sample: its size, and how well its rules held where they were not
    found (`Stats`)."""
    stats = [rule.stats for rule in book.rules if rule.stats is not None]
    per_label = Counter(rule.label for rule in book.rules)
    texts = [text for rule in book.rules for literal in rule.when.literals for text in _QUOTED.findall(str(literal))]
    return {
        "rules": len(book.rules),
        "labels with a rule": len(per_label),
        "labels": len(book.labels),
        "most per label": max(per_label.values(), default=0),
        "most literals": max((len(rule.when.literals) for rule in book.rules), default=0),
        "lower bound above 0.5": sum(one.interval95[0] > 0.5 for one in stats),
        "fewer than 5 samples": sum(one.support < 5 for one in stats),
        "cues of one character": sum(len(text) == 1 for text in texts),
    }


def dice(one: AbstractSet[object], other: AbstractSet[object]) -> float:
    """The Dice-Sørensen index of two sets of rules; 0 if both are empty, for nothing was found twice."""
    return 2 * len(one & other) / max(len(one) + len(other), 1)


def at_size(sweep: Iterable[Mapping[str, float]], size: str, wanted: float, measure: str = "F1") -> float:
    """A measure of a method at `wanted` rules or literals, between the two models of its sweep around that number.

    A method whose largest model is smaller has that model's figure, for it makes no use of more; one whose smallest
    model is larger has none (NaN).
    """
    points = sorted((one[size], one[measure]) for one in sweep)
    if not points or wanted < points[0][0]:
        return float("nan")
    return float(np.interp(wanted, *zip(*points, strict=True)))
