"""Trains the large model's adapters, with the config's recipe or one chosen on held-out samples.

OUT/adapters/<task>/              the adapters (`kdsl.training.lora`)
OUT/report/adaptation.json        by adapter: the recipe that was chosen, and every trial
OUT/report/adaptation-<task>.csv  the trials as a table, written as they are through
OUT/adaptation/<task>/            their trainings, until the adapter is there
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdsl.config import Config
from kdsl.data.trainable import check_trainable
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.files import write_json
from kdsl.models.base import LoadedModel
from kdsl.processes import on_main
from kdsl.runs import claim, digest
from kdsl.tasks import Task
from kdsl.training.folder import Run
from kdsl.training.inner_folds import inner_folds
from kdsl.training.job import TrainingJob, adapter_groups
from kdsl.training.lora import train_adapter, train_adapters
from kdsl.training.search import Recipe, Round, adapt, fold_rounds

_ADVICE = "Give another folder, or discard them (`resume=False`)."


def train_large(
    loaded: LoadedModel,
    evidences: Sequence[Evidence],
    held_out: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    out: Path,
    *,
    resume: bool = True,
) -> list[Path]:
    """Train the adapters that `config.training.strategy` asks for; their folders.

    Held-out samples, where there are any, choose among the half epochs of one training, or of one for each
    candidate of `training.search`: the adapter of the best half epoch is the result. Without them, `training.search`
    chooses by cross-validation over inner folds, and the result is trained on all samples by what it chose.
    Without either, the recipe is the config's. What is finished is not done again.

    Args:
        evidences: labelled, as `held_out`.
        resume: False discards what unfinished trainings left in `out`.

    Raises:
        InputError: samples are too few to train on or to choose by.
        BundleError: `out` holds an adapter, or trials, of other samples or settings.
    """
    if not held_out and config.training.search is None:
        return train_adapters(loaded, evidences, tasks, config, Run(out, resume=resume, report=True))
    check_trainable((evidence.sample for evidence in evidences), tasks)
    if held_out:
        _check_held_out(held_out, tasks)
    else:
        inner_folds({task.name: _of(evidences, [task]) for task in tasks}, tasks, config)  # before any training
    run = _Adaptation(loaded, config, out)
    return [
        run.adapter(name, _of(evidences, group), _of(held_out, group), group, resume=resume)
        for name, group in adapter_groups(tasks, config).items()
    ]


class _Adaptation:
    """Recipes and adapters of one run."""

    def __init__(self, loaded: LoadedModel, config: Config, out: Path) -> None:
        self.loaded = loaded
        self.config = config
        self.out = out
        self.report = out / "report" / "adaptation.json"

    def adapter(
        self, name: str, train: Sequence[Evidence], held_out: Sequence[Evidence], tasks: Sequence[Task], *, resume: bool
    ) -> Path:
        """Choose a recipe, unless that is done, and leave the adapter that it makes of all samples."""
        work, target = self.out / "adaptation" / name, self.out / "adapters" / name
        inputs = self._inputs(train, held_out, tasks)

        def begin() -> Recipe | None:
            if not resume:
                shutil.rmtree(work, ignore_errors=True)
            recipe = self._chosen(name, inputs)
            if recipe is None and target.exists():
                raise BundleError(
                    f"{target} holds an adapter of another recipe, other samples or other settings. "
                    "Give another folder, or delete this one to train anew."
                )
            claim(work / "inputs.json", inputs, "unfinished trials", _ADVICE)
            return recipe

        recipe = on_main(begin)
        rounds = self._rounds(train, held_out, tasks, work)
        if recipe is None:
            table = self.report.with_name(f"adaptation-{name}.csv")
            reports = bool(held_out)  # else the trials are not the trainings that anyone asked for
            found = adapt(self.loaded, name, rounds, tasks, self.config, table, report=reports)
            entry = {"inputs": inputs, **found.to_json()}
            on_main(lambda: self._record(name, entry))
            recipe = found.chosen.recipe
        if held_out:
            on_main(lambda: rounds[0].keep(recipe, target))  # a trial of all samples is the training itself
        job = TrainingJob(self.loaded, train, tasks, recipe.applied(self.config))
        train_adapter(job, Run(target, resume=resume, report=True))
        on_main(lambda: _clear(work))
        return target

    def _rounds(
        self, train: Sequence[Evidence], held_out: Sequence[Evidence], tasks: Sequence[Task], work: Path
    ) -> list[Round]:
        if held_out:
            return [Round(train, held_out, work / "all")]
        groups = {task.name: _of(train, [task]) for task in tasks}
        folders = [work / f"fold-{k}" for k in range(self.config.ensemble.fewest_folds)]
        return fold_rounds(groups, inner_folds(groups, tasks, self.config), tasks, folders)

    def _inputs(self, train: Sequence[Evidence], held_out: Sequence[Evidence], tasks: Sequence[Task]) -> dict[str, Any]:
        """All that a choice depends on, by name, as digests."""
        config = self.config
        return {
            "training": digest(TrainingJob(self.loaded, train, tasks, config).inputs),
            "held_out": digest([evidence.digest() for evidence in held_out]),
            "search": digest(config.training.search, None if held_out else config.ensemble.fewest_folds),
        }

    def _chosen(self, name: str, inputs: Mapping[str, Any]) -> Recipe | None:
        """The recipe that an earlier run chose among the same."""
        entry = self._read().get(name, {})
        return Recipe(**entry["chosen"]["recipe"]) if entry.get("inputs") == inputs else None

    def _record(self, name: str, entry: dict[str, Any]) -> None:
        write_json(self.report, self._read() | {name: entry})

    def _read(self) -> dict[str, dict]:
        try:
            return json.loads(self.report.read_text("utf-8")) if self.report.is_file() else {}
        except ValueError as error:
            raise BundleError(f"{self.report} cannot be read ({error}); delete it to choose anew.") from error


def _of(evidences: Sequence[Evidence], tasks: Sequence[Task]) -> list[Evidence]:
    """The evidence of some tasks, task by task."""
    return [evidence for task in tasks for evidence in evidences if evidence.sample.task == task.name]


def _check_held_out(held_out: Sequence[Evidence], tasks: Sequence[Task]) -> None:
    bare = [task.name for task in tasks if not _of(held_out, [task])]
    if bare:
        raise InputError(
            f"task '{bare[0]}' has no labelled sample among the held-out ones. Add some, or choose other tasks."
        )


def _clear(work: Path) -> None:
    """Take away trials that have served, and the folder above them with the last."""
    shutil.rmtree(work, ignore_errors=True)
    if work.parent.is_dir() and not any(work.parent.iterdir()):
        work.parent.rmdir()
