"""Few-shot adaptation: chooses rank, augmentation and number of epochs by cross-validation.

Each candidate (rank x augmentation policy) is trained once a round: on the other folds in cross-validation, or on all
samples where others were held out by hand. At every half epoch it scores the round's held-out samples. The candidate
and epoch of lowest held-out log-loss, over all rounds together and after one temperature (fusion brings its own),
become the recipe; where several are within `TIE` of it, the cheapest is taken.
"""

from __future__ import annotations

import csv
import io
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import Config
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.files import atomic_write, written_whole
from kdsl.models.adapters import adapter_on
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.processes import on_main
from kdsl.scores import OutOfFold, fit_temperature, log_loss, log_softmax, macro_f1, weighted_f1
from kdsl.tasks import Task
from kdsl.training.folder import LOGS, Run, half_epoch, half_epochs
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapter

log = logging.getLogger(__name__)

TIE = 0.005
"""Log-loss, in nats per sample, below which two recipes count as equally good."""


@dataclass(frozen=True)
class Recipe:
    """How one adapter is trained: rank, augmentation policy, and epochs made of the schedule's."""

    lora_r: int
    augment: str
    epochs: float

    def applied(self, config: Config) -> Config:
        """The config that trains by this recipe; alpha keeps its ratio to the rank."""
        training = config.training
        return config.model_copy(
            update={
                "training": training.model_copy(
                    update={
                        "lora_r": self.lora_r,
                        "lora_alpha": max(1, round(training.lora_alpha * self.lora_r / training.lora_r)),
                        "augment": training.augment.model_copy(update={"policy": self.augment}),
                        "stop": self.epochs,
                    }
                )
            }
        )

    @property
    def cost(self) -> tuple[float, bool, int]:
        """What makes a recipe dearer than another, weightiest first."""
        return self.epochs, self.augment != "none", self.lora_r


@dataclass(frozen=True)
class Trial:
    """A recipe with its held-out figures by task: log-loss after one temperature, weighted and macro F1."""

    recipe: Recipe
    log_loss: dict[str, float]
    f1: dict[str, float]
    macro_f1: dict[str, float]

    @property
    def mean_loss(self) -> float:
        """Over the tasks that share the adapter."""
        return float(np.mean(list(self.log_loss.values())))


