"""`Figures`: what a bundle knows of itself: each sample of the fit, predicted by experts that had not seen it.

The experts' out-of-fold scores lie in the bundle (`report/TASK.npz`); they are fused as the bundle fuses them. Calls 2
and 3 are not made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import scores_file
from kdsl.ensemble.router import load_routers
from kdsl.evaluation.metrics import Metrics, compute_metrics
from kdsl.evaluation.predictions import Judged, PredictionLine
from kdsl.scores import OutOfFold
from kdsl.tasks import Task, task_by_name

WIDTH, HEIGHT = 300, 150
"""Of the curve's picture, in its own units."""


@dataclass(frozen=True)
class Figures:
    """A task's samples with their predictions, the metrics, and the threshold below which the bundle asks a person."""

    task: str
    judged: tuple[Judged, ...]
    metrics: Metrics
    ask_below: float
    alone: tuple[tuple[str, float], ...]
    """Each expert's weighted F1 by itself."""

    @property
    def ranked(self) -> list[tuple[float, bool]]:
        """Probability of each prediction and whether it is right, the surest first."""
        return sorted(((j.probability or 0.0, j.right) for j in self.judged), key=lambda pair: -pair[0])

    @property
    def errors(self) -> list[float]:
        """Error rate on the surest 1, 2, ... n samples."""
        wrong = np.cumsum([not right for _, right in self.ranked])
        return [float(share) for share in wrong / np.arange(1, len(wrong) + 1)]

    @property
    def highest(self) -> float:
        """The error rate at the top of the curve's picture."""
        return max(0.05, *self.errors)

    @property
    def points(self) -> str:
        """The curve as the points of an SVG polyline."""
        n, top = len(self.judged), self.highest
        return " ".join(
            f"{WIDTH * k / n:.1f},{HEIGHT * (1 - error / top):.1f}" for k, error in enumerate(self.errors, 1)
        )

    def confused(self, gold: str, predicted: str) -> list[Judged]:
        """The samples of a label that were predicted as another, the surest error first."""
        found = [j for j in self.judged if (j.gold, j.label) == (gold, predicted)]
        return sorted(found, key=lambda j: -(j.probability or 0.0))


def figures(bundle: Bundle, task: str) -> Figures | None:
    """The figures of a task; None where it was fitted without labelled samples.

    Raises:
        BundleError, InputError: the bundle's report cannot be read.
    """
    return _figures(bundle.folder, str(bundle.manifest["id"]), task_by_name(bundle.tasks, task).model_dump_json())


@lru_cache(maxsize=16)
def _figures(folder: Path, version: str, plain: str) -> Figures | None:
    """The same of the version of a bundle in a folder; the task is given as JSON."""
    task = Task.model_validate_json(plain)
    file = scores_file(folder, task)
    if not file.is_file():
        return None
    router = load_routers(folder / "ensemble.json")[task.name]
    kept = OutOfFold.load(file)
    shares = np.exp(router.first.log_probabilities(kept.scores))
    judged = tuple(
        _judged(id, task, int(gold), row, router.ask_below)
        for id, gold, row in zip(kept.ids, kept.gold, shares, strict=True)
    )
    alone = {name: router.figures.get(f"f1_{name}") for name in kept.scores}
    return Figures(
        task=task.name,
        judged=judged,
        metrics=compute_metrics(judged),
        ask_below=router.ask_below,
        alone=tuple((name, f1) for name, f1 in alone.items() if f1 is not None),
    )


def _judged(id: str, task: Task, gold: int, shares: Sequence[float], ask_below: float) -> Judged:
    distribution = {name: float(share) for name, share in zip(task.names, shares, strict=True)}
    label = max(distribution, key=distribution.__getitem__)
    line = PredictionLine(
        task=task.name,
        label=label,
        probability=min(distribution[label], 1.0),
        distribution=distribution,
        abstained=distribution[label] < ask_below,
    )
    sample = Sample(id, task.name, (), (), task.names[gold])
    return Judged(sample, task.names[gold], line)
