"""Everything that is learned from one set of labelled samples: adapters, rules, index, lexical and layout expert.

A fit does this for each inner fold and once for all samples; the layout of `folder` is a bundle's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kdsl.config import Config
from kdsl.ensemble.experts import Models
from kdsl.evidence.types import Evidence
from kdsl.experts.layout import LayoutExpert
from kdsl.experts.lexical import LexicalExpert
from kdsl.knowledge.documents import load_snippets, sample_documents
from kdsl.knowledge.embedders import open_embedder
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.models.generation import writer
from kdsl.models.scorer import LabelScorer
from kdsl.resources import default_cache_dir
from kdsl.rules.book import shipped_rules
from kdsl.rules.distill import distill
from kdsl.rules.teacher import ScoreCache, Teacher
from kdsl.tasks import Task
from kdsl.training.lora import LOGS, adapter_groups, train_adapter
from kdsl.training.search import Recipe
from kdsl.training.student import train_students
from kdsl.training.teacher import ask_teachers
from kdsl.world.documents import world_documents
from kdsl.world.evidence import imagine

Say = Callable[[str], None]
Labelled = Mapping[str, Sequence[Evidence]]
"""Task name -> its labelled evidence."""


class Learner:
    """Learns parts of a bundle; a part that is on disk already is not learned again.

    Args:
        say: told each step as it begins.
    """

    def __init__(self, tasks: Sequence[Task], config: Config, models: Models, say: Say) -> None:
        self.tasks = tasks
        self.config = config
        self.models = models
        self.say = say
        self.recipes: dict[str, Recipe] = {}
        """Adapter name -> what few-shot adaptation chose; adapters that are not named follow the config."""
        snippets = Path(config.knowledge.snippets)
        self.snippets = load_snippets(snippets, tasks)

    def adapters(self, folder: Path) -> dict[str, Path]:
        """Task name -> adapter folder: one each, or one for all."""
        groups = adapter_groups(self.tasks, self.config)
        return {task.name: folder / "adapters" / name for name, group in groups.items() for task in group}

    def learn(self, train: Labelled, folder: Path, given: Mapping[str, Path] = MappingProxyType({})) -> dict[str, Path]:
        """Learn all parts into `folder`; the adapters' folders by task.

        Args:
            given: adapter name -> the folder of one that takes the place of training it.
        """
        adapters = self.adapters(folder)
        samples = [evidence for task in self.tasks for evidence in train[task.name]]
        self.say(f"adapters: {len(samples)} samples")
        for name, group in adapter_groups(self.tasks, self.config).items():
            target = folder / "adapters" / name
            if name in given:
                _copy_adapter(given[name], target)
                continue
            config = self.recipes[name].applied(self.config) if name in self.recipes else self.config
            train_adapter(self.models.large, samples, group, config, target, seed=self.config.seed)
        if self.config.distil.student:
            self.say("students, taught by these adapters")
            # the teacher's answers are no part of a bundle: fit clears its folder `work`
            soft = ask_teachers(
                self.models.large, folder, samples, self.tasks, self.config, folder / "work" / "teacher"
            )
            train_students(self.models.small, samples, soft, self.tasks, self.config, folder, seed=self.config.seed)
        for task in self.tasks:
            self._once(folder / "rules" / f"{task.name}.yaml", self._rules, task, train[task.name])
            self._once(folder / "index" / task.name, self._index, task, train[task.name])
            self._once(folder / "lexical" / task.name, self._lexical, task, train[task.name])
            if task.input == "picture":
                self._once(folder / "layout" / task.name, self._layout, task, train[task.name])
        return adapters

    def _once(
        self,
        target: Path,
        learn: Callable[[Task, Sequence[Evidence], Path], None],
        task: Task,
        group: Sequence[Evidence],
    ) -> None:
        """Let `learn` write a file or folder beside `target`, then move it there: it is whole or absent."""
        if target.exists():
            return
        self.say(f"{target.parent.name} of {task.name}")
        partial = target.with_name(f".{target.name}")
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.parent.mkdir(parents=True, exist_ok=True)
        learn(task, group, partial)
        partial.replace(target)

    def _rules(self, task: Task, group: Sequence[Evidence], target: Path) -> None:
        small = self.models.small
        scorer = LabelScorer(small, task, self.config.prompt)
        settings = f"{small.fingerprint} {self.config.prompt.model_dump_json()} {task.model_dump_json()}"
        cache = ScoreCache(settings, default_cache_dir() / "occlusion")  # shared by folds and runs
        teacher = Teacher(scorer.score, writer(small), small.name, cache)
        with small.using(None):
            distill(
                group, task, self.config.rules, teacher, seed=self.config.seed, seed_rules=shipped_rules(task)
            ).save(target)

    def _index(self, task: Task, group: Sequence[Evidence], target: Path) -> None:
        settings = self.config.knowledge
        documents = [d for d in self.snippets if d.task == task.name] + sample_documents(group, task)
        documents += world_documents(task, settings.imagined_per_label, self.config.seed)
        KnowledgeIndex.build(documents, open_embedder(settings.embedder)).save(target)

    def _lexical(self, task: Task, group: Sequence[Evidence], target: Path) -> None:
        imagined = imagine(task, self.config.knowledge.imagined_per_label, self.config.seed)
        LexicalExpert(task).fit(group, imagined).save(target)

    def _layout(self, task: Task, group: Sequence[Evidence], target: Path) -> None:
        LayoutExpert(task).fit(group).save(target)


def _copy_adapter(source: Path, target: Path) -> None:
    """An adapter's own files, whole or not at all; what its training left beside them stays behind."""
    if target.exists():
        return
    partial = target.with_name(f".{target.name}")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns("checkpoints", "halves", LOGS, "README.md"))
    partial.replace(target)
