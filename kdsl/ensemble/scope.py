"""`ScopeModel`: the probability that a sample is in scope, which means that one of the task's labels fits it, by text.

By the semantic expert, whether a label fits is learned from labels that are left out (`kdsl.ensemble.label_fit`), and
what is of the kind of a sample that the data mark as out of scope fits none (`kdsl.ensemble.marks`). Labels that are
left out are about the same things as the others. So the probability that a sample is about these things at all
(`kdsl.ensemble.familiar`) is learned apart, and both are multiplied.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.data.duplicates import duplicate_groups
from kdsl.ensemble.familiar import Familiarity, Judged, some_of_each_label
from kdsl.ensemble.label_fit import LabelFit, Learn, Seen, Told
from kdsl.ensemble.marks import Marks
from kdsl.ensemble.strangers import strange_texts
from kdsl.evidence.types import Evidence
from kdsl.experts.semantic import SemanticExpert, descriptions
from kdsl.tasks import Task

log = logging.getLogger(__name__)

STRANGE = 0.1
"""The share of samples about something else altogether that is assumed, besides those that no label fits."""


@dataclass(frozen=True)
class ScopeModel:
    """Of one task.

    `familiar` is of what users say, without replies; `near` [k, d] holds the vectors of labelled samples, `MOST` of
    `familiar` at most.
    """

    expert: SemanticExpert
    familiar: Familiarity
    fits: LabelFit
    near: np.ndarray
    marks: Marks | None

    @classmethod
    def fit(
        cls,
        expert: SemanticExpert,
        labelled: Sequence[Evidence],
        outside: Sequence[Evidence] = (),
    ) -> Self | None:
        """Fit beside the task's semantic expert; None where samples or labels are too few, or say nothing.

        Args:
            expert: fitted on all of `labelled`, of which `MOST` of `familiar` are used here.
            outside: samples that the data mark as out of scope.
        """
        share, seed = len(outside) / (len(outside) + len(labelled)), expert.setup.config.seed
        labelled, outside = (some_of_each_label(one, seed) for one in (labelled, outside))
        samples = [evidence.sample for evidence in labelled]
        near = expert.vectors(labelled)
        told = _told(expert, near, outside)
        fits = LabelFit.fit(samples, {}, near, _learn(expert, labelled), told, share, seed)
        if fits is None:
            log.info("scope of %s: too few samples or labels to tell what is out of scope", expert.task.name)
            return None
        said, group = near.any(axis=1), duplicate_groups(samples, {})
        columns = np.array([expert.task.index(sample.label or "") for sample in samples])
        marks = Marks.fit(near[said], columns[said], group[said], told.seen.vectors)
        return cls(expert, _familiarity(expert, labelled, group), fits, near, marks)

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        """Of samples; NaN where one holds no text."""
        seen = _seen(self.expert, evidences)
        fits = self.fits.probability(seen, self.near, self.marks)
        if self.marks is not None:
            fits = np.minimum(fits, self.marks.unlike(seen.vectors, self.near))
        return Judged(self.familiar.probability(self.expert.subjects(evidences)), fits, self.fits.auroc)

    def save(self, place: Path) -> None:
        """Write the file `place`; the expert has a place of its own."""
        tensors = self.familiar.tensors() | self.fits.tensors() | {"near": self.near.astype(np.float16)}
        save_file(tensors | (self.marks.tensors() if self.marks is not None else {}), place)

    @classmethod
    def load(cls, place: Path, expert: SemanticExpert) -> Self:
        """Read what `save` wrote.

        Args:
            expert: the semantic expert of the same bundle.
        """
        found = load_file(place)
        marks = Marks.of(found) if "marked" in found else None
        return cls(expert, Familiarity.of(found), LabelFit.of(found), found["near"].astype(np.float32), marks)


def scope_file(folder: Path, task: Task) -> Path:
    """The file of a task's scope model in a bundle; not there where none could be fitted."""
    return folder / "scope" / f"{task.name}.safetensors"


def _seen(expert: SemanticExpert, evidences: Sequence[Evidence]) -> Seen:
    return Seen(expert.logits(evidences), expert.vectors(evidences))


def _told(expert: SemanticExpert, near: np.ndarray, outside: Sequence[Evidence]) -> Told:
    """Marked samples, those with text."""
    if not outside:
        return Told(Seen(np.zeros((0, 1)), near[:0]), np.zeros(0, int))
    seen = _seen(expert, outside)
    said = np.flatnonzero(seen.vectors.any(axis=1)).tolist()
    group = duplicate_groups([outside[row].sample for row in said], {})
    return Told(Seen(seen.logits[said], seen.vectors[said]), group)


def _learn(expert: SemanticExpert, labelled: Sequence[Evidence]) -> Learn:
    def learn(kept: np.ndarray, gone: Collection[str]) -> Callable[[np.ndarray], np.ndarray]:
        labels = tuple(label for label in expert.task.labels if label.name not in gone)
        task = expert.task.model_copy(update={"labels": labels})
        again = SemanticExpert(task, expert.setup).fit_on([labelled[row] for row in kept.tolist()])
        return lambda rows: again.logits([labelled[row] for row in rows.tolist()])

    return learn


def _familiarity(expert: SemanticExpert, labelled: Sequence[Evidence], group: np.ndarray) -> Familiarity:
    """Of what samples with text are about, and of what the labels are called and described as."""
    vectors = expert.subjects(labelled)
    said = vectors.any(axis=1)
    described = expert.subjects_of([text for label in expert.task.labels for text in descriptions(label)])
    strangers = expert.subjects_of(strange_texts(expert.setup.config.seed))
    return Familiarity.fit(vectors[said], group[said], strangers, STRANGE, described)
