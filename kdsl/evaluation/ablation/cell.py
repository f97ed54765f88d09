"""`Cell`: one variant, seed and fold of an ablation, which is trained without the fold and evaluated on it.

FOLDER/fold-K.jsonl          predictions, written last: a cell without them is unfinished
FOLDER/fold-K.json           what it was trained on, and how long
FOLDER/fold-K.curve.jsonl    the fold's predictions at every half epoch, where a curve is wanted
FOLDER/fold-K.adapters/          its adapters, where another variant needs them
FOLDER/scores/fold-K/        with `system: whole`, each expert's scores (`kdsl.evaluation.ablation.leave_out`)
FOLDER/fold-K.error.txt      the error of the last attempt
FOLDER/fold-K.work/          while it runs; an unfinished cell continues from there
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kdsl.config import Config, ModelConfig
from kdsl.errors import InputError
from kdsl.evaluation.crossval import cross_validate
from kdsl.evidence.types import Evidence
from kdsl.files import atomic_write, write_json, write_jsonl, written_whole
from kdsl.models.adapters import adapter_on
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.merging import Merge, merge_adapters
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.folder import Run, half_epoch, half_epochs
from kdsl.training.job import adapter_groups
from kdsl.training.lora import train_adapters

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cell:
    """What to train and where its files go (`folder` is the variant's and seed's)."""

    variant: str
    config: Config
    """The variant's settings with the cell's seed."""
    fold: int
    folder: Path
    system: Literal["large", "whole"]
    fraction: float
    curve: bool
    keep: bool = False
    """Whether another variant needs the adapters."""
    teacher: Cell | None = None
    """Labels what `fraction` leaves out, where its adapters are sure."""
    min_probability: float = 1.0
    merged: tuple[Cell, ...] = ()
    """Nothing is trained: the adapters of these are merged."""

    def __str__(self) -> str:
        return f"{self.variant}, seed {self.config.seed}, fold {self.fold}"

    def file(self, ending: str) -> Path:
        """One of the cell's files, such as 'jsonl'."""
        return self.folder / f"fold-{self.fold}.{ending}"

    @property
    def done(self) -> bool:
        """Whether all requested files of the cell exist."""
        files = ["jsonl", *(["curve.jsonl"] if self.curve else []), *(["adapters"] if self.keep else [])]
        return all(self.file(ending).exists() for ending in files)

    @property
    def needs(self) -> tuple[Cell, ...]:
        """Cells whose adapters this one uses."""
        return (*self.merged, *([self.teacher] if self.teacher else []))

    @property
    def depth(self) -> int:
        """How many cells must be done before this one, one after the other."""
        return max((1 + cell.depth for cell in self.needs), default=0)

    def adapter(self, name: str) -> Path:
        """The folder of a finished cell's adapter.

        Raises:
            InputError: it is not there.
        """
        folder = self.file("adapters") / name
        if not folder.is_dir():
            raise InputError(f"{self} has left no adapter '{name}' ({folder}): it failed, or has other adapters.")
        return folder


def attempt(cell: Cell, evidences: Sequence[Evidence], folds: Mapping[str, int], tasks: Sequence[Task]) -> str | None:
    """Run a cell; returns the error in one line, or None. The traceback is written to the cell's folder."""
    try:
        run_cell(cell, evidences, folds, tasks)
    except Exception as error:  # any error must not affect the other cells
        atomic_write(cell.file("error.txt"), traceback.format_exc())
        return f"{type(error).__name__}: {error}"
    return None


def run_cell(cell: Cell, evidences: Sequence[Evidence], folds: Mapping[str, int], tasks: Sequence[Task]) -> None:
    """Train without the cell's fold, predict the fold and write the cell's files.

    Args:
        evidences: labelled samples of `tasks`.
        folds: sample id -> fold.
    """
    test = [e for e in evidences if folds[e.sample.id] == cell.fold]
    others = [e for e in evidences if folds[e.sample.id] != cell.fold]
    train = share(others, cell.fraction, cell.config.seed)
    work = cell.file("work")
    continued = work.is_dir()
    work.mkdir(parents=True, exist_ok=True)
    log.info("%s: %d samples to learn from, %d to predict", cell, len(train), len(test))
    guessed: list[Evidence] = []
    if cell.teacher:
        labelled = {evidence.sample.id for evidence in train}
        rest = [evidence for evidence in others if evidence.sample.id not in labelled]
        guessed = pseudo_labelled(cell.teacher, rest, tasks, cell.min_probability)
        log.info("%s: %d samples more by predicted labels", cell, len(guessed))
    run = _large if cell.system == "large" else _whole
    rows, seconds = run(cell, [*train, *guessed], test, tasks, work)
    note: dict[str, Any] = {"samples": len(train), "seconds": None if continued else round(seconds, 2)}
    if cell.teacher:
        gold = {evidence.sample.id: evidence.sample.label for evidence in others}
        right = sum(evidence.sample.label == gold[evidence.sample.id] for evidence in guessed)
        note |= {"pseudo": len(guessed), "pseudo_right": right}
    write_json(cell.file("json"), note)
    write_jsonl(cell.file("jsonl"), (row | {"fold": cell.fold} for row in rows))
    cell.file("error.txt").unlink(missing_ok=True)
    shutil.rmtree(work)


