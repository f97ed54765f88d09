"""The contribution of each expert: all experts fused, each left out, and each alone, from a cross-validation's scores.

For every fold, the fusion of the participating experts is fitted on their out-of-fold scores and evaluated on the
fold's samples. Calls 2 and 3 are not included, because routing depends on the fused scores of all experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.ensemble.fusion import fit_fusion
from kdsl.errors import InputError
from kdsl.scores import OutOfFold, log_loss, mean_sd, weighted_f1

ALL = "all"


@dataclass(frozen=True)
class Subset:
    """A subset of the experts, fused: weighted F1 and log-loss by task, one value per run (one run per seed)."""

    name: str
    f1: dict[str, tuple[float, ...]]
    log_loss: dict[str, tuple[float, ...]]


def leave_out(runs: Sequence[Path], seed: int = 17) -> list[Subset]:
    """Evaluate all experts, all but each one, and each one alone.

    Args:
        runs: folders that `cross_validate` wrote as `<output>.scores`, one per seed.

    Raises:
        InputError: a folder has no scores.
    """
    read = [_read(run) for run in runs]
    experts = list(dict.fromkeys(n for run in read for folds in run.values() for fit, _ in folds for n in fit.scores))
    subsets = {ALL: experts}
    subsets |= {f"without {name}": [other for other in experts if other != name] for name in experts}
    subsets |= {f"{name} alone": [name] for name in experts}
    return [_judge(name, members, read, seed) for name, members in subsets.items() if members]


_Folds = list[tuple[OutOfFold, OutOfFold]]


def _read(run: Path) -> dict[str, _Folds]:
    """Task -> its folds' (fitted, held out)."""
    found: dict[str, _Folds] = {}
    for file in sorted(run.glob("fold-*/*.held_out.npz")):
        task = file.name.removesuffix(".held_out.npz")
        fitted = OutOfFold.load(file.with_name(f"{task}.fitted.npz"))
        found.setdefault(task, []).append((fitted, OutOfFold.load(file)))
    if not found:
        raise InputError(f"{run} holds no scores of experts; a cross-validation to X.jsonl writes X.jsonl.scores.")
    return dict(sorted(found.items(), reverse=True))


def _judge(name: str, members: Sequence[str], runs: Sequence[dict[str, _Folds]], seed: int) -> Subset:
    f1: dict[str, list[float]] = {}
    loss: dict[str, list[float]] = {}
    for run in runs:
        for task, folds in run.items():
            parts = [part for pair in folds if (part := _predict(pair, members, seed)) is not None]
            if not parts:  # an expert that does not serve this task
                continue
            gold = np.concatenate([g for g, _ in parts])
            log_p = np.concatenate([p for _, p in parts])
            f1.setdefault(task, []).append(weighted_f1(gold, log_p.argmax(1)))
            loss.setdefault(task, []).append(log_loss(log_p, gold))
    return Subset(name, {t: tuple(v) for t, v in f1.items()}, {t: tuple(v) for t, v in loss.items()})


def _predict(
    pair: tuple[OutOfFold, OutOfFold], members: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Gold columns [n] and fused log-probabilities [n, m] of a fold; None if no member serves the task."""
    fitted, held_out = pair
    present = [name for name in members if name in fitted.scores]
    if not present:
        return None
    flattered = fitted.flattered_of(present)
    fusion, _ = fit_fusion({name: fitted.scores[name] for name in present}, fitted.gold, seed, flattered=flattered)
    return held_out.gold, fusion.log_probabilities(held_out.scores)


def leave_out_table(subsets: Sequence[Subset]) -> Any:
    """The subsets as a rich table: weighted F1 and log-loss of each task."""
    from rich.table import Column, Table

    tasks = list(subsets[0].f1)
    runs = len(next(iter(subsets[0].f1.values())))
    columns = [f"{task} {what}" for task in tasks for what in ("F1", "log-loss")]
    first = Column("experts", no_wrap=True)
    table = Table(first, *columns, box=None, title=f"Call 1 and votes, {runs} run{'s' if runs > 1 else ''}")
    for subset in subsets:
        cells = []
        for task in tasks:
            cells += [mean_sd(part.get(task, ())) for part in (subset.f1, subset.log_loss)]
        table.add_row(subset.name, *cells, style="bold" if subset.name == ALL else "")
    return table
