"""The large model as an expert: call 1 with the task's adapter, and the variants of calls 2 and 3.

large     all labels scored in one forward pass                                              call 1
reread    the large model again, with snippets and a shortlist, on call 1's cache            call 2
small     the small model (with its student adapter, if there is one), if the budget
          allows both models                                                                 call 3
second    else the large model on a second view: finer pictures, only the user's turns       call 3
          (a text-only model: only the user's turns; no call where nobody else speaks)

With `large.server` the same calls are made by a server, with an adapter that it holds or the model as it is; nothing is
trained. torch is imported only when a model is needed.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from kdsl.config import Config
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Call, Expert, Material, RoutedSample, Setup
from kdsl.experts.large_served import ServedAdapter, adapter_behind
from kdsl.files import write_json
from kdsl.tasks import Task

if TYPE_CHECKING:
    from kdsl.models.base import LoadedModel
    from kdsl.models.scorer import LabelScorer, LabelScores
    from kdsl.models.server_model import ServerModel
    from kdsl.models.server_scorer import ServerScorer

SECOND_VIEW_PIXELS = 2.0
"""Pixels of the second view (which has no OCR text), as a multiple of those of the first view."""
NOT_COPIED = ("checkpoints", "halves", "logs", "README.md")
"""Files of a training run that are not copied into a bundle with the adapter."""
AS_SERVED = "as_served.json"
"""Stands in a bundle for the adapter where a server is asked for the model as it is."""

_NUMBER = itertools.count()
"""Makes names of adapters on a base unique, even if several folds of a task are open at the same time."""


class LargeExpert(Expert):
    """The large model with the adapter in `adapter`, a folder in PEFT's format or of a delta."""

    name = "large"
    adapter: Path

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return config.large is not None and config.large.asked(task)

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        return folder / "adapters" / (task.name if config.training.strategy == "separate" else "joint")

    def fit(self, material: Material) -> Self:
        """Train the task's adapter, or, with strategy `joint` or `sequence`, one for all; resumes after a kill.

        Raises:
            ConfigError: the model is behind a server with an adapter for the task, whose folder was not given.
        """
        large = self.setup.config.model("large")
        if large.server is not None:
            if name := large.server.adapters.get(self.task.name):
                raise ConfigError(
                    f"large.server.adapters names '{name}' for task '{self.task.name}': give its folder as well (the "
                    "adapters of a fit), for its size and its label shifts."
                )
            self.adapter = material.work / self.task.name
            self.adapter.mkdir(parents=True, exist_ok=True)
            write_json(self.adapter / AS_SERVED, {"model": large.server.model})
            return self
        from kdsl.training.folder import Run
        from kdsl.training.job import TrainingJob, adapter_groups
        from kdsl.training.lora import train_adapter

        groups = adapter_groups(self.setup.tasks, self.setup.config)
        name, group = next((name, group) for name, group in groups.items() if self.task in group)
        tasks = [task for task in group if material.labelled.get(task.name)]
        samples = [evidence for task in tasks for evidence in material.labelled[task.name]]
        config = material.adapter_configs.get(name, self.setup.config)
        self.adapter = material.work / name
        train_adapter(TrainingJob(self.setup.models.large, samples, tasks, config), Run(self.adapter))
        return self

    def save(self, place: Path) -> None:
        copy_adapter(self.adapter, place)

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        expert = cls(task, setup)
        expert.adapter = place
        _ = expert._open  # fails here if the adapter is for another base
        return expert

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        return self.first_call(evidences, keep=False).run().log_probs

    def first_call(self, evidences: Sequence[Evidence], *, keep: bool) -> Call:
        opened = self._open

        def run() -> LabelScores:
            prompts = [opened.scorer.prompt(evidence) for evidence in evidences]
            with opened.model.using(opened.name):
                return opened.scorer.score_prompts(prompts, keep=keep)

        return Call(self.name, opened.tokens, opened.weights, run, opened.served)

    def further_calls(self, routed: RoutedSample) -> Sequence[Sequence[Call]]:
        opened = self._open
        tokens = {column: opened.tokens[column] for column in routed.shortlist}
        reread = Call("reread", tokens, opened.weights, lambda: self._reread(routed), opened.served)
        view = lambda: self._second_view(routed.evidence)  # noqa: E731
        second = Call("second", opened.tokens, opened.weights, view, opened.served)
        ways = [self._small.verdict(routed.evidence)] if self._small else []
        if opened.model.sees or any(turn.role != "user" for turn in routed.evidence.sample.turns):
            ways.append(second)
        return [[reread], ways]

    def close(self) -> None:
        for opened in (self.__dict__.pop("_open", None), self.__dict__.pop("_small", None)):
            if opened is not None:
                opened.close()

    def _reread(self, routed: RoutedSample) -> LabelScores:
        """The large model on call 1's cache, with snippets; only probabilities within the shortlist change."""
        opened, columns = self._open, list(routed.shortlist)
        context = [snippet.passage for snippet in routed.snippets]
        names = [self.task.names[column] for column in columns]
        with opened.model.using(opened.name):
            found = opened.scorer.rescore([routed.state], [context], names)
        revised = routed.scores.copy()
        revised[columns] = found.log_probs[0] + np.logaddexp.reduce(routed.scores[columns])
        return replace(found, log_probs=revised[None])

    def _second_view(self, evidence: Evidence) -> LabelScores:
        """The large model on another view: only the user's turns, and pictures with more pixels but no OCR text.

        A text-only model keeps the OCR text, which is all that it has of pictures.
        """
        opened = self._open
        turns = tuple(turn for turn in evidence.sample.turns if turn.role == "user")
        view = Evidence(replace(evidence.sample, turns=turns), evidence.pictures)
        with opened.model.using(opened.name):
            return self._second_scorer.score_prompts([self._second_scorer.prompt(view)])

    @cached_property
    def _open(self) -> _Opened:
        if self.setup.config.model("large").server is not None:
            return _Opened.behind(self.task, self.setup, self.adapter, f"{self.name}-adapter")
        return _Opened.of(self.task, self.setup.config, self.setup.models.large, self.adapter, f"{self.name}-adapter")

    @cached_property
    def _small(self) -> _Opened | None:
        """The small model, with the bundle's student adapter if it has one."""
        config = self.setup.config
        if config.small is None:
            return None
        from kdsl.training.student import student_folder

        student = student_folder(self.adapter.parents[1], self.task) if config.student.train else None
        return _Opened.of(self.task, config, self.setup.models.small, student, "student")

    @cached_property
    def _second_scorer(self) -> LabelScorer | ServerScorer:
        opened, prompt = self._open, self.setup.config.prompt
        if opened.model.sees:
            pixels = int(prompt.max_pixels * SECOND_VIEW_PIXELS)
            prompt = prompt.with_ocr(False).model_copy(update={"max_pixels": pixels})
        return opened.scorer.viewed(prompt)