def pseudo_labelled(
    teacher: Cell, evidences: Sequence[Evidence], tasks: Sequence[Task], min_probability: float
) -> list[Evidence]:
    """Those of the samples whose label the adapters of a finished cell are sure of, with it; their own is not read."""
    loaded = _base(teacher.config.model("large"))
    found = []
    for name, group in adapter_groups(tasks, teacher.config).items():
        with adapter_on(loaded, teacher.adapter(name)):
            for task in group:
                own = [evidence for evidence in evidences if evidence.sample.task == task.name]
                if not own:
                    continue
                scores = np.exp(LabelScorer(loaded, task, teacher.config.prompt).score(own))
                for evidence, row in zip(own, scores, strict=True):
                    if row.max() >= min_probability:
                        sample = replace(evidence.sample, label=task.names[int(row.argmax())])
                        found.append(replace(evidence, sample=sample))
    return found


def share(evidences: Sequence[Evidence], fraction: float, seed: int) -> list[Evidence]:
    """A share of each label's samples, at least one, in their order; larger shares contain smaller ones."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for evidence in evidences:
        groups.setdefault((evidence.sample.task, evidence.sample.label), []).append(evidence.sample.id)
    kept: set[str] = set()
    for (task, label), ids in groups.items():
        random.Random(f"{seed} {task} {label}").shuffle(ids)
        kept.update(ids[: max(1, round(fraction * len(ids)))])
    return [evidence for evidence in evidences if evidence.sample.id in kept]


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The rows of a finished JSONL file."""
    with file.open(encoding="utf-8") as lines:  # str.splitlines would cut at line separators within a text
        return [json.loads(line) for line in lines]


@lru_cache(maxsize=1)
def _base(config: ModelConfig) -> LoadedModel:
    """The base model, shared by the cells of a process: training does not change it, and it caches picture features."""
    return load_base(config)


def _large(
    cell: Cell, train: Sequence[Evidence], test: Sequence[Evidence], tasks: Sequence[Task], work: Path
) -> tuple[list[dict[str, Any]], float]:
    """Predictions of the large model with only its adapters, and the training time in seconds."""
    config = cell.config
    loaded = _base(config.model("large"))
    began = time.monotonic()
    if cell.merged:
        folders = _merge(loaded, cell, tasks, work)
    else:
        folders = train_adapters(loaded, train, tasks, config, Run(work, halves=cell.curve))
    seconds = time.monotonic() - began
    rows: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    for group, folder in zip(adapter_groups(tasks, config).values(), folders, strict=True):
        for task in group:
            held_out = [e for e in test if e.sample.task == task.name]
            scorer = LabelScorer(loaded, task, config.prompt)
            with adapter_on(loaded, folder):
                rows += _rows(task, held_out, scorer.score(held_out))
            for epoch in half_epochs(folder):
                with adapter_on(loaded, half_epoch(folder, epoch)):
                    curve += _curve_rows(epoch, task, held_out, scorer.score(held_out))
    if cell.curve:
        write_jsonl(cell.file("curve.jsonl"), curve)
    if cell.keep and not cell.file("adapters").exists():
        with written_whole(cell.file("adapters")) as kept:
            for folder in folders:
                shutil.copytree(folder, kept / folder.name)
    return rows, seconds


def _merge(loaded: LoadedModel, cell: Cell, tasks: Sequence[Task], work: Path) -> list[Path]:
    """The merged adapters of the cells that this one merges, in the order of `adapter_groups`."""
    folders = []
    for name in adapter_groups(tasks, cell.config):
        folders.append(work / "adapters" / name)
        if not folders[-1].exists():
            merge_adapters(loaded, [part.adapter(name) for part in cell.merged], Merge(), folders[-1])
    return folders


def _whole(
    cell: Cell, train: Sequence[Evidence], test: Sequence[Evidence], tasks: Sequence[Task], work: Path
) -> tuple[list[dict[str, Any]], float]:
    """Predictions of the whole system as in a cross-validation, and the time of fit and prediction in seconds."""
    began = time.monotonic()
    folds = {e.sample.id: 1 for e in train} | {e.sample.id: 0 for e in test}
    output = work / "predictions.jsonl"
    cross_validate([*train, *test], folds, tasks, cell.config, output, [0])
    seconds = time.monotonic() - began
    scores = output.with_name(output.name + ".scores") / "fold-0"
    shutil.copytree(scores, cell.folder / "scores" / f"fold-{cell.fold}", dirs_exist_ok=True)
    return read_lines(output), seconds


def _rows(task: Task, evidences: Sequence[Evidence], log_probs: np.ndarray) -> list[dict[str, Any]]:
    """Scores [n, m] as prediction lines."""
    rows = []
    for evidence, row in zip(evidences, np.exp(log_probs), strict=True):
        best = int(row.argmax())
        rows.append(
            {
                "id": evidence.sample.id,
                "task": task.name,
                "label": task.names[best],
                "probability": min(1.0, float(row[best])),
                "distribution": dict(zip(task.names, row.tolist(), strict=True)),
            }
        )
    return rows


def _curve_rows(epoch: float, task: Task, evidences: Sequence[Evidence], log_probs: np.ndarray) -> list[dict[str, Any]]:
    """Rows of the curve from scores [n, m]: the predicted label and the gold label's loss."""
    return [
        {
            "epoch": epoch,
            "id": evidence.sample.id,
            "task": task.name,
            "label": task.names[int(row.argmax())],
            "log_loss": -float(row[task.index(evidence.sample.label or "")]),
        }
        for evidence, row in zip(evidences, log_probs, strict=True)
    ]
