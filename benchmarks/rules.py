"""Rule books beside other rule learners, on the same cues, folds and seeds.

Run: python benchmarks/rules.py compare --data FOLDER --task sofmattress-v2 [--task ...] [--method NAME ...] --out FILE
     python benchmarks/rules.py prior --data FOLDER --task sofmattress-v2 [--task ...] --out FILE
     python benchmarks/rules.py books --data FOLDER --task scene [--task ...] --out FILE
     python benchmarks/rules.py shuffles --data FOLDER --task sofmattress-v2 [--n 20] --out FILE
     python benchmarks/rules.py speed

FOLDER holds the measured data (`rule_problems.Data`). Every measurement is a JSON line of FILE, with the commit; what
stands there already is not measured again, so a run that was killed goes on. At the end a table in Markdown is
printed, of all that FILE holds about the tasks. `pip install 'kdsl[bench]'` brings the peers.

`compare`: each method at each size (rules per label), for each seed and fold; then the stability of the size that is
nearest to kdsl's book. A peer's fit that takes more than --limit seconds of the processor is recorded as out of time,
and so are its larger sizes.
`prior`: kdsl with each source of the prior over literals: labels' descriptions, occlusion by the small model, phrases
that it writes where it can (`--set small.source=gemma-3-270m`); and with the rules that ship.
`books`: size of the book of all labelled samples, and how well its rules held where they were not found.
`shuffles`: rules that kdsl's book keeps when the labels are dealt out anew, which is as often as chance finds one.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from rule_measures import Line, at_size, dice, figures, judged, properties
from rule_methods import METHODS, POOLED, PRIORS, WRITTEN, book_of, kdsl
from rule_problems import TASKS, Data, Problem
from rule_speed import speed

from kdsl.config_file import load_config
from kdsl.scores import mean_sd

SIZES = (0.5, 1, 2, 4, 8, 12)
"""Rules per label; below 1 for the methods of `POOLED` alone."""

LEARNERS = METHODS | PRIORS
PRIOR_COLUMNS = ("rules", "literals", "F1", "precision at 50%", "coverage at 0.90", "coverage at 0.85", "seconds")


class Results:
    """Lines of a file, by what they measure."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: list[Line] = []
        if file.exists():
            for line in file.read_text("utf-8").splitlines():
                try:
                    self.lines.append(json.loads(line))
                except ValueError:
                    continue  # the run was killed in the middle of this line
        top = ["git", "-C", str(Path(__file__).parent)]
        commit = subprocess.run([*top, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        changed = subprocess.run([*top, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout
        self.commit = commit + ("+" if changed else "")

    def has(self, **key: object) -> bool:
        """Whether something was measured already."""
        return any(all(line.get(name) == value for name, value in key.items()) for line in self.lines)

    def add(self, **line: Any) -> None:
        """Append a line."""
        whole = {**line, "commit": self.commit}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(whole, ensure_ascii=False) + "\n")
        self.lines.append(whole)

    def of(self, **key: object) -> list[Line]:
        """The lines of a key."""
        return [line for line in self.lines if all(line.get(name) == value for name, value in key.items())]


class OutOfTime(BaseException):
    """A fit took longer than its limit; no library's `except Exception` swallows it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` after so many seconds of this process, which other work on the machine does not lengthen."""

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def measure(results: Results, problem: Problem, method: str, size: float, seed: int, limit: float) -> None:
    """Fit one method on a fold and judge it, unless that was done."""
    key = {"part": "fit", "task": problem.name, "method": method, "size": size, "seed": seed, "fold": problem.fold}
    if results.has(**key):
        return
    same = {name: value for name, value in key.items() if name != "size"}
    late = [line["size"] for line in results.of(**same) if "out_of_time" in line and line["size"] < size]
    if late:
        results.add(**key, out_of_time=limit, because=f"size {min(late):g} was")
        return
    _ = problem.cues  # made once per fold, and no part of a method's time
    started = time.process_time()
    try:
        with limited(limit):
            model = LEARNERS[method](problem, size, seed)
    except OutOfTime:
        results.add(**key, out_of_time=limit)
        return
    seconds = round(time.process_time() - started, 3)
    told = judged(problem.columns(problem.test), model.probabilities, problem.gold)
    results.add(**key, seconds=seconds, rules=len(model.rules), literals=model.literals, **told)


def measure_halves(results: Results, problem: Problem, method: str, size: float, seed: int, limit: float) -> None:
    """Fit one method on either half of a fold's training samples, unless that was done."""
    key = {"part": "halves", "task": problem.name, "method": method, "size": size, "seed": seed, "fold": problem.fold}
    if results.has(**key):
        return
    try:
        with limited(2 * limit):
            one, other = (LEARNERS[method](half, size, seed).rules for half in problem.halves(seed))
    except OutOfTime:
        results.add(**key, out_of_time=2 * limit)
        return
    results.add(**key, stability=dice(one, other), rules=[len(one), len(other)])


def runs(results: Results, task: str, method: str) -> dict[tuple[float, int], dict[str, float]]:
    """(size, seed) -> the figures of a run all of whose folds were measured."""
    lines = results.of(part="fit", task=task, method=method)
    folds = {line["fold"] for line in results.of(part="fit", task=task)}
    found = {}
    for size, seed in sorted({(line["size"], line["seed"]) for line in lines}):
        own = [line for line in lines if (line["size"], line["seed"]) == (size, seed) and "gold" in line]
        if len(own) == len(folds):
            found[size, seed] = figures(own)
    return found


def nearest(results: Results, task: str, method: str, own_size: float) -> float | None:
    """The size at which a method's number of rules is nearest, as a ratio, to that of kdsl's book."""
    measured = runs(results, task, method)
    books = [one["rules"] for (size, _), one in runs(results, task, "kdsl").items() if size == own_size]
    if method == "kdsl" or not measured or not books:
        return own_size if measured else None
    wanted = np.mean(books)
    sizes = {size for size, _ in measured}
    rules = {size: np.mean([one["rules"] for (s, _), one in measured.items() if s == size]) for size in sizes}
    return min(sorted(sizes), key=lambda size: abs(np.log(max(rules[size], 0.5) / max(wanted, 0.5))))


COLUMNS = (
    "rules",
    "literals",
    "F1",
    "F1 at equal rules",
    "F1 at equal literals",
    "precision at 50%",
    "precision at equal rules",
    "coverage at 0.90",
    "coverage at 0.85",
    "answered",
    "predictivity",
    "stability",
    "simplicity",
    "seconds",
)


def compared(results: Results, task: str, methods: Sequence[str], own_size: float) -> str:
    """The two tables of a task: all measures at the size nearest to kdsl's book, and F1 at each size."""
    rows: dict[str, dict[str, list[float]]] = {}
    own = runs(results, task, "kdsl")
    for method in methods:
        size = nearest(results, task, method, own_size)
        measured = runs(results, task, method)
        row: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for seed in sorted({seed for s, seed in measured if s == size}):
            one = measured[size, seed]
            sweep = [other for (_, s), other in measured.items() if s == seed]
            book = own.get((own_size, seed), one)
            one["F1 at equal rules"] = at_size(sweep, "rules", book["rules"])
            one["F1 at equal literals"] = at_size(sweep, "literals", book["literals"])
            one["precision at equal rules"] = at_size(sweep, "rules", book["rules"], "precision at 50%")
            for name in COLUMNS:
                if name in one:
                    row[name].append(one[name])
        halves = results.of(part="halves", task=task, method=method, size=size)
        row["stability"] = [line["stability"] for line in halves if "stability" in line]
        rows[method] = row
    shortest = min((np.mean(row["literals"]) for row in rows.values() if row["literals"]), default=1.0)
    lines = [
        f"### {task}",
        "",
        "| | " + " | ".join(COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for method, row in rows.items():
        if row["literals"]:
            row["simplicity"] = [float(shortest / max(np.mean(row["literals"]), 1e-9))]
        cells = [_cell(name, row[name]) for name in COLUMNS]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    lines += ["", "| F1 (rules, literals) at | " + " | ".join(f"{size:g} per label" for size in SIZES) + " |"]
    lines.append("|---" * (len(SIZES) + 1) + "|")
    for method in methods:
        cells = [_at(results, task, method, size) for size in SIZES]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(name: str, values: Sequence[float]) -> str:
    values = [value for value in values if not np.isnan(value)]
    if not values:
        return "–"
    digits = {"rules": 0, "literals": 0, "seconds": 1, "simplicity": 2}.get(name)
    return mean_sd(values) if digits is None else f"{np.mean(values):.{digits}f}"


def _at(results: Results, task: str, method: str, size: float) -> str:
    found = [one for (s, _), one in runs(results, task, method).items() if s == size]
    late = [line for line in results.of(part="fit", task=task, method=method, size=size) if "out_of_time" in line]
    note = f"{len(late)} out of time" if late else ""
    if not found:
        return note or "–"
    means = {name: np.mean([one[name] for one in found]) for name in ("F1", "rules", "literals")}
    return f"{means['F1']:.3f} ({means['rules']:.0f}, {means['literals']:.0f}) {note}".strip()


_DATA = click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
_TASK = click.option("--task", "tasks", type=click.Choice(TASKS), multiple=True, default=TASKS)
_CONFIG = click.option("--config", default="configs/nano.yaml", show_default=True, help="its tasks and `rules`")
_SET = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE")
_SEEDS = click.option("--seed", "seeds", type=int, multiple=True, default=(0, 1, 2), show_default=True)
_OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON lines")


def options(*given: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator."""

    def decorate(command: Any) -> Any:
        for option in reversed(given):
            command = option(command)
        return command

    return decorate


@click.group(help=__doc__)
def main() -> None:
    """Only groups the commands."""


@main.command()
@options(_DATA, _TASK, _CONFIG, _SET, _OUT, _SEEDS)
@click.option("--method", "methods", type=click.Choice(tuple(METHODS)), multiple=True, default=tuple(METHODS))
@click.option("--size", "sizes", type=float, multiple=True, default=SIZES, show_default=True, help="rules per label")
@click.option("--limit", default=120.0, show_default=True, help="seconds of the processor per fit")
def compare(
    data: Path,
    tasks: Sequence[str],
    config: str,
    overrides: Sequence[str],
    out: Path,
    methods: Sequence[str],
    sizes: Sequence[float],
    seeds: Sequence[int],
    limit: float,
) -> None:
    """Each method at each size."""
    settings = load_config(config, overrides)
    results, source = Results(out), Data(data, settings)
    own_size = float(settings.rules.rules_per_label)
    for task in tasks:
        for seed in seeds:
            for problem in source.problems(task, seed):
                for method in methods:
                    for size in sorted({*sizes, own_size}):
                        if size >= 1 or method in POOLED:
                            measure(results, problem, method, size, seed, limit)
        chosen = {method: nearest(results, task, method, own_size) for method in methods}
        for seed in seeds:
            for problem in source.problems(task, seed):
                for method, size in chosen.items():
                    if size is not None:
                        measure_halves(results, problem, method, size, seed, limit)
        click.echo(compared(results, task, methods, own_size))
    commits = sorted({str(line["commit"]) for line in results.lines})
    click.echo(f"measured at commit {', '.join(commits)}")


@main.command()
@options(_DATA, _TASK, _CONFIG, _SET, _OUT, _SEEDS)
@click.option(
    "--method",
    "methods",
    type=click.Choice(tuple(PRIORS)),
    multiple=True,
    default=tuple(name for name in PRIORS if name not in WRITTEN),
    help="by default those that need no model that writes",
)
@click.option("--fold", "folds", type=int, multiple=True, help="only these folds; by default all")
def prior(
    data: Path,
    tasks: Sequence[str],
    config: str,
    overrides: Sequence[str],
    out: Path,
    seeds: Sequence[int],
    methods: Sequence[str],
    folds: Sequence[int],
) -> None:
    """kdsl with each source of the prior."""
    settings = load_config(config, overrides)
    results, source = Results(out), Data(data, settings)
    size = float(settings.rules.rules_per_label)
    click.echo("| task | prior | " + " | ".join(PRIOR_COLUMNS) + " |\n" + "|---" * (len(PRIOR_COLUMNS) + 2) + "|")
    for task in tasks:
        for seed in seeds:
            for problem in source.problems(task, seed):
                for method in methods:
                    if not folds or problem.fold in folds:
                        measure(results, problem, method, size, seed, limit=3600)
        for method in methods:
            found = [one for (s, _), one in runs(results, task, method).items() if s == size]
            cells = [_cell(name, [one[name] for one in found]) for name in PRIOR_COLUMNS]
            click.echo(f"| {task} | {method} | " + " | ".join(cells) + " |")


@main.command()
@options(_DATA, _TASK, _CONFIG, _SET, _OUT)
@click.option("--n", default=20, show_default=True, help="shuffles per task")
def shuffles(data: Path, tasks: Sequence[str], config: str, overrides: Sequence[str], out: Path, n: int) -> None:
    """Rules that the book keeps on shuffled labels."""
    settings = load_config(config, overrides)
    results, source = Results(out), Data(data, settings)
    click.echo("| task | shuffles | rules in all books | most in one | books with a rule |\n|---|---|---|---|---|")
    for task in tasks:
        whole = None
        for seed in range(n):
            key = {"part": "shuffle", "task": task, "seed": seed}
            if not results.has(**key):
                whole = whole or source.whole(task)
                model = kdsl(whole.shuffled(seed), settings.rules.rules_per_label, seed)
                kept = [[label, sorted(condition)] for label, condition in sorted(model.rules, key=str)[:5]]
                results.add(**key, rules=len(model.rules), first=kept)
        counts = [line["rules"] for line in results.of(part="shuffle", task=task)]
        click.echo(f"| {task} | {len(counts)} | {sum(counts)} | {max(counts)} | {np.count_nonzero(counts)} |")


@main.command()
@options(_DATA, _TASK, _CONFIG, _SET, _OUT, _SEEDS)
def books(
    data: Path, tasks: Sequence[str], config: str, overrides: Sequence[str], out: Path, seeds: Sequence[int]
) -> None:
    """Properties of the book of all labelled samples."""
    settings = load_config(config, overrides)
    results, source = Results(out), Data(data, settings)
    head = ""
    for task in tasks:
        for seed in seeds:
            key = {"part": "book", "task": task, "seed": seed}
            if not results.has(**key):
                book = book_of(source.whole(task), settings.rules.rules_per_label, seed)
                results.add(**key, properties=properties(book))
            (line,) = results.of(**key)
            found = line["properties"]
            if not head:
                head = "| task | seed | " + " | ".join(found) + " |\n" + "|---" * (len(found) + 2) + "|"
                click.echo(head)
            click.echo(f"| {task} | {seed} | " + " | ".join(map(str, found.values())) + " |")


main.add_command(speed)

if __name__ == "__main__":
    main()
