"""`TrainingJob`: the samples and settings of one adapter's training: everything that its weights depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kdsl.config import UNLEARNED, Config, PromptConfig
from kdsl.data.trainable import check_trainable
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.prompts import ask
from kdsl.processes import method, world_size
from kdsl.runs import digest
from kdsl.tasks import Task
from kdsl.training.augmentation import augmented
from kdsl.training.teacher import SoftTargets

_NOT_OF_ONE_ADAPTER: dict[str, Any] = dict.fromkeys((*UNLEARNED, "strategy", "search"), True)


@dataclass(frozen=True)
class TrainingJob:
    """One adapter on `loaded` for `tasks`: one for an adapter of its own, several for a joint one.

    `evidences` may hold samples of other tasks, which are left out. `soft` are a teacher's distributions over the one
    task's labels: samples that have one join, with a label or without.
    """

    loaded: LoadedModel
    evidences: Sequence[Evidence]
    tasks: Sequence[Task]
    config: Config
    soft: SoftTargets | None = None

    @cached_property
    def given(self) -> list[Evidence]:
        """The samples that are learned from, without augmented copies.

        Raises:
            InputError: a task has no labelled samples, one label only, or a sample of an unknown label.
        """
        if self.soft is not None:
            return self.soft.taught(self.evidences)
        check_trainable((evidence.sample for evidence in self.evidences), self.tasks)
        names = {task.name for task in self.tasks}
        return [e for e in self.evidences if e.sample.label is not None and e.sample.task in names]

    @cached_property
    def examples(self) -> list[Evidence]:
        """`given` with the augmented copies that the settings ask for."""
        if self.soft is not None:
            return self.given
        return augmented(self.given, self.config.training.augment, self.config.seed)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the adapter depends on, by name; digests of what is long."""
        config, loaded = self.config, self.loaded
        inputs = {
            "base": loaded.name,
            "base_fingerprint": loaded.fingerprint,
            "dtype": str(loaded.dtype).removeprefix("torch."),
            "tasks": {task.name: [ask(task, self.prompt), *task.names] for task in self.tasks},
            "data": digest([evidence.digest() for evidence in self.examples]),
            "seed": config.seed,
            # what a file of synonyms does shows in the data, wherever the file lies
            "training": config.training.model_dump(
                mode="json", exclude=_NOT_OF_ONE_ADAPTER | {"augment": {"synonyms"}}
            ),
            "prompt": config.prompt.model_dump(mode="json"),
            # None, not left out: a key that is not asked for is not compared
            "sequence": [task.name for task in self.tasks] if self.stages else None,
        }
        if world_size() > 1:
            inputs |= {"processes": world_size(), "method": method()}
        return inputs | (self.soft.inputs(self.examples) if self.soft else {})

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Samples and augmented copies per task."""
        of = {name: [e.sample.task for e in group] for name, group in (("g", self.given), ("e", self.examples))}
        samples = {task.name: of["g"].count(task.name) for task in self.tasks}
        return {"samples": samples, "augmented": {name: of["e"].count(name) - n for name, n in samples.items()}}

    @property
    def stages(self) -> list[TrainingJob]:
        """With strategy `sequence`, what is trained first, in this order: each task alone, by the whole schedule."""
        if self.config.training.strategy != "sequence" or len(self.tasks) == 1:
            return []
        whole = self.config.training.model_copy(update={"stop": None})
        config = self.config.model_copy(update={"training": whole})
        return [replace(self, tasks=[task], config=config) for task in self.tasks]

    @property
    def prompt(self) -> PromptConfig:
        """How the prompts of the training are made."""
        ocr = self.config.training.ocr
        return self.config.prompt if ocr is None else self.config.prompt.with_ocr(ocr)


def adapter_groups(tasks: Sequence[Task], config: Config) -> dict[str, list[Task]]:
    """Adapter name -> the tasks it serves: one each, or 'joint' for all that the large model is asked about."""
    asked = [task for task in tasks if config.large is None or config.large.asked(task)]
    if asked and config.training.strategy != "separate":
        return {"joint": asked}
    return {task.name: [task] for task in asked}


def count_trainings(tasks: Sequence[Task], config: Config) -> int:
    """How many trainings make the adapters of `adapter_groups`; the stages of a sequence are trainings too."""
    groups = adapter_groups(tasks, config).values()
    sequence = config.training.strategy == "sequence"
    return sum(1 + len(group) if sequence and len(group) > 1 else 1 for group in groups)
