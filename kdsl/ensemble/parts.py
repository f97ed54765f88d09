"""`Parts`: fits the experts on one set of labelled samples and writes each to its path in a folder.

A fit does this for each inner fold and once for all samples; the folder has the layout of a bundle.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.large import LargeExpert, copy_adapter
from kdsl.experts.registry import all_experts, experts_for
from kdsl.knowledge.documents import Document, load_snippets
from kdsl.runs import written_whole
from kdsl.tasks import Task
from kdsl.world.documents import world_documents
from kdsl.world.evidence import imagine

log = logging.getLogger(__name__)

WORK = "work"
"""Folder of unfinished results; not part of a bundle."""

Labelled = Mapping[str, Sequence[Evidence]]
"""Task name -> its labelled evidence."""


class Parts:
    """Fits the experts of all tasks; experts that were fitted already are skipped."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.adapter_configs: dict[str, Config] = {}
        """Adapter name -> the settings that a search chose for it; other adapters use the config."""

    def fit(self, labelled: Labelled, folder: Path, adapters: Mapping[str, Path] = MappingProxyType({})) -> None:
        """Fit every expert of every task into `folder`.

        Args:
            adapters: adapter name -> the folder of an adapter to use instead of training one.
        """
        config = self.setup.config
        for name, adapter in adapters.items():
            if not (target := folder / "adapters" / name).exists():
                with written_whole(target) as partial:
                    copy_adapter(adapter, partial)
        material = self._material(labelled, folder / WORK / "training")
        for kind in all_experts(config):
            for task in self.setup.tasks:
                if kind.serves(task, config):
                    self._fit_once(kind, task, material, kind.place(folder, task, config))
        if config.student.train:
            self._fit_students(labelled, folder)
        shutil.rmtree(material.work, ignore_errors=True)

    def _fit_once(self, kind: type[Expert], task: Task, material: Material, place: Path) -> None:
        if place.exists():
            return
        log.info("%s of %s", kind.name, task.name)
        expert = kind(task, self.setup).fit(material)
        with written_whole(place) as partial:
            expert.save(partial)

    def _fit_students(self, labelled: Labelled, folder: Path) -> None:
        """Train the small model's adapters with the large model and its adapters in `folder` as teachers."""
        from kdsl.training.folder import Run
        from kdsl.training.student import train_students
        from kdsl.training.teacher import ask_teachers

        config, models = self.setup.config, self.setup.models
        tasks = [task for task in self.setup.tasks if LargeExpert.serves(task, config)]
        log.info("students, taught by these adapters")
        samples = [evidence for task in tasks for evidence in labelled[task.name]]
        soft = ask_teachers(models.large, folder, samples, tasks, config, folder / WORK / "teacher")
        train_students(models.small, samples, soft, tasks, config, Run(folder))

    def _material(self, labelled: Labelled, work: Path) -> Material:
        per_label, seed = self.setup.config.knowledge.imagined_per_label, self.setup.config.seed
        return Material(
            labelled=labelled,
            imagined=lambda task: imagine(task, per_label, seed),
            snippets=lambda task: [document for document in self._snippets if document.task == task.name],
            imagined_documents=lambda task: world_documents(task, per_label, seed),
            adapter_configs=self.adapter_configs,
            work=work,
        )

    @cached_property
    def _snippets(self) -> list[Document]:
        return load_snippets(Path(self.setup.config.knowledge.snippets), self.setup.tasks)


def load_experts(folder: Path, task: Task, setup: Setup, names: Collection[str] | None = None) -> list[Expert]:
    """The experts of a task that `Parts.fit` wrote into a folder, ready to score; only those of `names`, if given."""
    kinds = [kind for kind in experts_for(task, setup.config) if names is None or kind.name in names]
    return [kind.load(kind.place(folder, task, setup.config), task, setup) for kind in kinds]