@dataclass(frozen=True)
class _Opened:
    """A base model with an adapter (`name`, or None), ready to score a task's labels.

    `tokens` maps each column to the number of output tokens of its label, including the end of turn; `weights` maps
    names to numbers of parameters; `served` names the server, if the model is behind one, which then holds the adapter.
    """

    model: LoadedModel | ServerModel
    name: str | None
    scorer: LabelScorer | ServerScorer
    tokens: dict[int, int]
    weights: dict[str, int]
    served: str = ""

    @classmethod
    def of(cls, task: Task, config: Config, model: LoadedModel, adapter: Path | None, kind: str) -> _Opened:
        """Load the adapter in a folder onto `model`; `kind` distinguishes the weights of adapters and students."""
        from kdsl.models.adapters import count_parameters, count_replaced, load_adapter
        from kdsl.models.scorer import LabelScorer

        scorer = LabelScorer(model, task, config.prompt)
        weights = {model.fingerprint: model.n_parameters}
        name = None
        if adapter is not None:
            name = f"{task.name}-{kind}-{next(_NUMBER)}"
            load_adapter(model, adapter, name)
            weights[model.fingerprint] -= count_replaced(model, name)
            weights[f"{kind}:{task.name}"] = count_parameters(model, name)
        return cls(model, name, scorer, dict(enumerate(scorer.tree.n_tokens)), weights)

    @classmethod
    def behind(cls, task: Task, setup: Setup, adapter: Path, kind: str) -> _Opened:
        """The large model behind its server, with the adapter that the folder holds, if it holds any."""
        from kdsl.models.server_scorer import ServerScorer

        model = setup.models.server
        weights = {model.fingerprint: model.n_parameters}
        held = ServedAdapter(model.server.model, 0, {})
        if has_adapter(adapter):
            held = adapter_behind(model, task, adapter)
            weights[f"{kind}:{task.name}"] = held.n_parameters
        scorer = ServerScorer(model, task, setup.config.prompt, held.name, held.shifts)
        return cls(model, None, scorer, dict(enumerate(scorer.tree.n_tokens)), weights, scorer.served.described)

    def verdict(self, evidence: Evidence) -> Call:
        """The call `small`: the small model's own scores."""

        def run() -> LabelScores:
            with self.model.using(self.name):
                return self.scorer.score_prompts([self.scorer.prompt(evidence)])

        return Call("small", self.tokens, self.weights, run)

    def close(self) -> None:
        from kdsl.models.adapters import remove_adapter
        from kdsl.models.base import LoadedModel

        if self.name is not None and isinstance(self.model, LoadedModel):
            remove_adapter(self.model, self.name)


def has_adapter(place: Path) -> bool:
    """Whether there is an adapter in a bundle where the large expert's lies, and not a note that there is none."""
    return not (place / AS_SERVED).is_file()


def copy_adapter(source: Path, target: Path) -> None:
    """Copy an adapter without the other files of its training run (`NOT_COPIED`)."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_COPIED))
