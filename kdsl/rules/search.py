"""Monte Carlo tree search for the rules of one label.

State: a partial rule, a set of literals. Actions: add a literal (as it is, or negated under `none`), or stop.
Selection is PUCT (Rosin 2011; Silver et al. 2017) with the small model's prior over literals; evaluating a node
evaluates all its children in one operation on packed bit sets, so a child not yet visited is valued by its own
reward, and a rollout draws literals by prior and reward until none improves the rule. Rules are found one after
another; samples that a rule already covers count for less in the next search (weighted covering, CN2-SD; Lavrac
et al. 2004), so that a label's rules cover its different guises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kdsl.rules.engine import pack

Z = 1.28
"""Normal quantile of the lower bound on precision: one-sided 90%."""
COVERAGE_POWER = 0.5
"""The reward grows with the share of the label that is covered to this power."""
LITERAL_COST = 0.01
"""Taken off the reward for every literal but the first."""
EXPLORATION = 1.0
"""PUCT's constant; rewards lie in 0..1."""
STOP_PRIOR = 0.1
"""Prior of the action that ends a rule."""
COVERED_WORTH = 0.25
"""What a sample counts for in coverage once a rule of the label covers it."""
SOFT_WORTH = 0.3
"""What an unlabelled sample counts for, whose label is only the teacher's opinion."""
_PLANES = 4
"""Bits that a teacher's probability is kept with: sums of it are weighted bit counts."""


@dataclass(frozen=True)
class Actions:
    """What a search may add to a rule, as bit sets over n samples.

    `bits` is uint64 [a, words], negated literals already complemented within the shown samples; `prior` [a] sums
    to 1; `positive[a]` tells literals from negations: a rule must begin with a literal that holds.
    """

    bits: np.ndarray
    positive: np.ndarray
    prior: np.ndarray


@dataclass(frozen=True)
class Target:
    """What rewards are counted on: bit sets (Python ints) over n samples.

    `shown` are the samples that the search may see, `gold` those of them that carry the label. `unlabelled`
    samples count by the teacher's probability of the label, kept as `planes`: bit sets of its binary digits.
    """

    n: int
    shown: int
    gold: int
    unlabelled: int = 0
    planes: tuple[int, ...] = ()

    @classmethod
    def with_teacher(cls, n: int, shown: int, gold: int, opinion: dict[int, float]) -> Target:
        """A target that also counts unlabelled samples: `opinion` is sample -> teacher's probability."""
        digits = {i: round(p * (2**_PLANES - 1)) for i, p in opinion.items()}
        planes = tuple(
            sum(1 << i for i, value in digits.items() if value >> digit & 1) for digit in range(_PLANES)
        )
        return cls(n, shown | sum(1 << i for i in digits), gold, sum(1 << i for i in digits), planes)


class Objective:
    """The reward of rules for one label: lower bound on precision x coverage ** power - complexity.

    The bound is Wilson's at `Z`; soft labels of unlabelled samples count `SOFT_WORTH` each.
    """

    def __init__(self, target: Target, min_support: int) -> None:
        self.min_support = min_support
        self.target = target
        self._gold_total = max(target.gold.bit_count(), 1)
        self.cover(0)

    def cover(self, covered: int) -> None:
        """Count gold samples in this bit set for less from now on."""
        target = self.target
        fresh = target.gold & ~covered
        labelled = target.shown & ~target.unlabelled
        masks = [labelled, target.gold, fresh]
        if target.planes:
            masks += [target.unlabelled, *target.planes]
        self._masks = pack(masks, target.n)[:, None, :]  # [k, 1, words]
        self._worth = max(fresh.bit_count() + COVERED_WORTH * (self._gold_total - fresh.bit_count()), 1e-9)

    def rewards(self, bits: np.ndarray, literals: int) -> np.ndarray:
        """Rewards [k] of rules with so many literals, given where they hold: uint64 [k, words]."""
        counts = np.bitwise_count(bits & self._masks).sum(axis=2, dtype=np.int32)  # [masks, k]
        total, gold, fresh = counts[0].astype(float), counts[1].astype(float), counts[2]
        coverage = (COVERED_WORTH * gold + (1 - COVERED_WORTH) * fresh) / self._worth
        poor = gold < self.min_support
        if len(counts) > 3:
            digits = 2.0 ** np.arange(_PLANES)
            total = total + SOFT_WORTH * counts[3]
            gold = gold + SOFT_WORTH * (digits @ counts[4:]) / (2**_PLANES - 1)
        total = np.maximum(total, 1e-9)
        share = gold / total
        spread = Z * Z / total
        bound = (share + spread / 2 - Z * np.sqrt(share * (1 - share) / total + spread / (4 * total))) / (
            1 + spread
        )
        reward = bound * np.minimum(coverage, 1.0) ** COVERAGE_POWER - LITERAL_COST * (literals - 1)
        reward[poor] = 0.0
        return np.maximum(reward, 0.0)


