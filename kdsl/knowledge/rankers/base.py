"""`Ranker`: the contract of what compares queries with documents; each knows one way of being alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from kdsl.evidence.types import Evidence, Picture
from kdsl.knowledge.documents import Document, evidence_document
from kdsl.tasks import Task


@dataclass(frozen=True, slots=True)
class Item:
    """What is compared: a document, with the pictures of the sample that it was made of."""

    document: Document
    pictures: tuple[Picture, ...] = ()

    @classmethod
    def of(cls, evidence: Evidence, task: Task) -> Self:
        """A sample, as a query or as an entry of the index.

        Its pictures are compared where they are the task's input; in a dialogue they illustrate what is said.
        """
        return cls(evidence_document(evidence, task), evidence.pictures if task.input == "picture" else ())


class Ranker(ABC):
    """Fitted on the items of an index by `fit`, or read by `load`."""

    name: ClassVar[str]
    """What a trace and a manifest call it."""
    votes: ClassVar[bool] = True
    """Whether what it finds votes for labels, and is not only shown."""

    @abstractmethod
    def fit(self, items: Sequence[Item]) -> Self:
        """Learn what the items' similarities rest on, and keep what queries are compared with."""

    @property
    @abstractmethod
    def items(self) -> int:
        """How many items it was fitted on."""

    @property
    @abstractmethod
    def known(self) -> int:
        """How many of these it can compare with anything; the others have no such content."""

    @abstractmethod
    def similarities(self, queries: Sequence[Item]) -> np.ndarray:
        """float32 [q, n] of queries and the n items, about 0 to 1; 0 where they are no more alike than any other."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted state into a new folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: it is missing or damaged, or rests on another version of an encoder.
            MissingDependency: an encoder is not installed.
        """
