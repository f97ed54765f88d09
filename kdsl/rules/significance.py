"""Control of false discoveries: which of the rules that were found cannot well be chance.

A search looks at very many rules, and the best of them look good on any labels, shuffled ones too. So the p-value of a
rule, how probable as many hits are if its samples were drawn at random, is held against all rules of its length that
could have been found, not against the few that were: a rule of k literals competes with every choice of k out of the
vocabulary, for every label. A label's description gives its words an advantage: they get a larger share of the error
that is allowed, and other words a smaller one (weighted hypothesis testing).

Sources: Benjamini and Hochberg (1995), Controlling the false discovery rate; Genovese, Roeder and Wasserman (2006),
False discovery control with p-value weighting; Webb (2007), Discovering significant patterns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln
from scipy.stats import hypergeom

Q = 0.05
"""Share of the rules kept that may be chance."""


@dataclass(frozen=True)
class Counts:
    """What the test needs of one rule, counted on n labelled samples of which `positives` have its label."""

    support: int
    hits: int
    positives: int
    literals: int
    weight: float
    """Product of the prior weights of its literals; the mean over all literals of the vocabulary is 1."""


def significant(rules: list[Counts], n: int, labels: int, vocabulary: int, longest: int) -> np.ndarray:
    """Which rules are no chance at the level `Q`: bool [r].

    Args:
        n: labelled samples.
        labels: how many labels were searched.
        vocabulary: literals that a rule could be made of, negated ones among them.
        longest: most literals of a rule; each length gets an equal share of the error.
    """
    if not rules:
        return np.zeros(0, dtype=bool)
    support, hits, positives, literals = np.array(
        [(rule.support, rule.hits, rule.positives, rule.literals) for rule in rules]
    ).T
    weight = np.array([rule.weight for rule in rules])
    # rules share few counts, and each tail is a sum
    draws, rule_of = np.unique([hits, positives, support], axis=1, return_inverse=True)
    tails = hypergeom.logsf(draws[0] - 1, n, draws[1], draws[2])
    adjusted = tails[rule_of] + _log_choices(vocabulary, literals)
    adjusted += np.log(labels * longest) - np.log(weight)
    order = np.argsort(adjusted, kind="stable")
    passed = np.flatnonzero(adjusted[order] <= np.log(Q * np.arange(1, len(rules) + 1)))
    kept = np.zeros(len(rules), dtype=bool)
    kept[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return kept


def _log_choices(n: int, k: np.ndarray) -> np.ndarray:
    """The logarithm of the number of choices of k out of n."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
