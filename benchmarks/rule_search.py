"""Tree search against beam search and random search for rules, at equal numbers of evaluated rules.

    python benchmarks/rule_search.py
    python benchmarks/rule_search.py --data train.json --images images --ocr ocr.jsonl --task scene

Without --data the problems are made: 600 samples, 400 literals of which each holds by chance, and for every label
two hidden conjunctions of three literals that only together tell it. Columns: budget (nodes that may be expanded;
one expansion evaluates as many rules as there are literals), then the reward of the best rule, averaged over labels,
as a share of the best that any method found; last, the rules evaluated a second by the tree search.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from kdsl.rules.engine import bit_set, pack
from kdsl.rules.search import Actions, Objective, Target, TreeSearch

Problem = tuple[Actions, Target]
MAX_LITERALS = 3
MIN_SUPPORT = 2
BUDGETS = (10, 30, 100, 300, 1000)


def made_problems(seed: int, n: int = 600, a: int = 400, labels: int = 12) -> list[Problem]:
    rng = np.random.default_rng(seed)
    truths = rng.random((a, n)) < rng.uniform(0.05, 0.4, (a, 1))
    problems = []
    for _ in range(labels):
        gold = np.zeros(n, dtype=bool)
        for _ in range(2):
            members = rng.choice(n, 18, replace=False)
            truths[np.ix_(rng.choice(a, 3, replace=False), members)] = True
            gold[members] = True
        problems.append(gold ^ (rng.random(n) < 0.01))
    bits = np.ascontiguousarray(pack([bit_set(row) for row in truths], n).T)
    actions = Actions(bits, np.ones(a, dtype=bool), np.full(a, 1 / a))
    return [(actions, Target(n, (1 << n) - 1, bit_set(gold))) for gold in problems]


def read_problems(data: Path, images: Path, ocr: Path | None, task_name: str, config_path: str) -> list[Problem]:
    from kdsl.config_file import load_config, load_tasks
    from kdsl.evidence.observe import load_evidence
    from kdsl.rules.candidates import LabelCues
    from kdsl.rules.cues import mine
    from kdsl.rules.normalised import NormalisedEvidence
    from kdsl.tasks import task_by_name

    config = load_config(config_path)
    tasks = load_tasks(config)
    task = task_by_name(tasks, task_name)
    evidences = [e for e in load_evidence([data], images, tasks, config.evidence, ocr) if e.sample.task == task.name]
    vocabulary = mine([NormalisedEvidence.of(e) for e in evidences], MIN_SUPPORT, pictures=task.input == "picture")
    shown = (1 << len(evidences)) - 1
    problems = []
    for name in task.names:
        gold = bit_set(np.array([e.sample.label == name for e in evidences]))
        cues = LabelCues.of(vocabulary, gold, shown, config.rules)
        if cues.n_positive:
            a = len(cues.bits)
            bits = np.ascontiguousarray(cues.bits.T)
            actions = Actions(bits, np.arange(a) < cues.n_positive, np.full(a, 1 / a))
            problems.append((actions, Target(len(evidences), shown, gold)))
    return problems


def expand(problem: Problem, objective: Objective, rule: tuple[int, ...]) -> np.ndarray:
    """Rewards of all children of a rule."""
    actions, target = problem
    held = pack([target.shown], target.n)[0]
    for i in rule:
        held = held & actions.bits[:, i]
    rewards, _ = objective.rewards(held[:, None] & actions.bits, len(rule) + 1)
    if not any(actions.positive[i] for i in rule):
        rewards = np.where(actions.positive, rewards, 0.0)
    return rewards


def random_search(problem: Problem, budget: int, seed: int) -> float:
    """Expand random rules."""
    rng, objective = np.random.default_rng(seed), Objective(problem[1], MIN_SUPPORT)
    best = float(expand(problem, objective, ()).max())
    for _ in range(budget - 1):
        size = int(rng.integers(1, MAX_LITERALS))
        rule = tuple(int(i) for i in rng.choice(problem[0].bits.shape[1], size, replace=False))
        best = max(best, float(expand(problem, objective, rule).max()))
    return best


def beam_search(problem: Problem, budget: int, seed: int) -> float:
    """Expand, level by level, the rules of highest reward; the budget is shared evenly by the levels."""
    objective = Objective(problem[1], MIN_SUPPORT)
    width = (budget - 1) // (MAX_LITERALS - 1)
    scored: dict[tuple[int, ...], float] = {(): 0.0}
    best = 0.0
    for _ in range(MAX_LITERALS):
        beam = sorted(scored, key=lambda rule: -scored[rule])[: max(width, 1)]
        scored = {}
        for rule in beam:
            rewards = expand(problem, objective, rule)
            for i in np.argsort(-rewards)[: width + 1]:
                if rewards[i] > 0 and int(i) not in rule:
                    scored[tuple(sorted((*rule, int(i))))] = float(rewards[i])
        best = max([best, *scored.values()])
    return best


def tree_search(problem: Problem, budget: int, seed: int) -> float:
    """The project's search, its simulations cut so that it expands no more nodes than the budget."""
    actions, target = problem
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


METHODS: dict[str, Callable[[Problem, int, int], float]] = {
    "random": random_search,
    "beam": beam_search,
    "tree": tree_search,
}


@click.command()
@click.option("--data", type=click.Path(path_type=Path))
@click.option("--images", type=click.Path(path_type=Path))
@click.option("--ocr", type=click.Path(path_type=Path))
@click.option("--task", default="scene", show_default=True)
@click.option("--config", default="configs/nano.yaml", show_default=True)
@click.option("--seed", default=17, show_default=True)
def main(data: Path | None, images: Path | None, ocr: Path | None, task: str, config: str, seed: int) -> None:
    """Print one row a budget."""
    if data is not None and images is not None:
        problems = read_problems(data, images, ocr, task, config)
    else:
        problems = made_problems(seed)
    rewards = np.array(
        [[[run(p, budget, seed) for p in problems] for run in METHODS.values()] for budget in BUDGETS]
    )  # [budgets, methods, problems]
    top = np.maximum(rewards.max(axis=(0, 1)), 1e-9)
    click.echo("budget " + " ".join(f"{name:>8s}" for name in METHODS))
    for budget, row in zip(BUDGETS, rewards, strict=True):
        click.echo(f"{budget:6d} " + " ".join(f"{float((r / top).mean()):8.3f}" for r in row))
    actions, target = problems[0]
    search = TreeSearch(actions, Objective(target, MIN_SUPPORT), MAX_LITERALS, np.random.default_rng(seed))
    started = time.process_time()
    search.run(2000)
    spent = time.process_time() - started
    rate = search.evaluations / spent
    click.echo(f"tree search: {search.evaluations} rules in {spent:.2f} s of one core, {rate:,.0f} a second")


if __name__ == "__main__":
    main()
