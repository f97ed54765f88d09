"""The rules expert: a rule book, distilled with the small model; it abstains if no rule fires."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from kdsl.config import AUTO, Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.data.prediction import FiredRule
from kdsl.data.trainable import check_trainable
from kdsl.encoders.registry import TEXT_ENCODERS, text_encoder
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.models.roles import Models
from kdsl.resources import default_cache_dir
from kdsl.rules.book import RuleBook, shipped_rules
from kdsl.rules.book_file import BookFile
from kdsl.rules.distill import distill
from kdsl.rules.given import check_books, given_rules
from kdsl.rules.remine import save_remined
from kdsl.rules.rule import Rule
from kdsl.rules.teacher import ScoreCache, Teacher
from kdsl.tasks import Task, task_by_name

log = logging.getLogger(__name__)


class RulesExpert(Expert):
    """Scores with `book`, a distilled or loaded rule book."""

    name = "rules"
    book: RuleBook

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        return folder / cls.name / f"{task.name}.yaml"

    def basis(self, material: Material) -> str | None:
        found, shipped = self._given, set(shipped_rules(self.task))
        own = sum(rule not in shipped for rule in found)
        told = [f"{len(found) - own} rules that ship with kdsl"] * (len(found) > own)
        told += [f"{own} rules of one's own book"] * (own > 0)
        return " and ".join(told) or "an empty rule book, to which rules may be added"

    def fit(self, material: Material) -> Self:
        """Distil a book from labelled samples and the rules that are given; without samples take these as they are."""
        labelled, cache = material.labelled[self.task.name], default_cache_dir() / "occlusion"
        if not labelled:
            self.book = RuleBook(task=self.task.name, labels=self.task.names, rules=self._given)
            return self
        self.book = distil_book(labelled, self.task, self.setup, cache, shipped=True)  # folds and runs share a cache
        return self

    @property
    def _given(self) -> tuple[Rule, ...]:
        """The rules of a task without labelled samples."""
        return given_rules(self.task, self.setup.config.rules.books, mined=True)

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
        expert.book = RuleBook.load_for(task, place)
        return expert


def distil_book(labelled: Sequence[Evidence], task: Task, setup: Setup, cache: Path, *, shipped: bool) -> RuleBook:
    """Distil the rule book of a task, guided by the config's small model if it has one.

    Args:
        cache: a folder in which the small model's scores are cached.
        shipped: add the rules that ship with kdsl to the candidates, beside those of the setting `rules.books`.
    """
    config = setup.config
    given = given_rules(task, config.rules.books, shipped=shipped)
    options: dict[str, Any] = {"seed": config.seed, "seed_rules": given}
    if config.encoders.text:
        first = config.encoders.text[0]
        options["embed"] = text_encoder(TEXT_ENCODERS[0].name if first == AUTO else first).encode
    if config.small is None:
        return distill(labelled, task, config.rules, **options)
    from kdsl.models.generation import writer
    from kdsl.models.scorer import LabelScorer

    small = setup.models.small
    asked = f"{small.fingerprint} {config.prompt.model_dump_json()} {task.model_dump_json()}"
    scorer = LabelScorer(small, task, config.prompt)
    teacher = Teacher(scorer.score, writer(small), small.name, ScoreCache(asked, cache))
    with small.using(None):
        return distill(labelled, task, config.rules, teacher, **options)


def distill_files(
    data: Sequence[Path],
    out: Path,
    *,
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    shipped: bool = True,
) -> list[Path]:
    """Distil one rule book per task from files of labelled samples into `out`/<task>.yaml; returns these files.

    Where such a file is there already, what people did to it is kept (`kdsl.rules.remine`).

    Args:
        images: the root folder of the pictures.
        ocr: a file of existing OCR results.
        overrides: `key.path=value`; `small=null` searches without a model.
        only: names of tasks; by default all tasks of the config.
        shipped: add the rules that ship with kdsl to the candidates.

    Raises:
        KdslError: the samples or settings cannot be used.
    """
    settings = load_config(config, overrides)
    tasks = tasks_for(data, load_tasks(settings))
    chosen = [task_by_name(tasks, name) for name in only] or tasks
    check_books(settings.rules.books, chosen)
    evidences = load_evidence(
        data, images, tasks, settings.evidence, ocr, lambda samples: check_trainable(samples, chosen)
    )
    setup = Setup(tuple(chosen), settings, Models(settings))
    files = [out / f"{task.name}.yaml" for task in chosen]
    before = {file: BookFile.load(file) for file in files if file.exists()}  # its faults are told before the search
    for task, file in zip(chosen, files, strict=True):
        own = [evidence for evidence in evidences if evidence.sample.task == task.name]
        book = distil_book(own, task, setup, out / ".scores", shipped=shipped)
        if file in before:
            judged = given_rules(task, settings.rules.books, shipped=shipped)
            for line in save_remined(book, before[file], judged).lines():
                log.info("%s: %s", file, line)
        else:
            book.save(file)
        book = RuleBook.load(file)
        silent = {*book.labels} - {rule.label for rule in book.rules}
        log.info(
            "%s: rules: %d, labels without one: %d (`kdsl rules list` says why)", file, len(book.rules), len(silent)
        )
    return files
