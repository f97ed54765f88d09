"""A book of 1,000 rules over 10,000 samples: the engine against conditions evaluated one by one.

Run: python benchmarks/rule_engine.py [--task scene|intent] [--rules 1000] [--samples 10000]

The samples are drawn by the synthetic world, the rules are conjunctions of one to four literals that are mined from
them, four in ten with an exception. Times are processor seconds of one process, the best of three rounds (one round for
the conditions one by one).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice

import click

from kdsl.evidence.types import Evidence
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.cues import mine
from kdsl.rules.engine import Conditions
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When
from kdsl.tasks import Task, load_task
from kdsl.world.evidence import imagine

SEED = 17
DISTINCT = {"scene": 44, "intent": 450}
"""Samples per label that are drawn; they are repeated where more are asked for. Screens take longer to draw."""
SINGLE = 300
"""Samples that are asked about one at a time."""


def drawn_book(task: Task, seen: Sequence[NormalisedEvidence], n: int) -> RuleBook:
    """A book of `n` rules for labels drawn by lot."""
    literals = mine(seen, 3, pictures=task.input == "picture").literals
    rng = random.Random(SEED)
    rules = []
    for number in range(n):
        k = rng.choice([1, 2, 2, 3, 3, 4])
        chosen = rng.sample(literals, k + 1)
        when = When(all=tuple(chosen[:k]), none=tuple(chosen[k:]) if rng.random() < 0.4 else ())
        rules.append(Rule(id=f"r{number}", label=rng.choice(task.names), when=when))
    return RuleBook(task=task.name, labels=task.names, rules=tuple(rules))


def seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """Processor seconds of the best round."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def measure(task: Task, rules: int, samples: int) -> dict[str, float]:
    """Seconds for `rules` rules over `samples` samples, and for one sample."""
    drawn = imagine(task, DISTINCT[task.name], SEED)
    evidences: list[Evidence] = list(islice(cycle(drawn), samples))
    views = [NormalisedEvidence.of(evidence) for evidence in evidences]
    book = drawn_book(task, views[:1000], rules)
    whens = [rule.when for rule in book.rules]
    compiled = Conditions(whens)
    few = evidences[:SINGLE]
    book.scores(few[:1])  # compiles the book
    return {
        "normalise": seconds(lambda: [NormalisedEvidence.of(evidence) for evidence in evidences]),
        "compile": seconds(lambda: Conditions(whens)),
        "engine": seconds(lambda: compiled.bits(views)),
        "one by one": seconds(lambda: [when.matches(view) for view in views for when in whens], rounds=1),
        "scores with all": seconds(lambda: book.scores(evidences)),
        "one sample": seconds(lambda: [(book.scores([one]), book.fired(one)) for one in few]) / SINGLE,
    }


@click.command()
@click.option("--task", type=click.Choice(list(DISTINCT)), multiple=True, default=list(DISTINCT))
@click.option("--rules", default=1000, show_default=True)
@click.option("--samples", default=10_000, show_default=True)
def main(task: tuple[str, ...], rules: int, samples: int) -> None:
    """Print the seconds of each part, and the engine's ratio to the conditions one by one."""
    for name in task:
        found = measure(load_task(resource(f"configs/tasks/mire-{name}.yaml")), rules, samples)
        click.echo(f"{name}: {rules} rules, {samples} samples")
        for what, value in found.items():
            click.echo(f"  {what:16s} {value * 1000:9.2f} ms" if value < 0.1 else f"  {what:16s} {value:9.3f} s")
        click.echo(f"  the engine takes 1/{found['one by one'] / found['engine']:.1f} of the time of one by one")


if __name__ == "__main__":
    main()
