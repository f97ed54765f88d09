"""A report of predictions against gold: figures, pictures, a page to read and the wrong samples as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.evaluation.html import render_page
from kdsl.evaluation.metrics import Scores, score
from kdsl.evaluation.plots import confusion_png, coverage_png, reliability_png
from kdsl.evaluation.predictions import Judged, read_judged
from kdsl.runs import atomic_write
from kdsl.tasks import Task


@dataclass(frozen=True)
class Evaluation:
    """Judged predictions and their figures, per task and over all samples together."""

    judged: Mapping[str, Sequence[Judged]]
    """By task; only tasks with samples, in the order of the config."""
    tasks: Mapping[str, Task]
    scores: Mapping[str, Scores]
    pooled: Scores

    @property
    def mean_f1(self) -> float:
        """Plain mean of the tasks' weighted F1: the challenge's 'overall'."""
        return sum(scores.f1 for scores in self.scores.values()) / len(self.scores)

    def to_json(self) -> dict[str, Any]:
        """All figures as plain data."""
        figures: dict[str, Any] = {name: scores.summary() for name, scores in self.scores.items()}
        return figures | {"pooled": self.pooled.summary(), "mean_f1": self.mean_f1}


def evaluate_file(gold: Path, pred: Path, tasks: Sequence[Task]) -> Evaluation:
    """Compare a file of predictions with a file of gold samples.

    Raises:
        InputError: see `kdsl.evaluation.predictions.read_judged`.
    """
    judged = read_judged(gold, pred, tasks)
    by_task = {task.name: [j for j in judged if j.sample.task == task.name] for task in tasks}
    present = {name: rows for name, rows in by_task.items() if rows}
    return Evaluation(
        judged=present,
        tasks={task.name: task for task in tasks if task.name in present},
        scores={name: score(rows) for name, rows in present.items()},
        pooled=score(judged),
    )


def write_report(gold: Path, pred: Path, out: Path, tasks: Sequence[Task], images: Path | None = None) -> Path:
    """Evaluate and write metrics.json, report.html, the pictures and errors.jsonl into `out`; the page's path.

    Args:
        images: the folder that the samples' pictures lie below; with it the page shows them, small.
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
    for name, scores in evaluation.scores.items():
        if scores.confidence is not None:
            curves[name] = scores.confidence
            pictures[f"reliability-{name}.png"] = reliability_png(scores.confidence)
    if curves:
        pictures["coverage-risk.png"] = coverage_png(curves)
    wrong = wrong_rows(evaluation)
    for name, content in pictures.items():
        atomic_write(out / name, content)
    atomic_write(out / "metrics.json", json.dumps(evaluation.to_json(), ensure_ascii=False, indent=1))
    atomic_write(out / "errors.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in wrong))
    page = out / "report.html"
    atomic_write(page, render_page(evaluation.scores, evaluation.pooled, evaluation.mean_f1, wrong, pictures, images))
    return page


def wrong_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Wrong samples as plain data; in each task the surest errors first, then the failed samples."""
    rows = []
    for judged in evaluation.judged.values():
        wrong = [j for j in judged if not j.right]
        rows += [_wrong_row(j) for j in sorted(wrong, key=lambda j: (j.failed, -(j.probability or 0)))]
    return rows


def _wrong_row(judged: Judged) -> dict[str, Any]:
    line, sample = judged.line, judged.sample
    row: dict[str, Any] = {
        "id": sample.id,
        "task": sample.task,
        "gold": judged.gold,
        "label": judged.label,
        "probability": judged.probability,
        "images": list(sample.images),
        "turns": [{"role": turn.role, "text": turn.text} for turn in sample.turns],
    }
    if judged.gold in line.distribution:
        ranked = sorted(line.distribution, key=lambda label: -line.distribution[label])
        row |= {"gold_probability": line.distribution[judged.gold], "gold_rank": ranked.index(judged.gold) + 1}
    written = line.model_dump(include={"error", "abstained", "spend", "trace"}, exclude_unset=True)
    return row | written


def metrics_table(evaluation: Evaluation) -> Any:
    """The main figures as a rich table: a line a task, then all samples together."""
    from rich.table import Table

    headers = ("n", "F1", "macro F1", "prec.", "recall", "acc.", "ECE", "acc@70%", "failed")
    table = Table("task", *headers, box=None, title=f"Mean of the tasks' F1: {evaluation.mean_f1:.4f}")
    for name, scores in [*evaluation.scores.items(), ("pooled", evaluation.pooled)]:
        figures = (scores.f1, scores.macro_f1, scores.precision, scores.recall, scores.accuracy)
        sure = scores.confidence
        calibration = (f"{sure.ece:.4f}", f"{sure.accuracy_at['0.70']:.4f}") if sure else ("-", "-")
        table.add_row(name, str(scores.n), *(f"{figure:.4f}" for figure in figures), *calibration, str(scores.failed))
    return table
