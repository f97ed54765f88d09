"""`Expert`: whatever gives each label of a task a score, from evidence, and may abstain.

An expert is fitted on labelled evidence, saved to its place in a folder, and loaded from there. Fusion, reports and
ablations know experts by their names alone; `kdsl.experts.registry` lists them.
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
    """What all experts of a run share: its tasks, its settings and its base models."""

    tasks: tuple[Task, ...]
    config: Config
    models: Models


@dataclass(frozen=True)
class Material:
    """What a fit has to learn from; each expert takes what it can use."""

    labelled: Mapping[str, Sequence[Evidence]]
    """Task name -> its labelled evidence."""
    imagined: Callable[[Task], Sequence[Evidence]]
    """Labelled evidence of the synthetic world; empty where the world does not know the task's labels."""
    snippets: Callable[[Task], Sequence[Document]]
    """The knowledge base's documents about a task."""
    imagined_documents: Callable[[Task], Sequence[Document]]
    """Documents of the synthetic world, under the same condition as `imagined`."""
    adapter_configs: Mapping[str, Config]
    """Adapter name -> the settings to train it by, where a search chose them."""
    work: Path
    """A folder that a long fit may use: what lies there when it is killed, it finds again."""


@dataclass(frozen=True)
class Call:
    """One model call, or the same call for several samples at once, before it is made.

    `run` gives scores [k, m] for the k samples it is made for. `tokens` maps each column that the call may return to
    the output tokens of that label, `weights` the name of each set of weights touched to its parameters.
    """

    role: str
    tokens: Mapping[int, int]
    weights: Mapping[str, int]
    run: Callable[[], LabelScores]

    @property
    def most_tokens(self) -> int:
        """Output tokens of the longest label that may be returned: what is booked before the call."""
        return max(self.tokens.values())


@dataclass(frozen=True)
class Snippet:
    """A document found for a sample: the passage that a model is shown, and what the trace says of it."""

    passage: str
    found: FoundSnippet


@dataclass(frozen=True)
class Doubt:
    """A sample that is routed to further calls: what an expert needs in order to look again.

    `scores` [m] are the expert's own of its first call, `state` what that call left, `shortlist` the columns of the
    likeliest labels after fusion, `snippets` documents about these.
    """

    evidence: Evidence
    scores: np.ndarray
    state: Any
    shortlist: Sequence[int]
    snippets: Sequence[Snippet]


class Expert(ABC):
    """The contract. A subclass stores settings in `__init__`, and needs `fit` or `load` before `scores`."""

    name: ClassVar[str]
    """What traces, reports and fusion weights call it; unique."""

    def __init__(self, task: Task, setup: Setup) -> None:
        self.task = task
        self.setup = setup

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        """Whether there is such an expert for a task under these settings."""
        return True

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        """Where in a bundle's folder the expert lies, a file or a folder."""
        return folder / cls.name / task.name

    @abstractmethod
    def fit(self, material: Material) -> Self:
        """Learn from labelled evidence of at least two labels of the task."""

    @abstractmethod
    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m] over the task's labels; a row of NaN where the expert abstains."""

    @abstractmethod
    def save(self, place: Path) -> None:
        """Write what was learned to `place`, which does not exist yet."""

    @classmethod
    @abstractmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        """Read what `save` wrote.

        Raises:
            KdslError: what lies there is damaged, or belongs to other labels or another base model.
        """

    def first_call(self, evidences: Sequence[Evidence], *, keep: bool) -> Call | None:
        """The model call that `scores` would make, if it makes one; None for an expert that costs nothing.

        Args:
            keep: keep what `further_calls` reuses.
        """
        return None

    def further_calls(self, doubt: Doubt) -> Sequence[Sequence[Call]]:
        """Calls 2 and 3: for each, the ways to make it, the preferred one first; the budget decides."""
        return ()

    def rules(self, evidence: Evidence) -> Sequence[FiredRule]:
        """Rules that hold on a sample, the heaviest first."""
        return ()

    def snippets(self, evidence: Evidence, k: int) -> Sequence[Snippet]:
        """The `k` documents nearest to a sample, the nearest first."""
        return ()

    def close(self) -> None:  # noqa: B027  (most experts hold nothing)
        """Give back what the expert holds of a shared model; it cannot be used afterwards."""
