"""`PictureScope`: the probability that a sample's pictures show what a task's samples show, whatever they say.

A photo has no text by which `kdsl.ensemble.scope` could judge it, and noise has none either. Here only the looks count,
by the vectors of the visual expert (`kdsl.ensemble.familiar`).
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

    @classmethod
    def fit(cls, expert: VisualExpert, labelled: Sequence[Evidence]) -> Self | None:
        """Fit on samples with a label; None where those with a picture are too few."""
        config = expert.setup.config
        shown = some_of_each_label([evidence for evidence in labelled if evidence.pictures], config.seed)
        group = duplicate_groups([evidence.sample for evidence in shown], fingerprints(shown))
        if len(set(group.tolist())) < ENOUGH:
            return None
        strangers = strange_pictures(picture_encoder(config.encoders.picture or ""), config.seed)
        strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
        return cls(expert, Familiarity.fit(expert.vectors(shown), group, strangers, STRANGE))

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        """Of samples; NaN where one has no picture. Whether a label fits is not told.

        Raises:
            InputError: a picture's file is gone, or is larger than the one that was observed.
        """
        return Judged(self.familiar.probability(self.expert.vectors(evidences)), np.ones(len(evidences)))

    def save(self, place: Path) -> None:
        """Write the file `place`; the expert has a place of its own."""
        save_file(self.familiar.tensors(), place)

    @classmethod
    def load(cls, place: Path, expert: VisualExpert) -> Self:
        """Read what `save` wrote.

        Args:
            expert: the visual expert of the same bundle.
        """
        return cls(expert, Familiarity.of(load_file(place)))


def picture_scope_file(folder: Path, task: Task) -> Path:
    """The file of a task's model in a bundle; not there where none could be fitted."""
    return folder / "scope" / f"{task.name}.pictures.safetensors"
