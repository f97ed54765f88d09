"""`PictureScope`: the probability that a sample is in scope by the looks of its pictures, whatever they say.

As `kdsl.ensemble.scope` judges texts, by the vectors of the visual expert: a photo has no text, and noise has none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.data.duplicates import duplicate_groups
from kdsl.encoders.registry import picture_encoder
from kdsl.ensemble.familiar import Familiarity, Judged, some_of_each_label
from kdsl.ensemble.label_fit import LabelFit, Learn, Seen, Told
from kdsl.ensemble.marks import Marks
from kdsl.ensemble.strangers import strange_pictures
from kdsl.evidence.copies import fingerprints
from kdsl.evidence.types import Evidence
from kdsl.experts.linear import LinearModel
from kdsl.experts.visual import C, VisualExpert
from kdsl.tasks import Task

STRANGE = 0.2
"""The share of samples about something else altogether that is assumed."""
ENOUGH = 20
"""Samples with a picture, no two of them alike, that a model needs."""
UNTOLD = 0.5
"""The area under the ROC curve where nothing tells whether a label fits."""


@dataclass(frozen=True)
class PictureScope:
    """Of one task; without `fits` where labels are too few to leave any out."""

    expert: VisualExpert
    familiar: Familiarity
    fits: LabelFit | None
    marks: Marks | None

    @classmethod
    def fit(cls, expert: VisualExpert, labelled: Sequence[Evidence], outside: Sequence[Evidence] = ()) -> Self | None:
        """Fit on samples with a label; None where those with a picture are too few.

        Args:
            expert: fitted on all of `labelled`.
            outside: samples that the data mark as out of scope.
        """
        config, share = expert.setup.config, len(outside) / max(len(outside) + len(labelled), 1)
        shown, told = (some_of_each_label([e for e in one if e.pictures], config.seed) for one in (labelled, outside))
        samples, prints = [evidence.sample for evidence in shown], fingerprints(shown)
        group = duplicate_groups(samples, prints)
        if len(set(group.tolist())) < ENOUGH:
            return None
        strangers = strange_pictures(picture_encoder(config.encoders.picture or ""), config.seed)
        strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
        marked = Told(_seen(expert, told), duplicate_groups([e.sample for e in told], fingerprints(told)))
        # after the marked ones, since the expert keeps the looks of what it was asked about last
        vectors, columns = expert.vectors(shown), np.array([expert.task.index(s.label or "") for s in samples])
        fits = LabelFit.fit(samples, prints, vectors, _learn(expert, shown), marked, share, config.seed)
        marks = Marks.fit(vectors, columns, group, marked.seen.vectors)
        return cls(expert, Familiarity.fit(vectors, group, strangers, STRANGE), fits, marks)

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        """Of samples; NaN where one has no picture.

        Raises:
            InputError: a picture's file is gone, or is larger than the one that was observed.
        """
        seen, near = _seen(self.expert, evidences), self.familiar.known
        fits = np.ones(len(evidences)) if self.fits is None else self.fits.probability(seen, near, self.marks)
        if self.marks is not None:
            fits = np.minimum(fits, self.marks.unlike(seen.vectors, near))
        return Judged(self.familiar.probability(seen.vectors), fits, UNTOLD if self.fits is None else self.fits.auroc)

    def save(self, place: Path) -> None:
        """Write the file `place`; the expert has a place of its own."""
        tensors = self.familiar.tensors() | (self.fits.tensors() if self.fits is not None else {})
        save_file(tensors | (self.marks.tensors() if self.marks is not None else {}), place)

    @classmethod
    def load(cls, place: Path, expert: VisualExpert) -> Self:
        """Read what `save` wrote.

        Args:
            expert: the visual expert of the same bundle.
        """
        found = load_file(place)
        fits = LabelFit.of(found) if "weights" in found else None
        return cls(expert, Familiarity.of(found), fits, Marks.of(found) if "marked" in found else None)


def picture_scope_file(folder: Path, task: Task) -> Path:
    """The file of a task's model in a bundle; not there where none could be fitted."""
    return folder / "scope" / f"{task.name}.pictures.safetensors"


def _seen(expert: VisualExpert, evidences: Sequence[Evidence]) -> Seen:
    return Seen(expert.logits(evidences), expert.vectors(evidences))


def _learn(expert: VisualExpert, shown: Sequence[Evidence]) -> Learn:
    looks = expert.looks(shown)
    columns = np.array([expert.task.index(evidence.sample.label or "") for evidence in shown])

    def learn(kept: np.ndarray, _: Collection[str]) -> Callable[[np.ndarray], np.ndarray]:
        model = LinearModel.fit(looks[kept], columns[kept], C)
        return lambda rows: model.logits(looks[rows])

    return learn
