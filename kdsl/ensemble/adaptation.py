"""Few-shot adaptation: rank, augmentation and number of epochs chosen from the data at hand by cross-validation.

Each candidate (rank x augmentation policy) is trained once a fold on the other folds; at every half epoch it
scores the fold that it has not seen. The candidate and epoch of lowest held-out log-loss, over all folds
together and after one temperature (fusion brings its own), become the recipe; where several are within
`TIE` of it, the cheapest is taken. The adapters at the chosen epoch are kept: they are those of the inner folds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from kdsl.config import Config
from kdsl.ensemble.fusion import fit_temperature, log_softmax
from kdsl.ensemble.scored import Scored
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.lora import adapter_groups, half_epoch, half_epochs, train_adapter

TIE = 0.005
"""Log-loss, in nats a sample, below which two recipes count as equally good."""


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
    """A recipe with its held-out figures: log-loss after one temperature, and weighted F1, by task."""

    recipe: Recipe
    log_loss: dict[str, float]
    f1: dict[str, float]

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
        """Plain data for the bundle's report."""
        return asdict(self)


def adapt(
    loaded: LoadedModel,
    groups: Mapping[str, Sequence[Evidence]],
    fold: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    config: Config,
    parts: Sequence[Path],
    say: Callable[[str], None],
) -> dict[str, Adapted]:
    """Choose a recipe for each adapter and leave the folds' adapters made by it in `parts[k]/adapters`.

    What is finished is not done again; a killed run goes on in the training it was in.

    Args:
        groups: task name -> labelled evidence; `fold` the inner fold of each of them, task by task.
        parts: a folder for each fold.

    Returns:
        Adapter name (the task's, or 'joint') -> what was chosen.
    """
    found = {}
    for name, members in adapter_groups(tasks, config).items():
        trials: list[Trial] = []
        for candidate in _candidates(config):
            homes = [_home(part, name, candidate) for part in parts]
            for k, home in enumerate(homes):
                say(f"adaptation of {name}: rank {candidate.lora_r}, augment {candidate.augment}, fold {k + 1}")
                train, held_out = _split(members, groups, fold, k)
                train_adapter(loaded, train, members, candidate.applied(config), home, seed=config.seed, halves=True)
                _score(loaded, members, held_out, config, home)
            trials += _judge(candidate, members, homes)
        best = choose(trials)
        for part in parts:
            if not (target := part / "adapters" / name).exists():
                kept = half_epoch(_home(part, name, best.recipe), best.recipe.epochs)
                partial = target.with_name(f".{name}")  # a kill may cut the copy short
                shutil.rmtree(partial, ignore_errors=True)
                shutil.copytree(kept, partial, ignore=shutil.ignore_patterns("*.npz"))
                partial.replace(target)
        say(f"adaptation of {name}: {best.recipe}, held-out log-loss {best.mean_loss:.3f}")
        found[name] = Adapted(best, tuple(trials))
    return found


def choose(trials: Sequence[Trial]) -> Trial:
    """The cheapest of the trials whose held-out log-loss is within `TIE` of the lowest."""
    lowest = min(trial.mean_loss for trial in trials)
    return min((trial for trial in trials if trial.mean_loss <= lowest + TIE), key=lambda trial: trial.recipe.cost)


def _candidates(config: Config) -> list[Recipe]:
    search = config.training.search
    if search is None:
        raise ValueError("a config without training.search has a fixed recipe")
    return [Recipe(r, policy, config.training.epochs) for r, policy in product(search.ranks, search.augment)]


def _home(part: Path, name: str, recipe: Recipe) -> Path:
    """Where a candidate's training on one fold lies."""
    return part / "trials" / name / f"r{recipe.lora_r}-{recipe.augment}"


def _split(
    tasks: Sequence[Task], groups: Mapping[str, Sequence[Evidence]], fold: Mapping[str, np.ndarray], k: int
) -> tuple[list[Evidence], list[Evidence]]:
    """The tasks' samples outside fold k and those within."""
    pairs = [pair for task in tasks for pair in zip(groups[task.name], fold[task.name], strict=True)]
    return [e for e, f in pairs if f != k], [e for e, f in pairs if f == k]


def _score(
    loaded: LoadedModel, tasks: Sequence[Task], held_out: Sequence[Evidence], config: Config, home: Path
) -> None:
    """Score the fold that a training has not seen with the adapter of each half epoch; the scores lie beside it."""
    for folder in (half_epoch(home, epoch) for epoch in half_epochs(home)):
        for task in tasks:
            file = folder / f"{task.name}.npz"
            if file.is_file():
                continue
            group = [e for e in held_out if e.sample.task == task.name]
            gold = np.array([task.index(e.sample.label or "") for e in group])
            with adapter_on(loaded, folder):
                scores = LabelScorer(loaded, task, config.prompt).score(group)
            Scored(tuple(e.sample.id for e in group), gold, {"large": scores}).save(file)


def _judge(candidate: Recipe, tasks: Sequence[Task], homes: Sequence[Path]) -> Iterator[Trial]:
    """A trial for each half epoch that every fold has reached."""
    for epoch in sorted(set.intersection(*(set(half_epochs(home)) for home in homes))):
        loss, f1 = {}, {}
        for task in tasks:
            parts = [Scored.load(half_epoch(home, epoch) / f"{task.name}.npz") for home in homes]
            gold = np.concatenate([part.gold for part in parts])
            log_p = np.concatenate([part.scores["large"] for part in parts])
            calm = log_softmax(log_p / fit_temperature(log_p, gold))
            loss[task.name] = float(-calm[np.arange(len(gold)), gold].mean())
            f1[task.name] = float(f1_score(gold, log_p.argmax(1), average="weighted", zero_division=0))
        yield Trial(replace(candidate, epochs=epoch), loss, f1)
