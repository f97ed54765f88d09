"""`PictureScope`: the probability that a sample's pictures show what a task's samples show, whatever they say.

A photo has no text by which `kdsl.ensemble.scope` could judge it, and noise has none either. Here only the looks count,
by the vectors of the visual expert (`kdsl.ensemble.familiar`). Whether a label fits is told only by samples that the
data mark as out of scope: what looks like one of them fits none (`kdsl.ensemble.marks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.data.duplicates import duplicate_groups
from kdsl.encoders.registry import picture_encoder
from kdsl.ensemble.familiar import Familiarity, Judged, some_of_each_label
from kdsl.ensemble.marks import Marks
from kdsl.ensemble.strangers import strange_pictures
from kdsl.evidence.copies import fingerprints
from kdsl.evidence.types import Evidence
from kdsl.experts.visual import VisualExpert
from kdsl.tasks import Task

STRANGE = 0.2
"""The share of samples about something else altogether that is assumed."""
ENOUGH = 20
"""Samples with a picture, no two of them alike, that a model needs."""


@dataclass(frozen=True)
class PictureScope:
    """Of one task."""

    expert: VisualExpert
    familiar: Familiarity
    marks: Marks | None

    @classmethod
    def fit(cls, expert: VisualExpert, labelled: Sequence[Evidence], outside: Sequence[Evidence] = ()) -> Self | None:
        """Fit on samples with a label; None where those with a picture are too few.

        Args:
            outside: samples that the data mark as out of scope.
        """
        config = expert.setup.config
        shown, told = (some_of_each_label([e for e in one if e.pictures], config.seed) for one in (labelled, outside))
        group = duplicate_groups([evidence.sample for evidence in shown], fingerprints(shown))
        if len(set(group.tolist())) < ENOUGH:
            return None
        strangers = strange_pictures(picture_encoder(config.encoders.picture or ""), config.seed)
        strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
        vectors = expert.vectors(shown)
        labels = np.array([expert.task.index(evidence.sample.label or "") for evidence in shown])
        marks = Marks.fit(vectors, labels, group, expert.vectors(told))
        return cls(expert, Familiarity.fit(vectors, group, strangers, STRANGE), marks)

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        """Of samples; NaN where one has no picture.

        Raises:
            InputError: a picture's file is gone, or is larger than the one that was observed.
        """
        vectors = self.expert.vectors(evidences)
        fits = np.ones(len(vectors)) if self.marks is None else self.marks.unlike(vectors, self.familiar.known)
        return Judged(self.familiar.probability(vectors), fits)

    def save(self, place: Path) -> None:
        """Write the file `place`; the expert has a place of its own."""
        save_file(self.familiar.tensors() | (self.marks.tensors() if self.marks is not None else {}), place)

    @classmethod
    def load(cls, place: Path, expert: VisualExpert) -> Self:
        """Read what `save` wrote.

        Args:
            expert: the visual expert of the same bundle.
        """
        found = load_file(place)
        return cls(expert, Familiarity.of(found), Marks.of(found) if "marked" in found else None)


def picture_scope_file(folder: Path, task: Task) -> Path:
    """The file of a task's model in a bundle; not there where none could be fitted."""
    return folder / "scope" / f"{task.name}.pictures.safetensors"
