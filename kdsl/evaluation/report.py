"""Reports of predictions against gold: metrics, plots, an HTML page, and the wrong samples as JSONL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.readers import BadSample
from kdsl.errors import InputError
from kdsl.evaluation.experts_alone import FUSED, Alone, experts_alone
from kdsl.evaluation.metrics import Metrics, Scope, compute_metrics, scope_metrics
from kdsl.evaluation.modalities import Modalities
from kdsl.evaluation.page import SHOWN, data_url, render, thumbnails
from kdsl.evaluation.plots import confusion_png, coverage_png, reliability_png
from kdsl.evaluation.predictions import Judged, read_judged
from kdsl.files import atomic_write, write_json, write_jsonl
from kdsl.tasks import Task

CONFUSIONS = 20
"""Maximum number of confused pairs per task on the page, the most frequent first."""
BAD = "gold.bad.jsonl"
"""The list of rows of gold that were set aside; it is not there if there are none."""
THUMBNAIL = 240
"""Longest side of a sample's picture on the page, in pixels."""


@dataclass(frozen=True)
class Evaluation:
    """Judged predictions and their metrics, per task and over all samples."""

    judged: Mapping[str, Sequence[Judged]]
    """Task name -> judged predictions of samples in scope; only tasks with such, in the order of the config."""
    tasks: Mapping[str, Task]
    metrics: Mapping[str, Metrics]
    pooled: Metrics
    scope: Mapping[str, Scope]
    """Of the tasks whose gold marks samples as out of scope; the other metrics leave these samples out."""
    set_aside: Sequence[BadSample] = ()
    """Rows of gold that are no labelled sample."""
    modalities: Mapping[str, Modalities] = field(default_factory=dict)
    """Scores by text alone and by pictures alone, where they were asked for (`kdsl.evaluation.modalities`)."""

    @cached_property
    def alone(self) -> list[Alone]:
        """Each expert alone, and the fused prediction last, per task; nothing of a task without traces."""
        rows = experts_alone(self.judged)
        traced = {row.task for row in rows if row.expert != FUSED}
        return [row for row in rows if row.task in traced]

    @property
    def mean_f1(self) -> float:
        """Unweighted mean of the tasks' weighted F1: the challenge's 'overall'."""
        return sum(metrics.f1 for metrics in self.metrics.values()) / len(self.metrics)

    def to_json(self) -> dict[str, Any]:
        """All metrics as plain values."""
        figures: dict[str, Any] = {name: metrics.summary() for name, metrics in self.metrics.items()}
        for name, scope in self.scope.items():
            figures[name]["scope"] = asdict(scope)
        for name, scores in self.modalities.items():
            figures[name]["modalities"] = asdict(scores)
        for row in self.alone:
            own = {"f1": row.f1, "coverage": row.coverage, "precision": row.precision}
            figures[row.task].setdefault("experts", {})[row.expert] = own
        return figures | {
            "pooled": self.pooled.summary(),
            "mean_f1": self.mean_f1,
            "set_aside": len(self.set_aside),
        }


def evaluate_file(gold: Path, pred: Path, tasks: Sequence[Task], columns: Columns = AS_KNOWN) -> Evaluation:
    """Evaluate a file of predictions against a file of gold samples.

    Args:
        columns: those of `gold` that are called otherwise than docs/data.md says.

    Raises:
        InputError: see `kdsl.evaluation.predictions.read_judged`; or every sample is out of scope.
    """
    judged, bad = read_judged(gold, pred, tasks, columns)
    inside = [j for j in judged if not j.sample.out_of_scope]
    if not inside:
        raise InputError(f"{gold}: every sample is marked as out of scope; an evaluation needs some that are in scope.")
    by_task = {task.name: [j for j in inside if j.sample.task == task.name] for task in tasks}
    present = {name: rows for name, rows in by_task.items() if rows}
    scope = {name: scope_metrics([j for j in judged if j.sample.task == name]) for name in present}
    return Evaluation(
        judged=present,
        tasks={task.name: task for task in tasks if task.name in present},
        metrics={name: compute_metrics(rows) for name, rows in present.items()},
        pooled=compute_metrics(inside),
        scope={name: found for name, found in scope.items() if found},
        set_aside=bad,
    )


def write_report(gold: Path, pred: Path, out: Path, tasks: Sequence[Task], images: Path | None = None) -> Path:
    """Evaluate, and write metrics.json, report.html, the plots and errors.jsonl into `out`; returns the page's path.

    Args:
        images: the root folder of the pictures, for thumbnails on the page; None for no thumbnails.
    """
    return write_evaluation(evaluate_file(gold, pred, tasks), out, images)


def write_evaluation(evaluation: Evaluation, out: Path, images: Path | None = None) -> Path:
    """Write the files of a report into `out`; returns the path of its page.

    Raises:
        InputError: `out` cannot be written to.
    """
    pictures: dict[str, bytes] = {}
    for name, judged in evaluation.judged.items():
        pictures[f"confusion-{name}.png"] = confusion_png(judged, evaluation.tasks[name].names)
    curves = {}
    for name, metrics in evaluation.metrics.items():
        if metrics.confidence is not None:
            curves[name] = metrics.confidence
            pictures[f"reliability-{name}.png"] = reliability_png(metrics.confidence)
    if curves:
        pictures["coverage-risk.png"] = coverage_png(curves)
    wrong = wrong_samples(evaluation)
    for name, content in pictures.items():
        atomic_write(out / name, content)
    write_json(out / "metrics.json", evaluation.to_json())
    write_jsonl(out / "errors.jsonl", map(_wrong_row, wrong))
    (out / BAD).unlink(missing_ok=True)
    if evaluation.set_aside:
        write_jsonl(out / BAD, map(_bad_row, evaluation.set_aside))
    page = out / "report.html"
    atomic_write(page, _page(evaluation, wrong, pictures, images))
    return page


