"""`Rows`: the samples of a fit with people's corrections put in, and what became of each correction."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kdsl.config import EvidenceConfig
from kdsl.data.folders import picture_root
from kdsl.data.notes import Notes
from kdsl.data.readers import BadSample, read_files, read_rows
from kdsl.data.resume import content_digest
from kdsl.data.sample import Sample
from kdsl.data.source import DataSource
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import InputError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.runs import digest
from kdsl.tasks import Task

log = logging.getLogger(__name__)

CORRECTIONS = "refit/corrections.jsonl"
"""Where a bundle keeps the corrections that it was fitted on."""
NONE_FITS = "no label fits"
"""Marks a sample out of scope where the task has no word of its own for that."""


@dataclass(frozen=True)
class Rows:
    """Samples to fit on. `corrected` are the ids of those whose label a person gave; the others are as they were."""

    evidences: tuple[Evidence, ...]
    corrected: frozenset[str]
    relabelled: int
    """Samples of the fit that a correction gave another label, or none."""
    added: int
    """Corrections of samples that the fit did not have."""

    def labelled(self, task: Task) -> list[Evidence]:
        """The samples of a task that have a label."""
        return [e for e in self.evidences if e.sample.task == task.name and e.sample.label is not None]


def rows_of(source: DataSource, corrections: Path | None, tasks: Sequence[Task], config: EvidenceConfig) -> Rows:
    """Read the samples that a fit learns from, with corrections in their place.

    A correction of a sample with the same task, words and pictures as one of the source gives that its label; others
    are added. Where no label fits, the sample is kept as one out of scope.

    Args:
        corrections: rows that `kdsl.corrections.feedback.Feedback.export` gave; None for none.

    Raises:
        InputError: a sample or a picture cannot be used.
    """
    root = picture_root(source.files, source.images)
    samples = [s for s in read_files(source.files, tasks, source.columns) if s.label is not None or s.out_of_scope]
    said = _said(corrections, tasks) if corrections else {}
    of_content: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        of_content[content_digest(sample, root)].append(row)
    corrected, relabelled, added = set(), 0, []
    for content, correction in said.items():
        for row in of_content.get(content, ()):
            now = replace(samples[row], label=correction.label, out_of_scope=correction.out_of_scope)
            relabelled += now != samples[row]
            samples[row] = now
            corrected.add(now.id)
        if content not in of_content:
            added.append(correction)
            corrected.add(correction.id)
    evidences = observe(samples, root, config, source.ocr) + observe(added, Path(), config)
    return Rows(tuple(evidences), frozenset(corrected), relabelled, len(added))


def rows_of_bundle(bundle: Bundle, source: DataSource) -> Rows:
    """The samples that a bundle was fitted on.

    Raises:
        InputError: a sample cannot be used, or they are others than those of the fit.
    """
    kept = bundle.folder / CORRECTIONS
    found = rows_of(source, kept if kept.is_file() else None, bundle.tasks, bundle.config.evidence)
    if digest([evidence.digest() for evidence in found.evidences]) != bundle.manifest["inputs"]["samples"]:
        raise InputError(
            f"the {len(found.evidences)} samples of {', '.join(str(file) for file in source.files)} are not those that "
            f"the bundle {bundle.folder} was fitted on, so that before and after could not be told on the same "
            "samples. Give those files as `data` (and their `images`, `ocr` and columns), or fit a new bundle to the "
            "changed ones first."
        )
    return found


def source_of(bundle: Bundle) -> DataSource:
    """The files that a bundle says it was fitted on.

    Raises:
        InputError: it does not say, or they are not there.
    """
    recorded = bundle.manifest.get("data")
    if recorded is None:
        raise InputError(
            f"{bundle.folder} does not say which files it was fitted on; give them as `data`, with their `images`."
        )
    source = DataSource.recorded(recorded, bundle.folder)
    if missing := [str(file) for file in source.files if not file.exists()]:
        raise InputError(
            f"{', '.join(missing)}: the bundle {bundle.folder} was fitted on this, and it is not there. Give the same "
            "samples as `data`, with their `images`."
        )
    return source


def extended_folds(
    known: Mapping[str, int], labelled: Sequence[Evidence], together: Iterable[Sequence[str]]
) -> dict[str, int]:
    """The inner fold of each labelled sample of one task, by id: known ones stay, new ones are spread label by label.

    Args:
        together: groups of ids that must share a fold; that of the first whose fold is known.

    Returns:
        Nothing where the known folds cannot be kept: corrections leave a fold empty, or the others one label.
    """
    label_of = {e.sample.id: e.sample.label for e in labelled}
    folds = {id: known[id] for id in label_of if id in known}
    groups = [list(ids) for ids in together]
    grouped = {id for ids in groups for id in ids}
    fresh = []
    for ids in [*groups, *([id] for id in label_of if id not in grouped)]:
        had = [folds[id] for id in ids if id in folds]
        if had:
            folds |= dict.fromkeys(ids, had[0])
        else:
            fresh.append(ids)
    of_label = Counter((label_of[id], fold) for id, fold in folds.items())
    sizes = Counter(folds.values())
    every = range(1 + max(known.values(), default=-1))
    for ids in fresh if every else ():
        fold = min(every, key=lambda fold: (of_label[label_of[ids[0]], fold], sizes[fold], fold))
        folds |= dict.fromkeys(ids, fold)
        of_label.update((label_of[id], fold) for id in ids)
        sizes[fold] += len(ids)
    left = [{label_of[id] for id, fold in folds.items() if fold != one} for one in every]
    return folds if all(len(labels) > 1 for labels in left) and set(folds.values()) == set(every) else {}


def _said(file: Path, tasks: Sequence[Task]) -> dict[str, Sample]:
    """The corrections of a file by their content; those of tasks that there are not are left out."""
    found: dict[str, Sample] = {}
    strange = 0
    for sample in read_rows(file, tasks, notes=Notes()):
        if isinstance(sample, BadSample):
            log.warning("%s, %s: %s This correction is left out.", file, sample.where, sample.message)
            strange += 1
            continue
        if sample.label is None and not sample.out_of_scope:
            sample = replace(sample, out_of_scope=NONE_FITS)
        found[content_digest(sample, Path())] = sample
    if not found:
        raise InputError(f"{file}: none of {strange} corrections is of a task and label of this bundle.")
    return found
