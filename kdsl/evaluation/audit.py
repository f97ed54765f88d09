"""Audit of labels: finds labels that may be wrong by confident learning (Northcutt et al. 2021, arXiv 1911.00068).

cleanlab compares each label with the distribution predicted by a system that has not seen the sample. The result is a
list for a person to review; nothing is relabelled.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.data.sample import Sample
from kdsl.data.spreadsheets import inert
from kdsl.errors import InputError, MissingDependency
from kdsl.evaluation.page import SHOWN, render, thumbnails
from kdsl.evaluation.predictions import Judged, read_judged
from kdsl.files import atomic_write
from kdsl.tasks import Task

EXCERPT = 160
"""Maximum characters of a sample's text that are shown."""
READABLE = 640
"""Longest side of a sample's picture on the page, in pixels: large enough to read small print."""


@dataclass(frozen=True)
class Suspect:
    """A sample whose label the predictions contradict; `quality` in [0, 1] is cleanlab's self-confidence (low values
    are the most suspicious)."""

    id: str
    task: str
    given: str
    suggested: str
    probability_given: float
    probability_suggested: float
    quality: float
    text: str


@dataclass(frozen=True)
class Audit:
    """The ranked suspects of all tasks; `judged` samples were examined, `failed` ones had no prediction."""

    suspects: list[Suspect]
    samples: dict[str, Sample]
    """The suspects' samples by id."""
    judged: int
    failed: int
    out_of_fold: bool
    """Whether every prediction names its held-out fold, as those of a cross-validation do."""

    @property
    def pairs(self) -> Counter[tuple[str, str, str]]:
        """The number of suspects by (task, given label, suggested label)."""
        return Counter((suspect.task, suspect.given, suspect.suggested) for suspect in self.suspects)


def audit(data: Path, pred: Path, tasks: Sequence[Task]) -> Audit:
    """Find the samples of a file whose labels out-of-fold predictions contradict.

    Raises:
        InputError: a file cannot be read, the files do not match (`read_judged`), or a prediction has no distribution
            over its task's labels.
        MissingDependency: cleanlab is not installed.
    """
    judged, _ = read_judged(data, pred, tasks)
    whole = [line for line in judged if not line.failed and not line.sample.out_of_scope]
    suspects = [
        suspect for task in tasks for suspect in _suspects([j for j in whole if j.sample.task == task.name], task, pred)
    ]
    suspects.sort(key=lambda suspect: suspect.quality)
    out_of_fold = all(line.line.fold is not None for line in whole)
    named = {suspect.id for suspect in suspects}
    samples = {line.sample.id: line.sample for line in whole if line.sample.id in named}
    return Audit(suspects, samples, len(whole), sum(line.failed for line in judged), out_of_fold)


def write_audit(path: Path, found: Audit) -> None:
    """Write the suspects as CSV in UTF-8 with a byte order mark, so that spreadsheets detect the encoding.

    A text that a spreadsheet would take for a formula gets a ' in front (`kdsl.data.spreadsheets`).
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Suspect)], lineterminator="\n")
    writer.writeheader()
    for suspect in found.suspects:
        values = asdict(suspect).items()
        writer.writerow({name: inert(value) if isinstance(value, str) else value for name, value in values})
    atomic_write(path, text.getvalue().encode("utf-8-sig"))


def write_audit_page(path: Path, found: Audit, tasks: Sequence[Task], images: Path) -> None:
    """Write the suspects as an HTML page with pictures, text, and both labels with their descriptions.

    Args:
        images: the root folder of the pictures; for those that cannot be read, only the name is shown.
    """
    suspects = found.suspects[:SHOWN]
    page = render(
        "audit.html.j2",
        suspects=suspects,
        samples=found.samples,
        total=len(found.suspects),
        judged=found.judged,
        meanings={task.name: {label.name: " · ".join(label.descriptions) for label in task.labels} for task in tasks},
        thumbnails=thumbnails((found.samples[suspect.id] for suspect in suspects), images, READABLE),
    )
    atomic_write(path, page)


def pairs_table(found: Audit) -> Any:
    """The number of suspects by pair of labels, the most frequent first, as a rich table."""
    from rich.table import Table

    table = Table("task", "given", "suggested", "samples", box=None)
    for (task, given, suggested), count in found.pairs.most_common():
        table.add_row(task, given, suggested, str(count))
    return table


def _suspects(judged: Sequence[Judged], task: Task, pred: Path) -> list[Suspect]:
    if not judged:
        return []
    find_label_issues, get_label_quality_scores = _confident_learning()
    given = np.array([task.index(line.gold) for line in judged])
    probabilities = np.stack([_row(line, task, pred) for line in judged])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "May not flag all label issues")  # one per rare label
        doubtful = find_label_issues(given, probabilities, n_jobs=1)
    quality = get_label_quality_scores(given, probabilities)
    suggested = probabilities.argmax(axis=1)
    return [
        Suspect(
            id=judged[i].sample.id,
            task=task.name,
            given=task.names[given[i]],
            suggested=task.names[suggested[i]],
            probability_given=round(float(probabilities[i, given[i]]), 4),
            probability_suggested=round(float(probabilities[i, suggested[i]]), 4),
            quality=round(float(quality[i]), 4),
            text=excerpt(judged[i].sample),
        )
        for i in np.flatnonzero(doubtful & (suggested != given)).tolist()
    ]


def _confident_learning() -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    """cleanlab's `find_label_issues` and `get_label_quality_scores`."""
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError as error:
        raise MissingDependency(
            "an audit of labels needs the package cleanlab, which is not installed: `pip install 'kdsl[audit]'`."
        ) from error
    return find_label_issues, get_label_quality_scores


def _row(judged: Judged, task: Task, pred: Path) -> np.ndarray:
    """A prediction's probabilities [m], normalised to sum to one."""
    given = judged.line.distribution
    strange = [name for name in given if name not in task.names]
    row = np.array([given.get(name, 0.0) for name in task.names])
    if strange or not np.isfinite(row).all() or (row < 0).any() or row.sum() <= 0:
        what = f"names label '{strange[0]}', which task '{task.name}' lacks" if strange else "is no distribution"
        raise InputError(
            f"{pred} (id {judged.sample.id}): 'distribution' {what}; an audit needs one over the task's labels, as "
            "a cross-validation writes it."
        )
    normalised: np.ndarray = row / row.sum()
    return normalised


def excerpt(sample: Sample) -> str:
    """The end of the user's text, or the names of the pictures if there is no text."""
    said = " / ".join(turn.said for turn in sample.turns if turn.role == "user" and turn.said)
    text = " ".join((said or ", ".join(sample.images)).split())
    return text if len(text) <= EXCERPT else "…" + text[1 - EXCERPT :]
