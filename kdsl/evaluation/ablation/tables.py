"""Results of an ablation as Markdown, CSV and plots, from the finished cells.

The metrics of a seed are computed on its out-of-fold predictions, all folds pooled; a seed without all folds is left
out. "Overall" is the unweighted mean of the tasks' weighted F1. The spread is the sample standard deviation over seeds.
The tables have the shape of LLM-IR's: by epoch (its table 1), and gain over the first configuration (its table 2).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from kdsl.data.sample import Sample
from kdsl.data.spreadsheets import inert
from kdsl.evaluation.ablation.cell import read_lines
from kdsl.evaluation.metrics import Metrics, compute_metrics
from kdsl.evaluation.plots import lines_png, points_png
from kdsl.evaluation.predictions import Judged, PredictionLine
from kdsl.files import atomic_write
from kdsl.scores import mean_sd

OVERALL = "overall"


@dataclass(frozen=True)
class Arm:
    """A variant: its name, its share of the training samples, its settings as text, and the folder of its cells."""

    name: str
    fraction: float
    sets: str
    folder: Path


@dataclass(frozen=True)
class Plan:
    """The seeds, folds, variants and tasks of the tables; `tasks` are names, in the order of columns."""

    arms: Sequence[Arm]
    seeds: Sequence[int]
    folds: Sequence[int]
    tasks: Sequence[str]
    samples: Sequence[Sample]
    system: str
    curve: bool


@dataclass(frozen=True)
class Seed:
    """A variant's metrics for one seed.

    `samples` is the number of training samples, mean over folds; `seconds` is the mean over uninterrupted folds.
    """

    seed: int
    metrics: Mapping[str, Metrics]
    samples: float
    seconds: float | None

    @property
    def f1(self) -> dict[str, float]:
        """Weighted F1 by task, then overall."""
        return _with_overall({name: metrics.f1 for name, metrics in self.metrics.items()})


@dataclass(frozen=True)
class Point:
    """A variant's metrics for one seed at one epoch: weighted F1 by task and overall, mean log-loss by task."""

    seed: int
    epoch: float
    f1: Mapping[str, float]
    log_loss: Mapping[str, float]


def write_results(plan: Plan, output: Path) -> Path:
    """Write results.md, results.csv and results.png, and for a curve also curve.csv and curve.png.

    Returns:
        The path of results.md.

    Raises:
        InputError: `output` cannot be written to.
    """
    seeds = {arm.name: read_seeds(plan, arm) for arm in plan.arms}
    points = {arm.name: read_points(plan, arm) for arm in plan.arms} if plan.curve else {}
    atomic_write(output / "results.csv", _seed_csv(plan, seeds))
    if any(seeds.values()):
        atomic_write(output / "results.png", _picture(plan, seeds))
    if any(points.values()):
        atomic_write(output / "curve.csv", _point_csv(plan, points))
        panels = {
            column: {name: _by_x((p.epoch, p.f1[column]) for p in found) for name, found in points.items() if found}
            for column in _columns(plan)
        }
        atomic_write(output / "curve.png", lines_png(panels, "epoch", "weighted F1"))
    page = output / "results.md"
    atomic_write(page, markdown(plan, seeds, points))
    return page


def read_seeds(plan: Plan, arm: Arm) -> list[Seed]:
    """The metrics of each seed with all folds finished."""
    gold = {sample.id: sample for sample in plan.samples}
    found = []
    for seed in plan.seeds:
        cells = [arm.folder / f"seed-{seed}" / f"fold-{fold}" for fold in plan.folds]
        if not all(cell.with_suffix(".jsonl").is_file() for cell in cells):
            continue
        rows = [row for cell in cells for row in read_lines(cell.with_suffix(".jsonl"))]
        notes = [json.loads(cell.with_suffix(".json").read_text("utf-8")) for cell in cells]
        timed = [note["seconds"] for note in notes if note["seconds"] is not None]
        metrics = {task: compute_metrics(_judged(gold, rows, task)) for task in plan.tasks}
        found.append(Seed(seed, metrics, fmean(note["samples"] for note in notes), fmean(timed) if timed else None))
    return found


def read_points(plan: Plan, arm: Arm) -> list[Point]:
    """The metrics of each seed and epoch with all folds finished."""
    gold = {sample.id: sample for sample in plan.samples}
    found = []
    for seed in plan.seeds:
        files = [arm.folder / f"seed-{seed}" / f"fold-{fold}.curve.jsonl" for fold in plan.folds]
        if not all(file.is_file() for file in files):
            continue
        rows = [row for file in files for row in read_lines(file)]
        for epoch in sorted({row["epoch"] for row in rows}):
            here = [row for row in rows if row["epoch"] == epoch]
            f1 = {task: compute_metrics(_judged(gold, here, task)).f1 for task in plan.tasks}
            loss = {task: fmean(row["log_loss"] for row in here if row["task"] == task) for task in plan.tasks}
            found.append(Point(seed, epoch, _with_overall(f1), loss))
    return found


