"""Each expert alone beside all together: what every voice in a file of predictions would have said by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.metrics import f1_score

from kdsl.evaluation.report import Evaluation

FUSED = "fused"
NOTHING = ""
"""Stands for the label of an expert that abstained: never right."""


@dataclass(frozen=True)
class Alone:
    """Weighted F1 of one expert on one task (abstentions count as wrong), and the share it spoke on."""

    task: str
    expert: str
    f1: float
    coverage: float


def experts_alone(gold: Mapping[str, str], predictions: Sequence[Mapping[str, Any]]) -> list[Alone]:
    """A row an expert and task, then the fused prediction, from the traces of predictions.

    Args:
        gold: sample id -> gold label.
        predictions: lines as `kdsl predict` writes them; lines with an `error` count as wrong.

    Experts that only speak on routed samples (calls 2 and 3) are left out: alone they say nothing of most.
    """
    rows = []
    for task in sorted({str(line["task"]) for line in predictions if line.get("task")}, reverse=True):
        lines = [line for line in predictions if line["task"] == task]
        truth = [gold[line["id"]] for line in lines]
        spoke = [line for line in lines if _votes(line)]
        names = [name for name in _names(lines) if all(name in _votes(line) for line in spoke)]
        for name in names:
            said = [_first(_votes(line).get(name)) for line in lines]
            rows.append(_row(task, name, truth, said))
        rows.append(_row(task, FUSED, truth, [line.get("label") or NOTHING for line in lines]))
    return rows


def traced(evaluation: Evaluation) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """An evaluation's gold labels by id, and its lines as `experts_alone` wants them."""
    judged = [one for group in evaluation.judged.values() for one in group]
    lines = [one.line.model_dump() | {"id": one.sample.id, "task": one.sample.task} for one in judged]
    return {one.sample.id: one.gold for one in judged}, lines


def _row(task: str, expert: str, truth: list[str], said: list[str]) -> Alone:
    f1 = f1_score(truth, said, labels=sorted(set(truth)), average="weighted", zero_division=0)
    return Alone(task, expert, float(f1), sum(label != NOTHING for label in said) / len(said))


def _names(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in _votes(line)))


def _votes(line: Mapping[str, Any]) -> Mapping[str, Any]:
    trace = line.get("trace")
    votes: Mapping[str, Any] = trace.get("experts", {}) if isinstance(trace, Mapping) else {}
    return votes


def _first(vote: Mapping[str, Any] | None) -> str:
    return str(vote["top"][0][0]) if vote and vote["top"] else NOTHING


def experts_table(rows: Sequence[Alone]) -> Any:
    """The rows as a rich table, a line an expert and a column a task."""
    from rich.table import Table

    tasks = list(dict.fromkeys(row.task for row in rows))
    table = Table("expert", *(f"{task} F1" for task in tasks), box=None, title="Each expert alone, and all together")
    for expert in dict.fromkeys(row.expert for row in rows):
        cells = []
        for task in tasks:
            found = [row for row in rows if (row.task, row.expert) == (task, expert)]
            text = f"{found[0].f1:.3f}" if found else "-"
            cells.append(text + (f" on {found[0].coverage:.0%}" if found and found[0].coverage < 0.995 else ""))
        table.add_row(expert, *cells, style="bold" if expert == FUSED else "")
    return table
