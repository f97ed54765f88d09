"""The rules expert: a rule book that a small model helped to distil; it abstains where no rule fires."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from kdsl.config import Config
from kdsl.data.prediction import FiredRule
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.resources import default_cache_dir
from kdsl.rules.book import RuleBook, shipped_rules
from kdsl.rules.distill import distill
from kdsl.rules.teacher import ScoreCache, Teacher
from kdsl.tasks import Task


class RulesExpert(Expert):
    """`book` is what was distilled or read."""

    name = "rules"
    book: RuleBook

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        return folder / cls.name / f"{task.name}.yaml"

    def fit(self, material: Material) -> Self:
        """Distil a book from labelled samples and the rules that ship for the task."""
        config = self.setup.config
        if config.small is None:
            self.book = self._distilled(material)
            return self
        from kdsl.models.generation import writer
        from kdsl.models.scorer import LabelScorer

        small = self.setup.models.small
        asked = f"{small.fingerprint} {config.prompt.model_dump_json()} {self.task.model_dump_json()}"
        cache = ScoreCache(asked, default_cache_dir() / "occlusion")  # shared by folds and runs
        scorer = LabelScorer(small, self.task, config.prompt)
        with small.using(None):
            self.book = self._distilled(material, Teacher(scorer.score, writer(small), small.name, cache))
        return self

    def _distilled(self, material: Material, teacher: Teacher | None = None) -> RuleBook:
        config, labelled = self.setup.config, material.labelled[self.task.name]
        seed_rules = shipped_rules(self.task)
        return distill(labelled, self.task, config.rules, teacher, seed=config.seed, seed_rules=seed_rules)

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        return self.book.scores(evidences)

    def rules(self, evidence: Evidence) -> Sequence[FiredRule]:
        return [
            FiredRule(id=rule.id, label=rule.label, weight=rule.weight, text=rule.text)
            for rule in self.book.fired(evidence)
        ]

    def save(self, place: Path) -> None:
        self.book.save(place)

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        expert = cls(task, setup)
        expert.book = RuleBook.load(place)
        expert.book.check(task)
        return expert
