"""`encoders.text: auto`: whether further encoders of texts tell the labels at hand better, by cross-validation.

Encoders that are better on average are slower, and not on every shop's questions better: one knows English alone. The
semantic expert is fitted with and without each that is installed, and one is taken if the log-loss on held-out samples
falls by more than chance. Where samples are too few to tell, or none is labelled, all are taken that read the labels'
language: by their names alone, labels were told better with each further encoder (docs/experiments.md, 2026-11-27).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import AUTO
from kdsl.encoders import registry
from kdsl.encoders.base import TextEncoder
from kdsl.errors import MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.semantic import SemanticExpert
from kdsl.tasks import Task

log = logging.getLogger(__name__)

ERRORS = 1.0
"""Standard errors of the mean gain that the gain must exceed."""
WORTH = 0.01
"""Share of the log-loss that the gain must exceed, too: encoders cost time."""
READ = 0.9
"""Share of the texts whose language an encoder must know; a sign or a name of another script does not matter."""
ENOUGH = 50
"""Labelled samples; fewer cannot tell whether an encoder is worth its time."""


def choose_encoders(setup: Setup, groups: Mapping[str, Sequence[Evidence]], fold: Mapping[str, np.ndarray]) -> Setup:
    """The setup with encoders by name where its config says `auto`.

    Args:
        groups: task name -> labelled evidence.
        fold: task name -> the fold of each of its samples, held out in turn; only tasks with samples.

    Raises:
        MissingDependency: the first encoder, which comes with kdsl, is not installed.
    """
    if setup.config.encoders.text != (AUTO,):
        return setup
    first, *others = registry.TEXT_ENCODERS
    chosen, texts = _with(setup, (first.name,)), _texts(setup.tasks, groups)
    here = [kind.name for kind in others if _reads(kind, texts) and _is_here(kind.name)]
    if sum(map(len, fold.values())) < ENOUGH:
        return _with(setup, (first.name, *here))
    losses = _held_out_losses(chosen, groups, fold)
    for name in here:
        more = _with(setup, (*chosen.config.encoders.text, name))
        found = _held_out_losses(more, groups, fold)
        gains = losses - found
        gain, noise = gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
        taken = gain > max(ERRORS * noise, WORTH * losses.mean())
        verdict = "taken" if taken else "left out"
        log.info("encoder %s: log-loss falls by %.3f ± %.3f, %s", name, gain, noise, verdict)
        if taken:
            chosen, losses = more, found
    return chosen


def _reads(kind: type[TextEncoder], texts: Sequence[str]) -> bool:
    """Whether a kind of encoder knows the language of the texts; it is not opened for that, which may load torch."""
    return bool(np.mean([kind.reads(text) for text in texts]) >= READ)


def _is_here(name: str) -> bool:
    """Whether the encoder can be used on this machine."""
    try:
        registry.text_encoder(name)
    except MissingDependency as error:
        log.info("encoder %s: left out, %s", name, error)
        return False
    return True


def _texts(tasks: Sequence[Task], groups: Mapping[str, Sequence[Evidence]]) -> list[str]:
    """What labels are called and described as, and what samples say."""
    evidences = [evidence for group in groups.values() for evidence in group]
    said = [turn.said for evidence in evidences for turn in evidence.sample.turns]
    told = [text for task in tasks for label in task.labels for text in label.texts]
    return told + [text for text in (*said, *(evidence.ocr_text for evidence in evidences)) if text]


def _with(setup: Setup, names: tuple[str, ...]) -> Setup:
    encoders = setup.config.encoders.model_copy(update={"text": names})
    return Setup(setup.tasks, setup.config.model_copy(update={"encoders": encoders}), setup.models)


def _held_out_losses(
    setup: Setup, groups: Mapping[str, Sequence[Evidence]], fold: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Negative log-likelihood [n] of the semantic expert on each sample of all tasks; 0 where a sample has no text."""
    losses = []
    for task in (task for task in setup.tasks if task.name in fold):
        group, folds = groups[task.name], fold[task.name]
        for k in np.unique(folds):
            expert = SemanticExpert(task, setup).fit_on([e for e, f in zip(group, folds, strict=True) if f != k])
            held = [e for e, f in zip(group, folds, strict=True) if f == k]
            gold = [task.index(e.sample.label or "") for e in held]
            losses.append(-np.nan_to_num(expert.scores(held)[np.arange(len(held)), gold], nan=0.0))
    return np.concatenate(losses)
