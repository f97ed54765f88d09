"""Distillation: from labelled evidence, and what a small model thinks of it, to a rule book.

The search runs once per internal fold, on the other folds. A rule's votes on the fold that its search did not
see are honest; the weights are fitted on those alone, and so are the statistics that are shown. In the finished
book a rule that was found without k of the K folds carries its weight times k / K: summed over rules, these are
the mean logits of the K books that were judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kdsl.config import RulesConfig
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.cues import Vocabulary, mine
from kdsl.rules.engine import conditions, pack, unpack
from kdsl.rules.rule import Origin, Rule, Stats, When
from kdsl.rules.search import Actions, Target, search_label
from kdsl.rules.stats import wilson
from kdsl.rules.view import View
from kdsl.rules.weights import fit_weights
from kdsl.tasks import Task

FOLDS = 5
"""Internal folds; a rule is judged on those that its search did not see."""
PENALTY = 0.3
"""L1 penalty of the weights, in nats."""
AGAINST = 0.25
"""Size of the vocabulary of negated literals, as a share of `max_cues`."""
SAME = 0.8
"""Two rules are equivalent for stability if their firing sets overlap at least so much (Jaccard)."""

Score = Callable[[Sequence[Evidence]], np.ndarray]
"""The small model: evidences -> log-probabilities of the labels [n, m]."""


@dataclass
class Candidate:
    """A rule under judgement: its condition, label column, bit set over the labelled samples, and the folds whose
    search (which did not see that fold) found it. Hand rules were found by none, so all folds judge them."""

    when: When
    owner: int
    bits: int
    folds: set[int] = field(default_factory=set)
    seed_rule: Rule | None = None


def stratified_folds(gold: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of each sample [n]: every label is spread as evenly as its number allows, also if it has fewer than k."""
    folds = np.zeros(len(gold), dtype=int)
    offset = 0
    for label in np.unique(gold):
        members = rng.permutation(np.flatnonzero(gold == label))
        folds[members] = (np.arange(len(members)) + offset) % k
        offset += len(members)
    return folds


def distill(
    evidences: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    score: Score | None = None,
    unlabelled: Sequence[Evidence] = (),
    seed: int = 17,
    seed_rules: Sequence[Rule] = (),
) -> RuleBook:
    """Distil a rule book.

    Raises:
        InputError: no evidence carries a label of the task, or one carries a label it does not have.
    """
    labelled = [e for e in evidences if e.sample.label is not None]
    if not labelled:
        raise InputError(f"no sample of task '{task.name}' has a label; rules need labelled samples.")
    gold = np.array([task.index(str(e.sample.label)) for e in labelled])
    n, m = len(labelled), len(task.names)
    rng = np.random.default_rng(seed)
    folds = stratified_folds(gold, FOLDS, rng)
    views = [View.of(e) for e in labelled]
    vocabulary = mine(views, config.min_support)
    candidates: dict[tuple[int, int], Candidate] = {}
    for rule, bits in zip(seed_rules, conditions([r.when for r in seed_rules], views), strict=True):
        owner = task.index(rule.label)
        candidates.setdefault((owner, bits), Candidate(rule.when, owner, bits, set(range(FOLDS)), rule))
    everything = (1 << n) - 1
    for fold in range(FOLDS):
        shown = everything & ~to_mask(folds == fold)
        for owner in range(m):
            for when, bits in search_one(
                vocabulary, to_mask(gold == owner), shown, config, int(rng.integers(2**31))
            ):
                known = candidates.get((owner, bits))
                if known is None or (known.seed_rule is None and len(str(when)) < len(str(known.when))):
                    old = known.folds if known else set()
                    known = candidates[owner, bits] = Candidate(when, owner, bits, old)
                if known.seed_rule is None:
                    known.folds.add(fold)
    pool = list(candidates.values())
    owners = np.array([c.owner for c in pool])
    fires = unpack(pack([c.bits for c in pool], n), n).T
    heard = np.array([[f in c.folds for c in pool] for f in range(FOLDS)])[folds]
    votes = fires & heard
    weights, bias = fit_weights(votes, owners, gold, m, PENALTY)
    weights *= np.array([len(c.folds) / FOLDS for c in pool])
    rules = []
    for i in np.argsort(-weights):
        c = pool[i]
        if weights[i] < 0.01:
            break
        of_label = sum(r.label == task.names[c.owner] for r in rules)
        if of_label >= config.rules_per_label:
            continue
        held = votes[:, i]
        hits = int((gold[held] == c.owner).sum())
        others = fires[:, owners != c.owner].any(axis=1)
        rules.append(
            Rule(
                id=c.seed_rule.id if c.seed_rule else f"l{c.owner}-{of_label}",
                label=task.names[c.owner],
                when=c.when,
                weight=round(float(weights[i]), 4),
                stats=Stats(
                    support=int(held.sum()),
                    precision=hits / max(int(held.sum()), 1),
                    interval95=wilson(hits, held.sum()),
                    recall=hits / max(int((gold == c.owner).sum()), 1),
                    stability=len(c.folds) / FOLDS,
                    conflicts=int((held & others).sum()),
                ),
                origin=c.seed_rule.origin if c.seed_rule else Origin(how="mined", seed=seed),
            )
        )
    return RuleBook(
        task=task.name,
        labels=task.names,
        bias={name: round(float(b), 4) for name, b in zip(task.names, bias, strict=True)},
        rules=tuple(rules),
    )


def to_mask(truths: np.ndarray) -> int:
    return int.from_bytes(np.packbits(truths, bitorder="little").tobytes(), "little")


def search_one(
    vocabulary: Vocabulary, positive: int, shown: int, config: RulesConfig, seed: int
) -> list[tuple[When, int]]:
    """The rules of one label that one search finds, with their bit sets over all samples."""
    gold = positive & shown
    if gold.bit_count() < config.min_support:
        return []
    cues = vocabulary.of_label(gold, shown, config.max_cues, config.min_support)
    against = vocabulary.against(gold, shown, int(config.max_cues * AGAINST))
    mask = pack([shown], vocabulary.n)[0]
    rows = np.concatenate([vocabulary.bits[cues], ~vocabulary.bits[against]])
    if not len(cues):
        return []
    a = len(rows)
    actions = Actions(rows & mask, np.arange(a) < len(cues), np.full(a, 1 / a))
    found, _ = search_label(
        actions,
        Target(vocabulary.n, shown, gold),
        config.min_support,
        config.max_literals,
        config.rules_per_label,
        config.simulations,
        seed,
    )
    everything = pack([(1 << vocabulary.n) - 1], vocabulary.n)[0]
    rules = []
    for rule in found:
        held = np.bitwise_and.reduce(rows[list(rule.actions)], axis=0) & everything
        when = When(
            all=tuple(vocabulary.literals[cues[i]] for i in rule.actions if i < len(cues)),
            none=tuple(vocabulary.literals[against[i - len(cues)]] for i in rule.actions if i >= len(cues)),
        )
        rules.append((when, int.from_bytes(held.tobytes(), "little")))
    return rules
