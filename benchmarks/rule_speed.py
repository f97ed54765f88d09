"""The tree search for rules beside beam search and random search: what it finds, and how fast."""

from __future__ import annotations

import time

import click
import numpy as np

from kdsl.rules.engine import bit_set, pack
from kdsl.rules.search import Actions, Objective, Target, TreeSearch

Found = tuple[int, ...]
MAX_LITERALS = 3
MIN_SUPPORT = 2
BUDGETS = (10, 30, 100, 300, 1000)


def drawn_problems(rng: np.random.Generator, n: int, a: int = 400, labels: int = 12) -> list[tuple[Actions, Target]]:
    """Problems of `n` samples and `a` literals of which each holds by chance; for every label two hidden
    conjunctions of three literals that only together tell it."""
    truths = rng.random((a, n)) < rng.uniform(0.05, 0.4, (a, 1))
    wanted = []
    for _ in range(labels):
        gold = np.zeros(n, dtype=bool)
        for _ in range(2):
            members = rng.choice(n, 18, replace=False)
            truths[np.ix_(rng.choice(a, 3, replace=False), members)] = True
            gold[members] = True
        wanted.append(gold ^ (rng.random(n) < 0.01))
    bits = np.ascontiguousarray(pack([bit_set(row) for row in truths], n).T)
    actions = Actions(bits, np.ones(a, dtype=bool), np.full(a, 1 / a))
    return [(actions, Target(n, (1 << n) - 1, bit_set(gold))) for gold in wanted]


def children(actions: Actions, target: Target, objective: Objective, rule: Found) -> np.ndarray:
    """Rewards of all rules with one literal more."""
    held = pack([target.shown], target.n)[0]
    for i in rule:
        held = held & actions.bits[:, i]
    rewards, _ = objective.rewards(held[:, None] & actions.bits, len(rule) + 1)
    return rewards


def random_search(actions: Actions, target: Target, budget: int, seed: int) -> float:
    """Expand random rules."""
    rng, objective = np.random.default_rng(seed), Objective(target, MIN_SUPPORT)
    best = float(children(actions, target, objective, ()).max())
    for _ in range(budget - 1):
        rule = rng.choice(actions.bits.shape[1], int(rng.integers(1, MAX_LITERALS)), replace=False)
        best = max(best, float(children(actions, target, objective, tuple(rule.tolist())).max()))
    return best


def beam_search(actions: Actions, target: Target, budget: int, _: int) -> float:
    """Expand, level by level, the rules of highest reward; the budget is shared evenly by the levels."""
    objective = Objective(target, MIN_SUPPORT)
    width = max((budget - 1) // (MAX_LITERALS - 1), 1)
    beam, best = [()], 0.0
    for _level in range(MAX_LITERALS):
        scored: dict[Found, float] = {}
        for rule in beam:
            rewards = children(actions, target, objective, rule)
            for i in np.argsort(-rewards)[: width + 1].tolist():
                if rewards[i] > 0 and i not in rule:
                    scored[tuple(sorted((*rule, i)))] = float(rewards[i])
        beam = sorted(scored, key=lambda rule: -scored[rule])[:width]
        best = max([best, *scored.values()])
    return best


def tree_search(actions: Actions, target: Target, budget: int, seed: int) -> float:
    """The project's search, with the most simulations that expand no more nodes than the budget."""
    low, high, best = 1, budget, 0.0
    while low <= high:  # a simulation expands up to max_literals - 1 nodes: how many depends on the problem
        middle = (low + high) // 2
        search = TreeSearch(actions, Objective(target, MIN_SUPPORT), MAX_LITERALS, np.random.default_rng(seed))
        found = search.run(middle)
        if search.evaluations <= budget * actions.bits.shape[1]:
            best = found.reward if found else 0.0
            low = middle + 1
        else:
            high = middle - 1
    return best


WAYS = {"random": random_search, "beam": beam_search, "tree": tree_search}


def search_rate(n: int, seed: int) -> float:
    """Rules that the tree search evaluates per second of one core, on `n` samples."""
    actions, target = drawn_problems(np.random.default_rng(seed), n)[0]
    search = TreeSearch(actions, Objective(target, MIN_SUPPORT), MAX_LITERALS, np.random.default_rng(seed))
    started = time.process_time()
    search.run(2000)
    return search.evaluations / (time.process_time() - started)


@click.command()
@click.option("--samples", default=749, show_default=True, help="of the drawn problems of search")
@click.option("--seed", default=17, show_default=True)
def speed(samples: int, seed: int) -> None:
    """The tree search, beside beam and random search at equal numbers of evaluated rules.

    Reward of the best rule, averaged over labels, as a share of the best that any way found, by the nodes
    that may be expanded (one expansion evaluates as many rules as there are literals).
    """
    problems = drawn_problems(np.random.default_rng(seed), samples)
    rewards = np.array([[[run(*p, budget, seed) for p in problems] for run in WAYS.values()] for budget in BUDGETS])
    top = np.maximum(rewards.max(axis=(0, 1)), 1e-9)
    click.echo("| nodes | " + " | ".join(WAYS) + " |\n" + "|---" * (len(WAYS) + 1) + "|")
    for budget, row in zip(BUDGETS, rewards, strict=True):
        click.echo(f"| {budget} | " + " | ".join(f"{float((r / top).mean()):.3f}" for r in row) + " |")
    click.echo(f"\nsearch: {search_rate(samples, seed):,.0f} rules per second and core, {samples} samples")
