"""`Parts`: fits the experts on one set of labelled samples and writes each to its path in a folder.

A fit does this for each inner fold and once for all samples; the folder has the layout of a bundle.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from kdsl.config import NANO, Config
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.large import LargeExpert, copy_adapter
from kdsl.experts.registry import all_experts, experts_for
from kdsl.files import written_whole
from kdsl.knowledge.documents import Document
from kdsl.knowledge.snippets import load_snippets
from kdsl.tasks import Task
from kdsl.world.documents import world_documents
from kdsl.world.draw import known_labels
from kdsl.world.evidence import imagine

log = logging.getLogger(__name__)

WORK = "work"
"""Folder of unfinished results; not part of a bundle."""

GIVEN = "an adapter that was given"
"""What the large model rests on where no sample is labelled."""

Labelled = Mapping[str, Sequence[Evidence]]
"""Task name -> its labelled evidence; empty for a task without any."""


class Parts:
    """Fits the experts of all tasks; experts that were fitted already are skipped."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.adapter_configs: dict[str, Config] = {}
        """Adapter name -> the settings that a search chose for it; other adapters use the config."""
        self.basis: dict[str, dict[str, str]] = {}
        """Task without labelled samples -> expert that was fitted all the same -> what it rests on."""

    def fit(
        self,
        labelled: Labelled,
        folder: Path,
        adapters: Mapping[str, Path] = MappingProxyType({}),
        blind: bool = False,
    ) -> None:
        """Fit every expert of the tasks in `labelled` into `folder`.

        An expert of a task without labelled evidence is left out where it cannot do without.

        Args:
            adapters: adapter name -> the folder of an adapter to use instead of training one.
            blind: imagine samples only by what was written without sight of the challenge's samples, so that scores of
                these tell how good the experts are on samples that nobody has seen.
        """
        config = self.setup.config
        given = {folder / "adapters" / name: adapter for name, adapter in adapters.items()}
        for target, adapter in given.items():
            if not target.exists():
                with written_whole(target) as partial:
                    copy_adapter(adapter, partial)
        material = self.material(labelled, folder / WORK / "training", blind)
        for kind in all_experts(config):
            for task in self.setup.tasks:
                if task.name in labelled and kind.serves(task, config):
                    self._fit_once(kind, task, material, kind.place(folder, task, config), given)
        if config.student.train:
            self._fit_students(labelled, folder)
        shutil.rmtree(material.work, ignore_errors=True)

    def _fit_once(
        self, kind: type[Expert], task: Task, material: Material, place: Path, given: Collection[Path]
    ) -> None:
        expert = kind(task, self.setup)
        if not material.labelled[task.name]:
            basis = GIVEN if place in given else expert.basis(material)
            if basis is None:
                log.info("%s of %s: left out, there is nothing to fit it on", kind.name, task.name)
                return
            self.basis.setdefault(task.name, {})[kind.name] = basis
        if place.exists():
            return
        log.info("%s of %s", kind.name, task.name)
        expert.fit(material)
        with written_whole(place) as partial:
            expert.save(partial)

    def _fit_students(self, labelled: Labelled, folder: Path) -> None:
        """Train the small model's adapters with the large model and its adapters in `folder` as teachers."""
        from kdsl.training.folder import Run
        from kdsl.training.student import train_students
        from kdsl.training.teacher import ask_teachers

        config, models = self.setup.config, self.setup.models
        tasks = [task for task in self.setup.tasks if labelled.get(task.name) and LargeExpert.serves(task, config)]
        log.info("students, taught by these adapters")
        samples = [evidence for task in tasks for evidence in labelled[task.name]]
        soft = ask_teachers(models.large, folder, samples, tasks, config, folder / WORK / "teacher")
        train_students(models.small, samples, soft, tasks, config, Run(folder))

    def material(self, labelled: Labelled, work: Path, blind: bool = False) -> Material:
        """What experts are fitted on; `work` is a folder for intermediate results, and `blind` as `fit` takes it."""
        per_label, seed = self.setup.config.knowledge.imagined_per_label, self.setup.config.seed
        if blind:
            per_label = -(-per_label // 2)  # of all families and questions about half are blind
        return Material(
            labelled=labelled,
            imagined=lambda task: imagine(task, per_label, seed, blind),
            snippets=self._snippets_of,
            imagined_documents=lambda task: world_documents(task, per_label, seed, blind),
            adapter_configs=self.adapter_configs,
            work=work,
        )

    def _snippets_of(self, task: Task) -> list[Document]:
        """Those about the task, and those about no task, which serve every one."""
        own = (document for document in self._snippets if document.task in (task.name, None))
        return [replace(document, task=task.name) for document in own]

    @cached_property
    def _snippets(self) -> list[Document]:
        return load_snippets(Path(self.setup.config.knowledge.snippets), self.setup.tasks)


def learned_from_world(task: Task, config: Config) -> tuple[str, ...]:
    """Experts and calls of a task that are flattered by out-of-fold scores (`OutOfFold.flattered`): those by kdsl-nano,
    which was pretrained on the whole synthetic world, where that has the task's labels."""
    if known_labels(task) != list(task.names):
        return ()
    calls = {"large": ("large", "reread", "second"), "small": ("small",)}
    models = {"large": config.large, "small": config.small} | {name: one.model for name, one in config.beside.items()}
    nano = [role for role, model in models.items() if model is not None and model.source == NANO]
    return tuple(name for role in nano for name in calls.get(role, (role,)))


def load_experts(folder: Path, task: Task, setup: Setup, names: Collection[str] | None = None) -> list[Expert]:
    """The experts of a task that `Parts.fit` wrote into a folder, ready to score; only those of `names`, if given."""
    kinds = [kind for kind in experts_for(task, setup.config) if names is None or kind.name in names]
    return [kind.load(kind.place(folder, task, setup.config), task, setup) for kind in kinds]
