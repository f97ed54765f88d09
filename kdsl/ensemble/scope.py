"""`ScopeModel`: the probability that a sample is in scope, which means that one of the task's labels fits it.

A question that no label fits is unlike one that is hard: a hard one is near to several labels, the other near to none.
Three figures of the semantic expert tell them apart: the energy of its logits (Liu et al. 2020, arXiv 2010.03759), the
entropy of its distribution, and the cosine to the nearest labelled sample. A logistic regression whose weights cannot
be negative (more energy, less entropy and a nearer neighbour never make a sample less likely in scope) joins them.

It needs no sample that is out of scope: in each of a few folds the expert is fitted without the samples and the
descriptions of a part of the labels, whose samples are then what no label fits. Samples that the data mark as out of
scope (`Task.out_of_scope`) are used beside them; how near a question is to one of these is a fourth figure, which
counts against it, and what is of the kind of one of them is out of scope (`kdsl.ensemble.marks`). docs/experiments.md
has what the figures are worth, and what else was tried.

Labels that are left out are about the same things as the others. So the probability that a sample is about these
things at all (`kdsl.ensemble.familiar`) is learned apart, and both are multiplied.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.special import expit, logsumexp
from sklearn.metrics import roc_auc_score

from kdsl.data.duplicates import duplicate_groups, near_duplicates
from kdsl.data.splits import stratified_folds
from kdsl.ensemble.familiar import Familiarity, Judged, monotone_regression, some_of_each_label
from kdsl.ensemble.marks import Marks
from kdsl.ensemble.strangers import strange_texts
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.semantic import SemanticExpert, descriptions
from kdsl.scores import log_softmax
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FOLDS = 5
ENOUGH = 20
"""Samples in scope, and as many out of it, that a model needs."""
OUTSIDE = 0.2
"""The share of samples that no label fits, of those about the same things, that is assumed: about that of CLINC150's
test, 1,000 of 5,500 (Larson et al. 2019, arXiv 1909.02027). Data that mark more of them raise it to their own share."""
STRANGE = 0.1
"""The share of samples about something else altogether that is assumed besides."""


@dataclass(frozen=True)
class ScopeModel:
    """Of one task.

    `familiar` is of what users say, without replies; `weights` [f], `centre` [f] and `scale` [f] belong to the
    figures; `near` [k, d] holds the vectors of labelled samples, `MOST` of `familiar` at most, and `marks` those of
    samples that are marked as out of scope. There are four figures where these can be compared with each other, else
    three. `auroc` is that of what no label fits, during the fit.
    """

    expert: SemanticExpert
    familiar: Familiarity
    near: np.ndarray
    marks: Marks | None
    weights: np.ndarray
    intercept: float
    centre: np.ndarray
    scale: np.ndarray
    auroc: float

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
        share = max(OUTSIDE, len(outside) / (len(outside) + len(labelled)))
        labelled, outside = (some_of_each_label(one, expert.setup.config.seed) for one in (labelled, outside))
        near = expert.vectors(labelled)
        marked = expert.vectors(outside) if outside else near[:0]
        outside = [e for e, vector in zip(outside, marked, strict=True) if vector.any()]
        marked = marked[marked.any(axis=1)]
        compared, told = _compared(expert, near, marked, outside)
        seen, unseen = _left_out(expert.task, expert.setup, labelled, compared)
        if min(len(seen), len(unseen) + len(told)) < ENOUGH:
            log.info("scope of %s: too few samples or labels to tell what is out of scope", expert.task.name)
            return None
        figures = np.vstack([seen, unseen, told])
        inside = np.arange(len(figures)) < len(seen)
        # both sides count alike, and so do labels left out and marked samples
        kinds = [kind for kind in (unseen, told) if len(kind)]
        shares = np.concatenate([np.full(len(kind), 1 / len(kind) / len(kinds)) for kind in kinds])
        counts = len(figures) / 2 * np.concatenate([np.full(len(seen), 1 / len(seen)), shares])
        centre, scale = figures.mean(axis=0), figures.std(axis=0) + 1e-9
        weights, intercept = monotone_regression((figures - centre) / scale, inside, counts)
        auroc = float(roc_auc_score(inside, (figures - centre) / scale @ weights))
        intercept += float(np.log((1 - share) / share))
        said = near.any(axis=1)
        labels = np.array([expert.task.index(e.sample.label or "") for e in labelled])
        group = duplicate_groups([evidence.sample for evidence in labelled], {})
        marks = Marks.fit(near[said], labels[said], group[said], marked)
        familiar = _familiarity(expert, labelled, group)
        return cls(expert, familiar, near, marks, weights, intercept, centre, scale, auroc)

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        """Of samples; NaN where one holds no text."""
        compared = self.marks.vectors if self.marks is not None and len(self.weights) == 4 else self.near[:0]
        figures = _figures(self.expert, self.near, compared, evidences)
        fits = expit((figures - self.centre) / self.scale @ self.weights + self.intercept)
        if self.marks is not None:
            fits = np.minimum(fits, self.marks.unlike(self.expert.vectors(evidences), self.near))
        return Judged(self.familiar.probability(self.expert.subjects(evidences)), fits)

    def save(self, place: Path) -> None:
        """Write the file `place`; the expert has a place of its own."""
        one = {"intercept": self.intercept, "auroc": self.auroc}
        arrays = {"weights": self.weights, "centre": self.centre, "scale": self.scale}
        arrays |= {name: np.array([value]) for name, value in one.items()}
        arrays |= self.familiar.tensors() | (self.marks.tensors() if self.marks is not None else {})
        save_file(arrays | {"near": self.near.astype(np.float16)}, place)

    @classmethod
    def load(cls, place: Path, expert: SemanticExpert) -> Self:
        """Read what `save` wrote.

        Args:
            expert: the semantic expert of the same bundle.
        """
        found = load_file(place)
        intercept, auroc = (float(found.pop(name)[0]) for name in ("intercept", "auroc"))
        familiar = Familiarity.of({name: found.pop(name) for name in Familiarity.TENSORS})
        marks = Marks.of({name: found.pop(name) for name in Marks.TENSORS}) if "marked" in found else None
        near = found.pop("near").astype(np.float32)
        return cls(expert, familiar, near, marks, intercept=intercept, auroc=auroc, **found)


def scope_file(folder: Path, task: Task) -> Path:
    """The file of a task's scope model in a bundle; not there where none could be fitted."""
    return folder / "scope" / f"{task.name}.safetensors"


