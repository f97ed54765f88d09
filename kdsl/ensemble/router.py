"""What the fit learned about putting a task's experts together: fusion, router and the 'ask a person' threshold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.ensemble.fusion import Fusion
from kdsl.errors import BundleError
from kdsl.runs import atomic_write


@dataclass(frozen=True)
class TaskSettings:
    """Of one task.

    A sample whose fused margin (best minus second probability) after call 1 is below `route_below` goes on
    to calls 2 and 3 and is fused by `further`. `route_below` is 0 where further calls did not help on
    held-out scores. A probability below `ask_below` makes the prediction abstain. `figures` are held-out.
    """

    first: Fusion
    further: Fusion | None
    route_below: float
    ask_below: float
    figures: dict[str, float] = field(default_factory=dict)


def ask_threshold(log_p: np.ndarray, gold: np.ndarray, accuracy: float) -> float:
    """The lowest probability at which the predictions above it, taken together, reach `accuracy`.

    Read off the coverage-risk curve of held-out predictions; 1.0 where none reaches it.
    """
    confidence = np.exp(log_p.max(axis=1))
    order = np.argsort(-confidence, kind="stable")
    right = (log_p.argmax(axis=1) == gold)[order]
    reached = np.flatnonzero(np.cumsum(right) / np.arange(1, len(right) + 1) >= accuracy)
    return float(confidence[order][reached[-1]]) if len(reached) else 1.0


def save_settings(path: Path, settings: Mapping[str, TaskSettings]) -> None:
    """Write ensemble.json."""
    atomic_write(path, json.dumps({name: asdict(s) for name, s in settings.items()}, indent=1))


def load_settings(path: Path) -> dict[str, TaskSettings]:
    """Read ensemble.json.

    Raises:
        BundleError: it cannot be read.
    """
    try:
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {
            name: TaskSettings(
                **s | {"first": Fusion(**s["first"]), "further": Fusion(**s["further"]) if s["further"] else None}
            )
            for name, s in raw.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path} cannot be read ({error!r}); fit the bundle again.") from error


def figures_table(settings: Mapping[str, TaskSettings]) -> Any:
    """The held-out figures of every task as a rich table."""
    from rich.table import Table

    table = Table("out of fold", *settings, box=None)
    for name in dict.fromkeys(name for s in settings.values() for name in s.figures):
        table.add_row(name, *(f"{s.figures[name]:.3f}" if name in s.figures else "-" for s in settings.values()))
    return table
