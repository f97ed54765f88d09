"""Evaluation of adapters by label scoring only: no rules, no retrieval, one model call per sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import PromptConfig
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import load_adapter, remove_adapter
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.scores import log_loss, weighted_f1
from kdsl.tasks import Task

_JUDGED = "judged"


@dataclass(frozen=True)
class AdapterMetrics:
    """One adapter on the n labelled samples of one task: weighted F1 and mean log-loss."""

    adapter: str
    task: str
    n: int
    f1: float
    log_loss: float


def judge_adapters(
    loaded: LoadedModel,
    adapters: Sequence[Path],
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: PromptConfig,
) -> list[AdapterMetrics]:
    """Evaluate every adapter on every task that has labelled samples; the base model is not changed.

    Raises:
        BundleError: an adapter does not fit the base.
        InputError: a sample's label is not one of its task.
    """
    rows = []
    for folder in adapters:
        load_adapter(loaded, folder, _JUDGED)
        try:
            for task in tasks:
                own = [e for e in evidences if e.sample.task == task.name and e.sample.label is not None]
                if own:
                    rows.append(_judge(loaded, str(folder), own, task, config))
        finally:
            remove_adapter(loaded, _JUDGED)
    return rows


def _judge(loaded: LoadedModel, name: str, own: Sequence[Evidence], task: Task, config: PromptConfig) -> AdapterMetrics:
    gold = np.array([task.index(e.sample.label or "") for e in own])
    with loaded.using(_JUDGED):
        log_p = LabelScorer(loaded, task, config).score(own)
    return AdapterMetrics(
        name,
        task.name,
        len(own),
        weighted_f1(gold, log_p.argmax(1)),
        log_loss(log_p, gold),
    )


def adapters_table(rows: Sequence[AdapterMetrics]) -> Any:
    """A rich table, one line per adapter and task."""
    from rich.table import Table

    table = Table("adapter", "task", "samples", "weighted F1", "log-loss", box=None)
    for row in rows:
        table.add_row(row.adapter, row.task, str(row.n), f"{row.f1:.3f}", f"{row.log_loss:.3f}")
    return table