def _familiarity(expert: SemanticExpert, labelled: Sequence[Evidence], group: np.ndarray) -> Familiarity:
    """Of what samples with text are about, and of what the labels are called and described as."""
    vectors = expert.subjects(labelled)
    said = vectors.any(axis=1)
    described = expert.subjects_of([text for label in expert.task.labels for text in descriptions(label)])
    strangers = expert.subjects_of(strange_texts(expert.setup.config.seed))
    return Familiarity.fit(vectors[said], group[said], strangers, STRANGE, described)


def _figures(expert: SemanticExpert, near: np.ndarray, marked: np.ndarray, evidences: Sequence[Evidence]) -> np.ndarray:
    """Energy, negative entropy, cosine to the nearest of `near` [k, d], and, where there are any, the negative cosine
    to the nearest of `marked` [j, d]: [n, 3] or [n, 4]; rows of NaN without text."""
    width = 4 if len(marked) else 3
    if not evidences:
        return np.zeros((0, width))
    logits, vectors = expert.logits(evidences), expert.vectors(evidences)
    log_p = log_softmax(logits)
    negative_entropy = (np.exp(log_p) * log_p).sum(axis=1)
    columns = [logsumexp(logits, axis=1), negative_entropy, (vectors @ near.T).max(axis=1)]
    if len(marked):
        columns.append(-(vectors @ marked.T).max(axis=1))
    figures = np.stack(columns, axis=1)
    figures[~vectors.any(axis=1)] = np.nan
    return figures


def _compared(
    expert: SemanticExpert, near: np.ndarray, marked: np.ndarray, outside: Sequence[Evidence]
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors that `_figures` takes of the marked samples, and these samples' figures, each against the others.

    There are no vectors where all are near-duplicates of each other: then none could be compared.

    Args:
        marked: vectors [j, d] of `outside`.
    """
    group = duplicate_groups([evidence.sample for evidence in outside], {})
    if len(np.unique(group)) < 2:
        return near[:0], _figures(expert, near, near[:0], outside)
    figures = _figures(expert, near, marked, outside)
    cosines = marked @ marked.T
    cosines[group[:, None] == group[None]] = -1
    figures[:, -1] = -cosines.max(axis=1)
    return marked, figures


def _left_out(
    task: Task, setup: Setup, labelled: Sequence[Evidence], marked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Figures of held-out samples of labels that the expert knows, and of all samples of labels that it does not."""
    samples = [evidence.sample for evidence in labelled]
    groups = near_duplicates(samples, {})
    shown = sorted({sample.label or "" for sample in samples})
    seen: list[np.ndarray] = []
    unseen: list[np.ndarray] = []
    if len(shown) < 3 or len(samples) - sum(len(ids) - 1 for ids in groups) < FOLDS:
        return _with_text(seen, marked), _with_text(unseen, marked)
    fold_of = stratified_folds(samples, FOLDS, setup.config.seed, groups)
    order = np.random.default_rng(setup.config.seed).permutation(shown).tolist()
    for fold in range(FOLDS):
        gone = set(order[fold::FOLDS])
        rest = [e for e in labelled if e.sample.label not in gone]
        kept = [e for e in rest if fold_of[e.sample.id] != fold]
        if not kept:
            continue
        labels = tuple(label for label in task.labels if label.name not in gone)
        expert = SemanticExpert(task.model_copy(update={"labels": labels}), setup).fit_on(kept)
        near = expert.vectors(kept)
        seen.append(_figures(expert, near, marked, [e for e in rest if fold_of[e.sample.id] == fold]))
        unseen.append(_figures(expert, near, marked, [e for e in labelled if e.sample.label in gone]))
    return _with_text(seen, marked), _with_text(unseen, marked)


def _with_text(parts: Sequence[np.ndarray], marked: np.ndarray) -> np.ndarray:
    figures = np.vstack([np.zeros((0, 4 if len(marked) else 3)), *parts])
    return figures[~np.isnan(figures).any(axis=1)]
