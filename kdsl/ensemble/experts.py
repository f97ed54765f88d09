"""The experts of one task, opened from a folder: those that call a model and those that only vote.

large      the large model with the task's adapter             call 1
rules, retrieval, lexical, layout                              no call
reread     the large model again, shown snippets and a shortlist, on call 1's cache      call 2
small      the small model's verdict (with its student adapter, if there is one), where
           the parameter budget allows it                                                call 3
second     else a second view by the large model: finer pictures, user turns alone       call 3
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.experts.layout import LayoutExpert
from kdsl.experts.lexical import LexicalExpert
from kdsl.knowledge.index import Hit, KnowledgeIndex
from kdsl.models.adapters import count_parameters, count_replaced, load_adapter, remove_adapter
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.scorer import LabelScorer, LabelScores, PrefixState
from kdsl.rules.book import RuleBook
from kdsl.tasks import Task
from kdsl.training.student import student_folder

SECOND_VIEW_PIXELS = 2.0
"""How many times the pixels of the first view the second one has (it shows no OCR text)."""

_NUMBER = itertools.count()
"""Adapters on one base need distinct names, also when folds of one task are open together."""


@dataclass(frozen=True)
class Models:
    """The two base models of a run; one object where both roles name the same source."""

    large: LoadedModel
    small: LoadedModel

    @classmethod
    def load(cls, config: Config) -> Models:
        """Load what the config names; equal settings are loaded once."""
        large = load_base(config.large)
        return cls(large, large if config.small == config.large else load_base(config.small))

    @property
    def fingerprints(self) -> dict[str, str]:
        """Role -> fingerprint of the weights."""
        return {"large": self.large.fingerprint, "small": self.small.fingerprint}


class Experts:
    """Everything fitted for one task, ready to score.

    Args:
        folder: holds rules/, index/, lexical/ and layout/ (a bundle, or a part of one while fitting), and
            small/adapters/ where `distil.student` is on.
        adapter: the task's adapter folder.
    """

    def __init__(self, task: Task, config: Config, models: Models, folder: Path, adapter: Path) -> None:
        self.task = task
        self.config = config
        self.models = models
        self.rules = RuleBook.load(folder / "rules" / f"{task.name}.yaml")
        self.rules.check(task)
        self.index = KnowledgeIndex.load(folder / "index" / task.name)
        self.lexical = LexicalExpert.load(folder / "lexical" / task.name, task)
        self.layout = LayoutExpert.load(folder / "layout" / task.name, task) if task.input == "picture" else None
        number = next(_NUMBER)
        self.adapter = f"{task.name}-{number}"
        load_adapter(models.large, adapter, self.adapter)
        self.student = f"{task.name}-student-{number}" if config.distil.student else None
        self.large = LabelScorer(models.large, task, config.prompt)
        self.small = LabelScorer(models.small, task, config.prompt)
        second = config.prompt.model_copy(
            update={"ocr": False, "max_pixels": int(config.prompt.max_pixels * SECOND_VIEW_PIXELS)}
        )
        self.second = LabelScorer(models.large, task, second)
        self.answer_tokens = dict(zip(task.names, self.large.tree.n_tokens, strict=True))
        """Output tokens of each label, its end-of-turn token included."""
        self.large_weights = {
            models.large.fingerprint: models.large.n_parameters - count_replaced(models.large, self.adapter),
            f"adapter:{task.name}": count_parameters(models.large, self.adapter),
        }
        self.small_weights = {models.small.fingerprint: models.small.n_parameters}
        if self.student is not None:
            load_adapter(models.small, student_folder(folder, task), self.student)
            self.small_weights[f"student:{task.name}"] = count_parameters(models.small, self.student)

    def close(self) -> None:
        """Take the adapters off the base models; the experts cannot be used afterwards."""
        remove_adapter(self.models.large, self.adapter)
        if self.student is not None:
            remove_adapter(self.models.small, self.student)

    @property
    def longest_answer(self) -> int:
        """Output tokens of the longest label: what a call over all labels books."""
        return max(self.answer_tokens.values())

    def votes(self, evidences: Sequence[Evidence]) -> dict[str, np.ndarray]:
        """Scores [n, m] of the experts that need no model call."""
        votes = {
            "rules": self.rules.scores(evidences),
            "retrieval": self.index.label_scores(evidences, self.task),
            "lexical": self.lexical.scores(evidences),
        }
        return votes | {"layout": self.layout.scores(evidences)} if self.layout else votes

    def first_scores(self, evidences: Sequence[Evidence]) -> dict[str, np.ndarray]:
        """Scores [n, m] of every expert that speaks on all samples: the large model's and the votes."""
        return {"large": self.first_call(evidences, keep=False).log_probs} | self.votes(evidences)

    def first_call(self, evidences: Sequence[Evidence], *, keep: bool) -> LabelScores:
        """The large model's scores; with `keep`, the caches that `reread` needs."""
        prompts = [self.large.prompt(evidence) for evidence in evidences]
        with self.models.large.using(self.adapter):
            return self.large.score_prompts(prompts, keep=keep)

    def snippets(self, evidence: Evidence, shortlist: Sequence[str]) -> list[Hit]:
        """The nearest documents that speak of a label on the shortlist."""
        hits = self.index.search_evidence(evidence, self.task, self.config.knowledge.neighbours)
        return [hit for hit in hits if hit.document.label in shortlist]

    def reread(
        self, state: PrefixState, first: np.ndarray, shortlist: Sequence[str], hits: Sequence[Hit]
    ) -> np.ndarray:
        """Call 2 on call 1's cache: scores [m] that move the mass of `first` [m] within the shortlist."""
        context = [f"{hit.document.excerpt}：{hit.document.label}" for hit in hits]
        with self.models.large.using(self.adapter):
            scores = self.large.rescore([state], [context], shortlist).log_probs[0]
        columns = [self.task.index(name) for name in shortlist]
        revised = first.copy()
        revised[columns] = scores + np.logaddexp.reduce(first[columns])
        return revised

    def small_verdict(self, evidence: Evidence) -> np.ndarray:
        """Call 3: the small model's scores [m], with its student adapter if there is one."""
        with self.models.small.using(self.student):
            return self.small.score([evidence])[0]

    def second_view(self, evidence: Evidence) -> np.ndarray:
        """Call 3 where both models together are too large: the large model on another view, scores [m]."""
        turns = tuple(turn for turn in evidence.sample.turns if turn.role == "user")
        view = Evidence(replace(evidence.sample, turns=turns), evidence.pictures)
        with self.models.large.using(self.adapter):
            return self.second.score([view])[0]
