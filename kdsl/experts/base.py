"""`Expert`: the interface of everything that scores the labels of a task from evidence; it may abstain.

An expert is fitted on labelled evidence, saved to a path in a folder, and loaded from there. Fusion, reports and
ablations use only the names of experts; `kdsl.experts.registry` lists them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from kdsl.config import Config
from kdsl.data.prediction import FiredRule, FoundSnippet
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import Document
from kdsl.models.roles import Models
from kdsl.tasks import Task

if TYPE_CHECKING:
    from kdsl.models.scorer import LabelScores


@dataclass(frozen=True)
class Setup:
    """What all experts of a run share: the tasks, the settings and the base models."""

    tasks: tuple[Task, ...]
    config: Config
    models: Models


@dataclass(frozen=True)
class Material:
    """The training data of a fit; each expert uses the parts that it needs."""

    labelled: Mapping[str, Sequence[Evidence]]
    """Task name -> its labelled evidence; empty for a task without any."""
    imagined: Callable[[Task], Sequence[Evidence]]
    """Synthetic labelled evidence; empty if the synthetic world does not have the task's labels."""
    snippets: Callable[[Task], Sequence[Document]]
    """The knowledge base's documents about a task."""
    imagined_documents: Callable[[Task], Sequence[Document]]
    """Synthetic documents, under the same condition as `imagined`."""
    adapter_configs: Mapping[str, Config]
    """Adapter name -> the training settings that a search chose for it."""
    work: Path
    """A folder for intermediate results, from which a long fit resumes after it was killed."""


@dataclass(frozen=True)
class Call:
    """A planned model call, for one or several samples.

    `run` makes the call and returns scores [k, m] for its k samples. `tokens` maps each column that may be returned to
    the output tokens of that label, `weights` the name of each set of weights used to its number of parameters.
    `served` says by what server, where it is not made in this process.
    """

    role: str
    tokens: Mapping[int, int]
    weights: Mapping[str, int]
    run: Callable[[], LabelScores]
    served: str = ""

    @property
    def most_tokens(self) -> int:
        """Output tokens of the longest label that may be returned, which are booked before the call."""
        return max(self.tokens.values())


@dataclass(frozen=True)
class Snippet:
    """A document retrieved for a sample: the passage for the prompt, and the entry for the trace."""

    passage: str
    found: FoundSnippet


@dataclass(frozen=True)
class RoutedSample:
    """A sample that the router sends to further calls, with what an expert needs for them.

    `scores` [m] are the expert's scores from its first call, `state` is what that call kept, `shortlist` are the
    columns of the most likely labels after fusion, `snippets` are documents about these labels.
    """

    evidence: Evidence
    scores: np.ndarray
    state: Any
    shortlist: Sequence[int]
    snippets: Sequence[Snippet]


class Expert(ABC):
    """Base class of experts. `__init__` only stores settings; `fit` or `load` must come before `scores`."""

    name: ClassVar[str]
    """Unique name, used in traces, reports and fusion weights."""

    def __init__(self, task: Task, setup: Setup) -> None:
        self.task = task
        self.setup = setup

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        """Whether this expert is used for a task with these settings."""
        return True

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        """The path of the expert, a file or a folder, in a bundle's folder."""
        return folder / cls.name / task.name

    def basis(self, material: Material) -> str | None:
        """What the expert is fitted on where no evidence of its task is labelled, in words; None if it cannot be."""
        return None

    @abstractmethod
    def fit(self, material: Material) -> Self:
        """Fit on labelled evidence of at least two labels of the task; where there is none, on what `basis` says."""

    @abstractmethod
    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m] over the task's labels; a row is NaN where the expert abstains."""

    @abstractmethod
    def save(self, place: Path) -> None:
        """Write the fitted state to `place`, which must not exist."""

    @classmethod
    @abstractmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        """Read what `save` wrote.

        Raises:
            KdslError: the data at `place` is damaged, or is for other labels or another base model.
        """

    def first_call(self, evidences: Sequence[Evidence], *, keep: bool) -> Call | None:
        """The model call that `scores` would make; None for an expert that makes none.

        Args:
            keep: keep the state that `further_calls` reuses.
        """
        return None

    def further_calls(self, routed: RoutedSample) -> Sequence[Sequence[Call]]:
        """Calls 2 and 3: for each, its variants, the preferred one first; the budget decides which is made."""
        return ()

    def rules(self, evidence: Evidence) -> Sequence[FiredRule]:
        """Rules that fire on a sample, largest weight first."""
        return ()

    def snippets(self, evidences: Sequence[Evidence], k: int) -> list[Sequence[Snippet]]:
        """For each sample the `k` documents nearest to it, the nearest first."""
        return [() for _ in evidences]

    def close(self) -> None:  # noqa: B027  (most experts have nothing to release)
        """Release the resources of shared models; the expert cannot be used afterwards."""