@dataclass(slots=True)
class Node:
    """A partial rule: where it holds, its own reward, and its children's rewards, visits, values and priors [a + 1].

    The last action is to stop.
    """

    rule: tuple[int, ...]
    bits: np.ndarray
    reward: float
    best: np.ndarray
    mean: np.ndarray
    visits: np.ndarray
    prior: np.ndarray
    count: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that a search kept: its actions (indices into `Actions`) and its reward when it was found."""

    actions: tuple[int, ...]
    reward: float


@dataclass
class TreeSearch:
    """PUCT over rules of at most `max_literals` literals.

    `evaluations` counts the rules whose reward has been computed; nodes are shared by all orders of their literals.
    """

    actions: Actions
    objective: Objective
    max_literals: int
    rng: np.random.Generator
    evaluations: int = 0
    taken: list[np.ndarray] = field(default_factory=list)
    """Firing sets of rules already kept: no rule that fires on the same samples is wanted again."""
    _nodes: dict[tuple[int, ...], Node] = field(default_factory=dict)
    _top: Found | None = None

    def run(self, simulations: int) -> Found | None:
        """The best rule of so many simulations; None if no literal has a reward."""
        self._nodes.clear()
        self._top = None
        everything = pack([self.objective.target.shown], self.objective.target.n)[0]
        root = self._expand((), everything, 0.0)
        for _ in range(simulations):
            if not root.prior.any():
                break
            self._simulate(root)
        return self._top

    def _simulate(self, root: Node) -> None:
        node, path = root, []
        stop = len(self.actions.bits)
        while True:
            action = self._select(node)
            path.append((node, action))
            if action == stop:
                value = node.reward
                break
            fresh = node.visits[action] == 0
            node_reward = float(node.best[action]) if fresh else None
            child = self._child(node, action, node_reward)
            if child is None:  # as long as a rule may be
                value = float(node.best[action])
                break
            node = child
            if fresh:
                value = self._rollout(child)
                break
        for visited, action in path:
            visited.count += 1
            visited.visits[action] += 1
            visited.best[action] = max(visited.best[action], value)
            visited.mean[action] += (value - visited.mean[action]) / visited.visits[action]

    def _select(self, node: Node) -> int:
        bonus = EXPLORATION * math.sqrt(node.count + 1) * node.prior / (1 + node.visits)
        scores = (node.best + node.mean) / 2 + bonus
        scores[node.prior == 0] = -1.0
        return int(scores.argmax())

    def _child(self, node: Node, action: int, reward: float | None) -> Node | None:
        if len(node.rule) + 1 >= self.max_literals:
            return None
        rule = tuple(sorted((*node.rule, action)))
        known = self._nodes.get(rule)
        if known is None:
            own = reward if reward is not None else float(node.best[action])
            known = self._expand(rule, node.bits & self.actions.bits[action], own)
        return known

    def _rollout(self, node: Node) -> float:
        """Complete a rule by literals drawn by prior and reward; the best reward on the way."""
        value = node.reward
        while True:
            rewards = node.best[:-1]
            better = np.flatnonzero((rewards > node.reward) & (node.prior[:-1] > 0))
            if not len(better):
                return value
            value = max(value, float(rewards[better].max()))
            weights = node.prior[better] * (rewards[better] - node.reward)
            action = int(self.rng.choice(better, p=weights / weights.sum()))
            child = self._child(node, action, float(rewards[action]))
            if child is None:
                return value
            node = child

    def _expand(self, rule: tuple[int, ...], bits: np.ndarray, reward: float) -> Node:
        """Evaluate all children of a rule at once and remember the best."""
        children = bits & self.actions.bits
        rewards = self.objective.rewards(children, len(rule) + 1)
        self.evaluations += len(rewards)
        legal = rewards > 0
        legal[list(rule)] = False
        if not rule:
            legal &= self.actions.positive
        legal &= (children != bits).any(axis=1)  # a literal that changes nothing only makes the rule longer
        for held in self.taken:
            legal &= (children != held).any(axis=1)
        rewards = np.where(legal, rewards, 0.0)
        top = int(rewards.argmax())
        if self._top is None and rewards[top] > 0 or self._top and rewards[top] > self._top.reward + 1e-12:
            self._top = Found(tuple(sorted((*rule, top))), float(rewards[top]))
        prior = np.append(np.where(legal, self.actions.prior, 0.0), STOP_PRIOR if rule else 0.0)
        if prior.any():
            prior /= prior.sum()
        values = np.append(rewards, reward)
        node = Node(rule, bits, reward, values, values.copy(), np.zeros(len(values)), prior)
        self._nodes[rule] = node
        return node


def search_label(
    actions: Actions,
    target: Target,
    min_support: int,
    max_literals: int,
    rules: int,
    simulations: int,
    seed: int,
) -> tuple[list[Found], int]:
    """Up to `rules` rules of one label, found one after another with weighted covering.

    Returns:
        The rules in the order found, and how many rules were evaluated.
    """
    objective = Objective(target, min_support)
    search = TreeSearch(actions, objective, max_literals, np.random.default_rng(seed))
    found: list[Found] = []
    covered = 0
    for _ in range(rules):
        best = search.run(max(1, simulations // rules))
        if best is None:
            break
        found.append(best)
        held = np.bitwise_and.reduce(actions.bits[list(best.actions)], axis=0)
        search.taken.append(held)
        covered |= int.from_bytes(held.tobytes(), "little")
        objective.cover(covered)
    return found, search.evaluations
