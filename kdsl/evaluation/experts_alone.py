"""Metrics of each expert alone next to those of the fused predictions, from the traces in a file of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdsl.data.prediction import Vote
from kdsl.evaluation.predictions import FAILED, Judged
from kdsl.scores import weighted_f1

FUSED = "fused"


@dataclass(frozen=True)
class Alone:
    """One expert on one task: its weighted F1, in which abstentions count as wrong; the share of samples that it said
    something about, and how often that was right (None if it never did)."""

    task: str
    expert: str
    f1: float
    coverage: float
    precision: float | None


def experts_alone(judged: Mapping[str, Sequence[Judged]]) -> list[Alone]:
    """One row per task and expert, then the fused prediction, from the traces of predictions.

    Scores of calls 2 and 3 are left out, because they exist only for routed samples.

    Args:
        judged: task name -> its judged predictions (`Evaluation.judged`); failed ones count as wrong.
    """
    rows = []
    for task, group in judged.items():
        gold = [one.gold for one in group]
        traced = [one for one in group if one.votes]
        names = dict.fromkeys(name for one in traced for name in one.votes)
        for name in names:
            if all(name in one.votes for one in traced):
                rows.append(_row(task, name, gold, [_first(one.votes.get(name)) for one in group]))
        rows.append(_row(task, FUSED, gold, [one.label for one in group]))
    return rows


def _row(task: str, expert: str, gold: list[str], said: list[str]) -> Alone:
    told = [label == right for right, label in zip(gold, said, strict=True) if label != FAILED]
    precision = sum(told) / len(told) if told else None
    return Alone(task, expert, weighted_f1(gold, said), len(told) / len(said), precision)


def _first(vote: Vote | None) -> str:
    """The top label of an expert; `FAILED` if it abstained or the sample failed."""
    return vote.top[0][0] if vote and vote.top else FAILED


def experts_table(rows: Sequence[Alone]) -> Any:
    """The rows as a rich table, one line per expert, one column per task."""
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