@dataclass(frozen=True)
class Adapted:
    """What was chosen for one adapter, and among what."""

    chosen: Trial
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for report/adaptation.json."""
        return asdict(self)


@dataclass(frozen=True)
class Round:
    """One training of each candidate: what it learns from, what judges it, and the folder that they are made in."""

    train: Sequence[Evidence]
    held_out: Sequence[Evidence]
    folder: Path

    def home(self, recipe: Recipe) -> Path:
        """Where the training of a candidate lies, whatever half epoch of it the recipe names."""
        return self.folder / f"r{recipe.lora_r}-{recipe.augment}"

    def keep(self, recipe: Recipe, target: Path) -> None:
        """Copy the adapter of a recipe, and the logs of its training, to `target`, whole or not at all.

        Nothing is done where the target is there, or the training no longer.
        """
        home = self.home(recipe)
        if target.exists() or not home.exists():
            return
        with written_whole(target) as partial:
            shutil.copytree(half_epoch(home, recipe.epochs), partial, ignore=shutil.ignore_patterns("*.npz"))
            if (home / LOGS).is_dir():
                shutil.copytree(home / LOGS, partial / LOGS)


def fold_rounds(
    groups: Mapping[str, Sequence[Evidence]],
    fold: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    folders: Sequence[Path],
) -> list[Round]:
    """Cross-validation: one round per fold, with the fold held out.

    Args:
        groups: task name -> labelled evidence; `fold` the fold of each of them, task by task.
        folders: one for each fold.
    """
    pairs = [pair for task in tasks for pair in zip(groups[task.name], fold[task.name], strict=True)]
    return [
        Round([e for e, f in pairs if f != k], [e for e, f in pairs if f == k], folder)
        for k, folder in enumerate(folders)
    ]


def adapt(
    loaded: LoadedModel,
    name: str,
    rounds: Sequence[Round],
    tasks: Sequence[Task],
    config: Config,
    table: Path,
    *,
    report: bool = False,
) -> Adapted:
    """Choose the recipe of one adapter.

    What is finished is not done again; a killed run goes on in the training it was in.

    Args:
        name: the adapter's: its task's, or 'joint'.
        tasks: those that the adapter serves; each needs held-out samples.
        config: without `training.search`, its own recipe is the one candidate, and half epochs alone are compared.
        table: a CSV of all trials so far, written anew with each.
        report: write the trainings' curves where `training.report_to` says.
    """
    trials: list[Trial] = []
    for candidate in _candidates(config):
        title = f"adaptation of {name}: rank {candidate.lora_r}, augment {candidate.augment}"
        for number, part in enumerate(rounds, 1):
            log.info("%s: training %d of %d", title, number, len(rounds))
            job = TrainingJob(loaded, part.train, tasks, candidate.applied(config))
            train_adapter(job, Run(part.home(candidate), halves=True, report=report))
        reached = (half_epochs(part.home(candidate)) for part in rounds)
        for epochs in sorted(set.intersection(*map(set, reached))):
            trial = on_main(partial(_judge, loaded, replace(candidate, epochs=epochs), tasks, rounds, config))
            trials.append(trial)
            on_main(partial(write_table, table, trials))
            f1, macro = (float(np.mean(list(by_task.values()))) for by_task in (trial.f1, trial.macro_f1))
            figures = (trial.mean_loss, f1, macro)
            log.info("%s: epoch %s: log-loss %.4f, F1 %.4f, macro F1 %.4f", title, epochs, *figures)
    if not trials:
        raise ConfigError("training.epochs is below 0.5, so there is no half epoch to choose; raise it.")
    best = choose(trials)
    log.info("adaptation of %s: %s, held-out log-loss %.3f", name, best.recipe, best.mean_loss)
    return Adapted(best, tuple(trials))


def choose(trials: Sequence[Trial]) -> Trial:
    """The cheapest of the trials whose held-out log-loss is within `TIE` of the lowest."""
    lowest = min(trial.mean_loss for trial in trials)
    return min((trial for trial in trials if trial.mean_loss <= lowest + TIE), key=lambda trial: trial.recipe.cost)


def write_table(file: Path, trials: Sequence[Trial]) -> None:
    """Write trials as CSV, one row a trial and task."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("rank", "augment", "epochs", "task", "log_loss", "f1", "macro_f1"))
    for trial in trials:
        recipe = (trial.recipe.lora_r, trial.recipe.augment, trial.recipe.epochs)
        for task, loss in trial.log_loss.items():
            figures = (loss, trial.f1[task], trial.macro_f1[task])
            rows.writerow((*recipe, task, *(f"{figure:.4f}" for figure in figures)))
    atomic_write(file, text.getvalue())


def _candidates(config: Config) -> list[Recipe]:
    training, search = config.training, config.training.search
    epochs = training.stop or training.epochs
    if search is None:
        return [Recipe(training.lora_r, training.augment.policy, epochs)]
    return [Recipe(r, policy, epochs) for r, policy in product(search.ranks, search.augment)]


def _judge(
    loaded: LoadedModel, recipe: Recipe, tasks: Sequence[Task], rounds: Sequence[Round], config: Config
) -> Trial:
    """Score the held-out samples of all rounds by the adapters of a half epoch; the scores lie beside these."""
    loss, f1, macro = {}, {}, {}
    for task in tasks:
        parts = [_scored(loaded, half_epoch(part.home(recipe), recipe.epochs), task, part, config) for part in rounds]
        gold = np.concatenate([part.gold for part in parts])
        log_p = np.concatenate([part.scores["large"] for part in parts])
        calm = log_softmax(log_p / fit_temperature(log_p, gold))
        loss[task.name] = log_loss(calm, gold)
        f1[task.name], macro[task.name] = weighted_f1(gold, log_p.argmax(1)), macro_f1(gold, log_p.argmax(1))
    return Trial(recipe, loss, f1, macro)


def _scored(loaded: LoadedModel, adapter: Path, task: Task, part: Round, config: Config) -> OutOfFold:
    file = adapter / f"{task.name}.npz"
    if not file.is_file():
        group = [e for e in part.held_out if e.sample.task == task.name]
        gold = np.array([task.index(e.sample.label or "") for e in group])
        with adapter_on(loaded, adapter):
            scores = LabelScorer(loaded, task, config.prompt).score(group)
        OutOfFold(tuple(e.sample.id for e in group), gold, {"large": scores}).save(file)
    return OutOfFold.load(file)
