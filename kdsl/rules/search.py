"""Monte Carlo tree search for the rules of one label.

State: a partial rule, a set of literals. Actions: add a literal (positive, or negated under `none`), or stop.
Selection is PUCT (Rosin 2011; Silver et al. 2017) with the small model's prior over literals. Expanding a node
evaluates all its children in one operation on packed bit sets. Therefore the value of an unvisited child is its own
reward, stopping needs no visit, and a node that cannot be extended is closed (as in MCTS-Solver; Winands et al. 2008):
every simulation evaluates something new, and a small space is searched exhaustively. A rollout draws literals by prior
and reward until none improves the rule. Rules are found one after another; samples that are already covered count for
less in the next search (weighted covering, CN2-SD; Lavrac et al. 2004), so the rules of a label cover different kinds
of its samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kdsl.config import RulesConfig
from kdsl.rules.engine import pack

Z = 1.28
"""Normal quantile of the lower confidence bound on precision: one-sided 90%."""
COVERAGE_POWER = 0.5
"""Exponent of coverage in the reward."""
LITERAL_COST = 0.01
"""Subtracted from the reward for every literal but the first."""
EXPLORATION = 0.05
"""PUCT's constant, for rewards in 0..1 and priors relative to a uniform one."""
COVERED_WEIGHT = 0.25
"""Weight in coverage of a sample that a rule for the label already covers."""
UNLABELLED_WEIGHT = 0.3
"""Weight of an unlabelled sample, whose label is known only by the teacher's probabilities."""
_PLANES = 4
"""Bits that store a teacher's probability, so that sums of probabilities are weighted bit counts."""


@dataclass(frozen=True)
class Actions:
    """The literals that a search may add to a rule, as bit sets over n samples.

    `bits` is uint64 [words, a], one column per action (so that sums over words run along memory); negated literals
    are complemented already. `positive` [a] is False for negated literals: a rule needs at least one positive one.
    `prior` [a] sums to 1.
    """

    bits: np.ndarray
    positive: np.ndarray
    prior: np.ndarray


@dataclass(frozen=True)
class Target:
    """The samples on which rewards are computed, as bit sets (Python ints) over n samples.

    `shown` are the samples that the search may use, `gold` those of them with the label. `unlabelled` samples count
    by the teacher's probability of the label, stored as `planes`: the bit sets of its binary digits.
    """

    n: int
    shown: int
    gold: int
    unlabelled: int = 0
    planes: tuple[int, ...] = ()

    @classmethod
    def with_teacher(cls, n: int, shown: int, gold: int, teacher_prob: dict[int, float]) -> Target:
        """A target with unlabelled samples; `teacher_prob` maps a sample to the teacher's probability of the label."""
        digits = {i: round(p * (2**_PLANES - 1)) for i, p in teacher_prob.items()}
        planes = tuple(sum(1 << i for i, value in digits.items() if value >> digit & 1) for digit in range(_PLANES))
        return cls(n, shown | sum(1 << i for i in digits), gold, sum(1 << i for i in digits), planes)


class Objective:
    """The reward of rules for one label: lower bound on precision * coverage ** `COVERAGE_POWER` - complexity.

    The bound is Wilson's at `Z`; unlabelled samples have the weight `UNLABELLED_WEIGHT`.
    """

    def __init__(self, target: Target, min_support: int) -> None:
        self.min_support = min_support
        self.target = target
        self._gold_total = max(target.gold.bit_count(), 1)
        self.cover(0)

    def cover(self, covered: int) -> None:
        """Give the gold samples in this bit set the weight `COVERED_WEIGHT` from now on."""
        target = self.target
        fresh = target.gold & ~covered
        masks = [target.shown, target.gold, fresh]
        if target.planes:
            masks += [target.unlabelled, *target.planes]
        self._masks = pack(masks, target.n)[:, :, None]  # [masks, words, 1]
        self._coverable = max(fresh.bit_count() + COVERED_WEIGHT * (self._gold_total - fresh.bit_count()), 1e-9)

    def rewards(self, bits: np.ndarray, literals: int) -> tuple[np.ndarray, np.ndarray]:
        """Rewards [k] of k rules, and the numbers [k] of shown samples on which they hold.

        Args:
            bits: uint64 [words, k], the samples on which each rule holds.
            literals: number of literals of each rule.
        """
        counts = np.bitwise_count(bits & self._masks).sum(axis=1, dtype=np.uint32)  # [masks, k]
        sizes, gold, fresh = counts[0], counts[1].astype(float), counts[2]
        total = sizes.astype(float)
        coverage = (COVERED_WEIGHT * gold + (1 - COVERED_WEIGHT) * fresh) / self._coverable
        enough = gold >= self.min_support
        if len(counts) > 3:
            total -= (1 - UNLABELLED_WEIGHT) * counts[3]
            digits = 2.0 ** np.arange(_PLANES)
            gold += UNLABELLED_WEIGHT * (digits @ counts[4:]) / (2**_PLANES - 1)
        np.maximum(total, 1e-9, out=total)
        share = gold / total
        spread = Z * Z / total
        reach = Z * np.sqrt((share * (1 - share) + spread / 4) / total)
        bound = (share + spread / 2 - reach) / (1 + spread)
        reward = bound * np.minimum(coverage, 1.0) ** COVERAGE_POWER - LITERAL_COST * (literals - 1)
        return np.where(enough & (reward > 0), reward, 0.0), sizes


@dataclass(slots=True)
class Node:
    """A partial rule: the samples on which it holds, and for each action [a] the best and mean value found below it,
    its visits and its (relative) prior, which is 0 for an action that is not allowed or fully searched."""

    rule: tuple[int, ...]
    bits: np.ndarray
    size: int
    reward: float
    best: np.ndarray
    mean: np.ndarray
    visits: np.ndarray
    prior: np.ndarray
    open: int
    """Actions whose prior is not 0."""
    count: int = 0