def _page(evaluation: Evaluation, wrong: Sequence[Judged], pictures: Mapping[str, bytes], images: Path | None) -> str:
    return render(
        "report.html.j2",
        metrics=evaluation.metrics,
        pooled=evaluation.pooled,
        all_metrics={**evaluation.metrics, "pooled": evaluation.pooled},
        scope=evaluation.scope,
        modalities=evaluation.modalities,
        alone=evaluation.alone,
        mean_f1=evaluation.mean_f1,
        set_aside=[str(row) for row in evaluation.set_aside[:SHOWN]],
        set_aside_total=len(evaluation.set_aside),
        confusions=CONFUSIONS,
        wrong=wrong[:SHOWN],
        wrong_total=len(wrong),
        thumbnails=thumbnails((judged.sample for judged in wrong[:SHOWN]), images, THUMBNAIL),
        pictures={name: data_url(content, "png") for name, content in pictures.items()},
    )


def wrong_samples(evaluation: Evaluation) -> list[Judged]:
    """Wrong predictions, per task; the most confident errors first, then the failed samples."""
    return [
        judged
        for group in evaluation.judged.values()
        for judged in sorted(group, key=lambda j: (j.failed, -(j.probability or 0)))
        if not judged.right
    ]


def _bad_row(row: BadSample) -> dict[str, Any]:
    """A row that was set aside, as `predict` lists those that it cannot predict."""
    return {"id": row.id, "where": row.where, "task": None, "error": row.message}


def _wrong_row(judged: Judged) -> dict[str, Any]:
    """A wrong sample and its prediction as plain values."""
    sample = judged.sample
    row: dict[str, Any] = {
        "id": sample.id,
        "task": sample.task,
        "gold": judged.gold,
        "label": judged.label,
        "probability": judged.probability,
        "images": list(sample.images),
        "turns": [{"role": turn.role, "text": turn.text} for turn in sample.turns],
    }
    if judged.gold_rank is not None:
        row |= {"gold_probability": judged.gold_probability, "gold_rank": judged.gold_rank}
    fields = {"error", "abstained", "in_scope", "out_of_scope", "spend", "trace"}
    return row | judged.line.model_dump(mode="json", include=fields, exclude_unset=True)


def metrics_table(evaluation: Evaluation) -> Any:
    """The main metrics as a rich table: one row per task, then all samples."""
    from rich.table import Table

    headers = ("n", "F1", "macro F1", "prec.", "recall", "acc.", "ECE", "acc@70%", "failed")
    table = Table("task", *headers, box=None, title=f"Mean of the tasks' F1: {evaluation.mean_f1:.4f}")
    for name, metrics in [*evaluation.metrics.items(), ("pooled", evaluation.pooled)]:
        figures = (metrics.f1, metrics.macro_f1, metrics.precision, metrics.recall, metrics.accuracy)
        sure = metrics.confidence
        calibration = (f"{sure.ece:.4f}", f"{sure.accuracy_at['0.70']:.4f}") if sure else ("-", "-")
        table.add_row(name, str(metrics.n), *(f"{figure:.4f}" for figure in figures), *calibration, str(metrics.failed))
    return table


def confidence_table(evaluation: Evaluation) -> Any:
    """What the probabilities are worth, as a rich table: one row per task, then all samples."""
    from rich.table import Table

    headers = ("ECE, 95% interval", "Brier", "coverage at 5% error", "p >= 0.9 and wrong", "without evidence: acc.")
    table = Table("task", *headers, box=None, title="Probabilities")
    for name, metrics in [*evaluation.metrics.items(), ("pooled", evaluation.pooled)]:
        sure, bare = metrics.confidence, metrics.unsupported
        cells = ["-"] * 4
        if sure is not None:
            low, high = sure.ece_interval
            brier = "-" if sure.brier is None else f"{sure.brier:.4f}"
            wrong = f"{sure.sure_and_wrong} of {sure.sure}"
            cells = [f"{low:.3f} to {high:.3f}", brier, f"{sure.coverage_at_5:.3f}", wrong]
        supported = "-"
        if bare is not None:
            supported = f"{bare.n}: " + ("-" if bare.accuracy is None else f"{bare.accuracy:.3f}")
        table.add_row(name, *cells, supported)
    return table


def scope_table(scope: Mapping[str, Scope]) -> Any:
    """How well samples out of scope are told apart, as a rich table: one row per task whose gold marks some."""
    from rich.table import Table

    headers = ("out of scope", "AUROC", "MCC", "found", "wrongly rejected")
    table = Table("task", *headers, box=None, title="In scope or not")
    for name, one in scope.items():
        auroc = "-" if one.auroc is None else f"{one.auroc:.4f}"
        table.add_row(name, str(one.n), auroc, f"{one.mcc:.4f}", f"{one.found:.3f}", f"{one.rejected:.3f}")
    return table


def modalities_table(modalities: Mapping[str, Modalities]) -> Any:
    """Weighted F1 by text alone, by pictures alone and jointly, as a rich table: one row per task."""
    from rich.table import Table

    table = Table("task", "n", "F1, joint", "text alone", "pictures alone", box=None, title="By text and by pictures")
    for name, one in modalities.items():
        table.add_row(name, str(one.n), f"{one.joint:.4f}", f"{one.text:.4f}", f"{one.pictures:.4f}")
    return table
