"""Speed of the tree search and of the engine, and what the search finds, beside plainer ways to do the same."""

from __future__ import annotations

import time

import click
import numpy as np

from kdsl.data.sample import Sample, Turn
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.engine import bit_set, pack
from kdsl.rules.literals import TurnText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When
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


def drawn_book(rng: np.random.Generator, rules: int, samples: int) -> tuple[RuleBook, list[Evidence]]:
    """A book of rules of one to three words, and dialogues of one turn of twelve words."""
    words = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(2000)]
    labels = tuple(f"label-{i}" for i in range(20))
    drawn = tuple(
        Rule(
            id=f"r{i}",
            label=labels[i % len(labels)],
            when=When(
                all=tuple(
                    TurnText(str(word), "user", "contains the word")
                    for word in rng.choice(words, int(rng.integers(1, 4)), replace=False)
                )
            ),
        )
        for i in range(rules)
    )
    texts = [" ".join(rng.choice(words, 12)) for _ in range(samples)]
    evidences = [Evidence(Sample(str(i), "drawn", (), (Turn("user", t, t),), None), ()) for i, t in enumerate(texts)]
    return RuleBook(task="drawn", labels=labels, rules=drawn), evidences


def engine_seconds(rules: int, samples: int, seed: int) -> tuple[float, float, float]:
    """Seconds of one core for normalising the texts, for `RuleBook.scores` (which does that, too), and for asking
    each rule about each normalised sample."""
    book, evidences = drawn_book(np.random.default_rng(seed), rules, samples)
    times = [time.process_time()]
    normalised = [NormalisedEvidence.of(evidence) for evidence in evidences]
    times.append(time.process_time())
    book.scores(evidences)
    times.append(time.process_time())
    for evidence in normalised:
        for rule in book.rules:
            rule.when.matches(evidence)
    times.append(time.process_time())
    spent = np.diff(times)
    return float(spent[0]), float(spent[1]), float(spent[2])


@click.command()
@click.option("--samples", default=749, show_default=True, help="of the drawn problems of search")
@click.option("--rules", default=1000, show_default=True, help="of the drawn book")
@click.option("--dialogues", default=10_000, show_default=True, help="that the drawn book scores")
@click.option("--seed", default=17, show_default=True)
def speed(samples: int, rules: int, dialogues: int, seed: int) -> None:
    """Search and engine.

    First table: reward of the best rule, averaged over labels, as a share of the best that any way found, by the nodes
    that may be expanded (one expansion evaluates as many rules as there are literals).
    """
    problems = drawn_problems(np.random.default_rng(seed), samples)
    rewards = np.array([[[run(*p, budget, seed) for p in problems] for run in WAYS.values()] for budget in BUDGETS])
    top = np.maximum(rewards.max(axis=(0, 1)), 1e-9)
    click.echo("| nodes | " + " | ".join(WAYS) + " |\n" + "|---" * (len(WAYS) + 1) + "|")
    for budget, row in zip(BUDGETS, rewards, strict=True):
        click.echo(f"| {budget} | " + " | ".join(f"{float((r / top).mean()):.3f}" for r in row) + " |")
    click.echo(f"\nsearch: {search_rate(samples, seed):,.0f} rules per second and core, {samples} samples")
    normal, scored, naive = engine_seconds(rules, dialogues, seed)
    click.echo(
        f"engine: {rules} rules over {dialogues} dialogues in {scored:.2f} s, of which {normal:.2f} s normalise texts; "
        f"rule by rule {naive:.2f} s after that, {naive / max(scored - normal, 1e-9):.0f} times as long"
    )