def markdown(plan: Plan, seeds: Mapping[str, Sequence[Seed]], points: Mapping[str, Sequence[Point]]) -> str:
    """The tables: variants, their gain over the first one, and the curve by epoch."""
    columns = _columns(plan)
    measured = "training" if plan.system == "large" else "fit and prediction"
    system = "large model with its adapters alone" if plan.system == "large" else "whole system"
    parts = [
        "# Ablation",
        f"Of the {system}: weighted F1 of out-of-fold predictions, {len(plan.folds)} fold(s) pooled, mean ± standard "
        f"deviation over seeds. Labels: those trained on, mean over folds. Seconds: {measured} of one fold.",
        _table(
            ("variant", *(f"{column} F1" for column in columns), "seeds", "labels", "seconds"),
            [_variant_row(name, found, plan) for name, found in seeds.items()],
        ),
    ]
    first, *others = plan.arms
    if others:
        parts += [
            f"Gain over `{first.name}`, seed by seed (the same seed draws the same folds and labels):",
            _table(
                ("variant", *columns, "seeds"),
                [_gain_row(arm.name, seeds[first.name], seeds[arm.name], columns) for arm in others],
            ),
        ]
    if any(points.values()):
        rows = []
        for name, found in points.items():
            for epoch in sorted({point.epoch for point in found}):
                here = [point for point in found if point.epoch == epoch]
                f1 = [mean_sd([point.f1[column] for point in here]) for column in columns]
                loss = [mean_sd([point.log_loss[task] for point in here]) for task in plan.tasks]
                rows.append((f"`{name}`", f"{epoch:.1f}", *f1, *loss))
        parts += [
            "By epoch: the test folds scored during training. This shows how training goes; an epoch chosen from it is "
            "chosen on the test folds. The rows above are the end of training.",
            _table(
                ("variant", "epoch", *(f"{c} F1" for c in columns), *(f"{task} log-loss" for task in plan.tasks)), rows
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _variant_row(name: str, found: Sequence[Seed], plan: Plan) -> tuple[str, ...]:
    f1 = [mean_sd([seed.f1[column] for seed in found]) for column in _columns(plan)]
    labels = f"{fmean(seed.samples for seed in found):.0f}" if found else "-"
    timed = [seed.seconds for seed in found if seed.seconds is not None]
    return f"`{name}`", *f1, f"{len(found)} of {len(plan.seeds)}", labels, f"{fmean(timed):.0f}" if timed else "-"


def _gain_row(name: str, first: Sequence[Seed], found: Sequence[Seed], columns: Sequence[str]) -> tuple[str, ...]:
    base = {seed.seed: seed.f1 for seed in first}
    both = [seed for seed in found if seed.seed in base]
    gains = [mean_sd([seed.f1[c] - base[seed.seed][c] for seed in both], signed=True) for c in columns]
    return f"`{name}`", *gains, str(len(both))


def _seed_csv(plan: Plan, seeds: Mapping[str, Sequence[Seed]]) -> str:
    header = ("variant", "fraction", "seed", "task", "n", "labels", "f1", "macro_f1", "accuracy", "ece", "seconds")
    rows = []
    for arm in plan.arms:
        for seed in seeds[arm.name]:
            for task, metrics in seed.metrics.items():
                ece = metrics.confidence.ece if metrics.confidence else None
                figures = (metrics.f1, metrics.macro_f1, metrics.accuracy, ece, seed.seconds)
                rows.append((arm.name, arm.fraction, seed.seed, task, metrics.n, seed.samples, *figures))
    return _csv(header, rows)


def _point_csv(plan: Plan, points: Mapping[str, Sequence[Point]]) -> str:
    rows = [
        (name, point.seed, point.epoch, task, point.f1[task], point.log_loss[task])
        for name, found in points.items()
        for point in found
        for task in plan.tasks
    ]
    return _csv(("variant", "seed", "epoch", "task", "f1", "log_loss"), rows)


def _picture(plan: Plan, seeds: Mapping[str, Sequence[Seed]]) -> bytes:
    """A plot of points by variant, or of lines over the share of samples if variants differ only in that share."""
    columns = _columns(plan)
    fractions = {arm.fraction for arm in plan.arms}
    if len({arm.sets for arm in plan.arms}) == 1 and len(fractions) == len(plan.arms) > 1:
        at = {arm.name: fmean(seed.samples for seed in seeds[arm.name]) for arm in plan.arms if seeds[arm.name]}
        lines = {
            column: _by_x((at[name], seed.f1[column]) for name in at for seed in seeds[name]) for column in columns
        }
        return lines_png({"": lines}, "labelled samples trained on", "weighted F1")
    return points_png({c: {name: [seed.f1[c] for seed in found] for name, found in seeds.items()} for c in columns})


def _columns(plan: Plan) -> list[str]:
    return [*plan.tasks, OVERALL]


def _with_overall(f1: Mapping[str, float]) -> dict[str, float]:
    return {**f1, OVERALL: fmean(f1.values())}


def _by_x(pairs: Iterable[tuple[float, float]]) -> dict[float, list[float]]:
    """x -> its values, ascending."""
    grouped: dict[float, list[float]] = {}
    for x, y in pairs:
        grouped.setdefault(x, []).append(y)
    return dict(sorted(grouped.items()))


def _judged(gold: Mapping[str, Sample], rows: Iterable[Mapping[str, Any]], task: str) -> list[Judged]:
    own = [row for row in rows if row["task"] == task]
    return [Judged(gold[row["id"]], str(gold[row["id"]].label), PredictionLine.model_validate(row)) for row in own]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()
