"""Methods that learn rules: kdsl and its peers, which are given kdsl's cue matrix. Extra `bench` installs the peers.

Each method takes a problem, a size and a seed, and returns a `Model`. The size is the number of rules per label: times
the number of labels, it is the number of a tree's leaves or of FIGS's splits. RIPPER and RuleFit know two classes, so
they learn one model per label against the rest, from the cues of that label. FIGS and the tree learn all labels at
once, from the cues of all; FIGS per label stands in where FIGS on all labels runs out of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rule_problems import Problem
from sklearn.tree import DecisionTreeClassifier

from kdsl.errors import ConfigError, MissingDependency
from kdsl.rules import search
from kdsl.rules.book import RuleBook, shipped_rules
from kdsl.rules.distill import distill
from kdsl.rules.rule import Rule
from kdsl.rules.teacher import Teacher

Condition = frozenset[tuple[str, bool]]
"""Literals, each with whether it has to hold or not to hold."""
LearntRule = tuple[str, Condition]
"""A label, and when the rule votes for it (or against it, where a method's weights may be negative)."""


@dataclass(frozen=True)
class Model:
    """What was learnt.

    Attributes:
        rules: of a tree, each path from the root to a leaf.
        probabilities: of the labels for each sample of the problem's test [k, m]; NaN where the method abstains.
    """

    rules: frozenset[LearntRule]
    probabilities: np.ndarray

    @property
    def literals(self) -> int:
        """The sum of the rules' lengths."""
        return sum(len(condition) for _, condition in self.rules)


Method = Callable[[Problem, float, int], Model]


def kdsl(problem: Problem, size: float, seed: int) -> Model:
    """`distill` with an encoder of texts, without a small model and without rules that people wrote."""
    return _distilled(problem, size, seed)


def book_of(
    problem: Problem, size: float, seed: int, teacher: Teacher | None = None, given: Sequence[Rule] = ()
) -> RuleBook:
    """The book that `kdsl` and its variants judge."""
    config = problem.rules.model_copy(update={"rules_per_label": int(size)})
    return distill(problem.train, problem.task, config, teacher, seed=seed, seed_rules=given, embed=problem.embed)


def _distilled(
    problem: Problem, size: float, seed: int, teacher: Teacher | None = None, given: Sequence[Rule] = ()
) -> Model:
    book = book_of(problem, size, seed, teacher, given)
    rules = frozenset(
        (
            rule.label,
            frozenset(
                [(str(literal), True) for literal in (*rule.when.all, *rule.when.any)]
                + [(str(literal), False) for literal in rule.when.none]
            ),
        )
        for rule in book.rules
    )
    empty = np.empty((0, len(book.labels)))
    return Model(rules, np.exp(book.scores(problem.test)) if len(problem.test) else empty)


def precision_search(problem: Problem, size: float, seed: int) -> Model:
    """kdsl but for the reward, which is precision as in RuAG (Zhang et al. 2024, arXiv 2411.03349), and no prior."""
    with _precision_as_reward():
        return kdsl(_unnamed(problem), size, seed)


def without_prior(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with a uniform prior; words are put into groups all the same."""
    return kdsl(_unnamed(problem), size, seed)


def without_encoder(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with a uniform prior and no groups of words."""
    return kdsl(replace(problem, embed=None), size, seed)


def by_occlusion(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with the small model's prior by occlusion alone."""
    return _distilled(_unnamed(problem), size, seed, replace(problem.teacher(), write=None))


def by_phrases(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with the phrases that the small model writes as the prior, alone."""
    return _distilled(_unoccluded(_unnamed(problem)), size, seed, _writing(problem))


def by_both(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with labels' descriptions and occlusion."""
    return _distilled(problem, size, seed, replace(problem.teacher(), write=None))


def by_all(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with labels' descriptions, occlusion, and the phrases that the small model writes."""
    return _distilled(problem, size, seed, _writing(problem))


def with_shipped(problem: Problem, size: float, seed: int) -> Model:
    """kdsl with the rules that ship for the task, which a person wrote."""
    return _distilled(problem, size, seed, given=shipped_rules(problem.task))


def _unnamed(problem: Problem) -> Problem:
    """The problem with an encoder that finds no word near to what a label is called and described as."""
    embed, names = problem.embed, {tuple(label.texts) for label in problem.task.labels}
    if embed is None:
        return problem

    def deaf(texts: Sequence[str]) -> np.ndarray:
        return embed(texts) * (0.0 if tuple(texts) in names else 1.0)

    return replace(problem, embed=deaf)


def _unoccluded(problem: Problem) -> Problem:
    """The problem without occlusion."""
    return replace(problem, rules=problem.rules.model_copy(update={"occlusion_samples": 0}))


def _writing(problem: Problem) -> Teacher:
    """The small model, which can write."""
    teacher = problem.teacher()
    if teacher.write is None:
        raise ConfigError(f"{teacher.name} was not trained to write text; name another `small`, or another --method.")
    return teacher


@contextmanager
def _precision_as_reward() -> Iterator[None]:
    """Let the tree search reward a rule with the share of its samples that have the label."""
    own = search.Objective.rewards

    def precision(self: search.Objective, bits: np.ndarray, literals: int) -> tuple[np.ndarray, np.ndarray]:
        counts = np.bitwise_count(bits & self._masks[:2]).sum(axis=1, dtype=np.int64)
        share = counts[1] / np.maximum(counts[0], 1)
        return np.where(counts[1] >= self.min_support, share, 0.0), counts[0]

    search.Objective.rewards = precision  # type: ignore[method-assign]
    try:
        yield
    finally:
        search.Objective.rewards = own  # type: ignore[method-assign]


def tree(problem: Problem, size: float, seed: int) -> Model:
    """scikit-learn's decision tree with as many leaves as rules are asked for."""
    leaves = max(2, int(size * len(problem.task.names)))
    model = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=seed).fit(problem.cues.train, problem.gold)
    grown, names = model.tree_, problem.cues.names

    def paths(node: int, path: Condition) -> Iterator[LearntRule]:
        left, right = grown.children_left[node], grown.children_right[node]
        if left == right:
            yield problem.task.names[model.classes_[grown.value[node][0].argmax()]], path
        else:
            literal = names[grown.feature[node]]
            yield from paths(left, path | {(literal, False)})
            yield from paths(right, path | {(literal, True)})

    shares = np.zeros((len(problem.test), len(problem.task.names)))
    if len(shares):
        shares[:, model.classes_] = model.predict_proba(problem.cues.test)
    return Model(frozenset(paths(0, frozenset())), shares)


def figs(problem: Problem, size: float, seed: int) -> Model:
    """imodels' FIGS on all labels at once, with as many splits as rules are asked for."""
    names, cues = problem.task.names, problem.cues
    model = _figs(cues.train, problem.gold, max(1, int(size * len(names))), seed)
    present = model.classes_.astype(int)
    shares = np.zeros((len(problem.test), len(names)))
    if len(shares):
        shares[:, present] = model.predict_proba(cues.test.astype(np.float32))
    rules = {
        (names[present[int(np.argmax(value))]], path)
        for root in model.trees_
        for path, value in _figs_paths(root, cues.names)
    }
    return Model(frozenset(rules), shares)


def figs_per_label(problem: Problem, size: float, seed: int) -> Model:
    """imodels' FIGS per label, with as many splits as rules are asked for."""

    def learn(train: np.ndarray, mine: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> Learnt:
        model = _figs(train, mine, int(size), seed)
        yes = int(np.flatnonzero(model.classes_ == 1)[0])
        found = model.predict_proba(test.astype(np.float32))[:, yes] if len(test) else np.empty(0)
        return {path for root in model.trees_ for path, _ in _figs_paths(root, names)}, found, None

    return _per_label(problem, learn)


def _figs(train: np.ndarray, gold: np.ndarray, splits: int, seed: int) -> Any:
    try:
        from imodels import FIGSClassifier
    except ImportError as error:
        raise MissingDependency(_MISSING.format("imodels")) from error
    return FIGSClassifier(max_rules=splits, random_state=seed).fit(train.astype(np.float32), gold)


def _figs_paths(node: Any, names: tuple[str, ...], path: Condition = frozenset()) -> Iterator[tuple[Condition, Any]]:
    if node.left is None:
        yield path, node.value
    else:
        literal = names[node.feature]
        yield from _figs_paths(node.left, names, path | {(literal, False)})
        yield from _figs_paths(node.right, names, path | {(literal, True)})


def rule_fit(problem: Problem, size: float, seed: int) -> Model:
    """imodels' RuleFit per label, of rules alone (a linear term of a cue would be a rule of one literal)."""
    try:
        from imodels import RuleFitClassifier
    except ImportError as error:
        raise MissingDependency(_MISSING.format("imodels")) from error

    def learn(train: np.ndarray, mine: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> Learnt:
        model = RuleFitClassifier(max_rules=int(size), include_linear=False, random_state=seed)
        model.fit(train.astype(float), mine)
        rules = set()
        for rule in model.rules_without_feature_names_:
            terms = rule.agg_dict  # (feature, sign) -> threshold, which lies between 0 and 1
            rules.add(frozenset((names[int(feature.removeprefix("X_"))], sign[0] == ">") for feature, sign in terms))
        found = model.predict_proba(test.astype(float))[:, 1] if len(test) else np.empty(0)
        return rules, found, None

    return _per_label(problem, learn)


def ripper(problem: Problem, size: float, seed: int) -> Model:
    """wittgenstein's RIPPER per label; where no label's rules fire, the label that is most frequent among the training
    samples on which none fires."""
    try:
        import pandas as pd
        from wittgenstein import RIPPER
    except ImportError as error:
        raise MissingDependency(_MISSING.format("wittgenstein")) from error

    def learn(train: np.ndarray, mine: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> Learnt:
        head = [str(i) for i in range(len(names))]
        model = RIPPER(max_rules=int(size), random_state=seed)
        model.fit(pd.DataFrame(train, columns=head), y=mine.astype(bool).tolist(), pos_class=True)
        rules = {
            frozenset((names[int(cond.feature)], str(cond.val) == "True") for cond in rule.conds)
            for rule in model.ruleset_.rules
            if rule.conds
        }
        frame = pd.DataFrame(test, columns=head)
        return rules, model.predict_proba(frame)[:, 1] if len(test) else np.empty(0), rules

    return _per_label(problem, learn)


Learnt = tuple[set[Condition], np.ndarray, set[Condition] | None]
"""Rules; the label's probability [k]; the rules without one of which the label is not said, if there are such."""


def _per_label(
    problem: Problem, learn: Callable[[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]], Learnt]
) -> Model:
    """One model per label against the rest; the most probable label is said."""
    cues, names = problem.cues, problem.task.names
    rules: set[LearntRule] = set()
    shares = np.zeros((len(problem.test), len(names)))
    seen = np.zeros(len(problem.train), dtype=bool)  # training and test samples on which some label's rules fire
    said = np.zeros(len(problem.test), dtype=bool)
    needed = False
    for column, own in enumerate(cues.of_label):
        mine = (problem.gold == column).astype(int)
        if not mine.any() or not len(own):
            continue  # a label without samples, or without cues, has no rules
        found, shares[:, column], necessary = learn(
            cues.train[:, own], mine, cues.test[:, own], tuple(cues.names[i] for i in own)
        )
        rules |= {(names[column], condition) for condition in found}
        if necessary is not None:
            needed = True
            fires, seen_by = _fires(necessary, cues.names, cues.test), _fires(necessary, cues.names, cues.train)
            shares[~fires, column] = 0.0
            said |= fires
            seen |= seen_by
    if needed and len(said):
        rest = problem.gold[~seen] if (~seen).any() else problem.gold
        counts = np.bincount(rest, minlength=len(names))
        shares[~said, counts.argmax()] = counts.max() / counts.sum()
    return Model(frozenset(rules), shares)


def _fires(conditions: set[Condition], names: tuple[str, ...], held: np.ndarray) -> np.ndarray:
    at = {name: i for i, name in enumerate(names)}
    fires = np.zeros(len(held), dtype=bool)
    for condition in conditions:
        fires |= np.all([held[:, at[name]] == holds for name, holds in condition], axis=0)
    return fires


METHODS: dict[str, Method] = {
    "kdsl": kdsl,
    "precision as reward": precision_search,
    "tree": tree,
    "RIPPER": ripper,
    "RuleFit": rule_fit,
    "FIGS": figs,
    "FIGS per label": figs_per_label,
}
PRIORS: dict[str, Method] = {
    "no encoder, no groups": without_encoder,
    "uniform": without_prior,
    "kdsl": kdsl,
    "occlusion": by_occlusion,
    "descriptions and occlusion": by_both,
    "phrases": by_phrases,
    "descriptions, occlusion and phrases": by_all,
    "shipped rules": with_shipped,
}
"""kdsl with each source of the prior over literals; as it is, with labels' descriptions. Rules that ship are candidates
beside what is found."""
WRITTEN = ("phrases", "descriptions, occlusion and phrases")
"""Those that need a small model that can write, as kdsl-nano cannot."""
POOLED = ("tree", "FIGS")
"""Methods whose rules are shared out freely, so that there may be fewer than one per label."""

_MISSING = "package '{}' is not installed: `pip install 'kdsl[bench]'`."