@dataclass(frozen=True, slots=True)
class FoundRule:
    """A rule that a search found: its actions (indices into `Actions`) and its reward at that time."""

    actions: tuple[int, ...]
    reward: float


@dataclass
class TreeSearch:
    """PUCT over rules of at most `max_literals` literals; all orders of the same literals share one node."""

    actions: Actions
    objective: Objective
    max_literals: int
    rng: np.random.Generator
    evaluations: int = 0
    """Number of rules whose reward was computed."""
    _taken: set[bytes] = field(default_factory=set)
    """Firing sets of the rules found so far; rules that fire on the same samples are not found again."""
    _nodes: dict[tuple[int, ...], Node] = field(default_factory=dict)
    _top: FoundRule | None = None

    def __post_init__(self) -> None:
        self._taken_sizes = np.zeros(self.objective.target.n + 1, bool)

    def take(self, held: np.ndarray) -> None:
        """Let no rule be found from now on that holds on exactly these samples, a bit set [words]."""
        self._taken.add(held.tobytes())
        self._taken_sizes[int(np.bitwise_count(held).sum())] = True

    def run(self, simulations: int) -> FoundRule | None:
        """The best rule after this number of simulations; None if no literal has a positive reward."""
        self._nodes.clear()
        self._top = None
        target = self.objective.target
        root = self._expand((), pack([target.shown], target.n)[0], target.shown.bit_count(), 0.0)
        for _ in range(simulations):
            if not root.open:
                break
            self._simulate(root)
        return self._top

    def _simulate(self, root: Node) -> None:
        node, path = root, []
        while node.open:
            action = self._select(node)
            path.append((node, action))
            fresh = node.visits[action] == 0
            node = self._child(node, action)
            if fresh:
                break
        value = self._rollout(node)
        below = node
        for visited, action in reversed(path):
            if not below.open:
                visited.prior[action] = 0.0
                visited.open -= 1
            visited.count += 1
            visited.visits[action] += 1
            visited.best[action] = max(visited.best[action], value)
            visited.mean[action] += (value - visited.mean[action]) / visited.visits[action]
            below = visited

    def _select(self, node: Node) -> int:
        bonus = (EXPLORATION * math.sqrt(node.count + 1)) * node.prior / (1 + node.visits)
        scores = (node.best + node.mean) / 2 + bonus
        scores[node.prior == 0] = -1.0
        return int(scores.argmax())

    def _child(self, node: Node, action: int) -> Node:
        rule = tuple(sorted((*node.rule, action)))
        known = self._nodes.get(rule)
        if known is None:
            held = node.bits & self.actions.bits[:, action]
            size = int(np.bitwise_count(held).sum())
            known = self._nodes[rule] = self._expand(rule, held, size, float(node.best[action]))
        return known

    def _rollout(self, node: Node) -> float:
        """Complete a rule with literals drawn by prior and reward; returns the best reward on the way."""
        value = max(node.reward, float(node.best.max()))
        while node.open:
            better = np.flatnonzero((node.best > node.reward) & (node.prior > 0))
            if not len(better):
                break
            weights = node.prior[better] * (node.best[better] - node.reward)
            node = self._child(node, int(self.rng.choice(better, p=weights / weights.sum())))
            value = max(value, float(node.best.max()))
        return value

    def _expand(self, rule: tuple[int, ...], bits: np.ndarray, size: int, reward: float) -> Node:
        """Evaluate all children of a rule at once and keep the best rule so far."""
        children = bits[:, None] & self.actions.bits
        rewards, sizes = self.objective.rewards(children, len(rule) + 1)
        self.evaluations += len(rewards)
        legal = (rewards > 0) & (sizes < size)  # a literal that changes nothing only makes the rule longer
        if not rule:
            legal &= self.actions.positive
        for i in np.flatnonzero(legal & self._taken_sizes[sizes]):
            legal[i] = children[:, i].tobytes() not in self._taken
        values = np.where(legal, rewards, 0.0)
        top = int(values.argmax())
        if values[top] > (self._top.reward + 1e-12 if self._top else 0.0):
            self._top = FoundRule(tuple(sorted((*rule, top))), float(values[top]))
        extendable = len(rule) + 1 < self.max_literals
        prior = np.where(legal, self.actions.prior, 0.0) if extendable else np.zeros(len(values))
        mass = prior.sum()
        if mass:
            # relative to uniform, and its square root: a confident model guides the search but excludes nothing
            prior = np.sqrt(prior * (np.count_nonzero(prior) / mass))
        return Node(
            rule,
            bits,
            size,
            reward,
            values,
            values.copy(),
            np.zeros(len(values)),
            prior,
            int((prior > 0).sum()),
        )


def search_label(actions: Actions, target: Target, config: RulesConfig, seed: int) -> tuple[list[FoundRule], int]:
    """Up to `config.rules_per_label` rules for one label, found one after another with weighted covering.

    Returns:
        The rules in the order in which they were found, and the number of rules evaluated.
    """
    objective = Objective(target, config.min_support)
    search = TreeSearch(actions, objective, config.max_literals, np.random.default_rng(seed))
    found: list[FoundRule] = []
    covered = 0
    for _ in range(config.rules_per_label):
        best = search.run(max(1, config.simulations // config.rules_per_label))
        if best is None:
            break
        found.append(best)
        held = np.bitwise_and.reduce(actions.bits[:, list(best.actions)], axis=1)
        search.take(held)
        covered |= int.from_bytes(held.tobytes(), "little")
        objective.cover(covered)
    return found, search.evaluations
