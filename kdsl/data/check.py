"""`kdsl data check`: a report on a data file: its contents, and the problems that would stop `kdsl fit`."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.duplicates import Fingerprint, fingerprints, near_duplicates, picture_groups, said_units
from kdsl.data.folders import picture_root
from kdsl.data.notes import Notes, grouped
from kdsl.data.pictures import picture_path
from kdsl.data.readers import FROM_LAST_MESSAGE, BadSample, placed_rows
from kdsl.data.sample import Sample
from kdsl.data.splits import read_folds
from kdsl.data.trainable import fit_faults
from kdsl.errors import InputError, did_you_mean
from kdsl.runs import listed
from kdsl.tasks import Task

_SHOWN = 10
_SHOWN_LETTERS = 60
_SHOWN_LABELS = 3


@dataclass(slots=True)
class TaskCounts:
    """One task's samples: `labels` holds every label of the task, at 0 too; `unknown` all others."""

    samples: int = 0
    unlabelled: int = 0
    out_of_scope: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Spread:
    """Minimum, median, 95th percentile and maximum of a list of numbers."""

    smallest: int
    median: float
    p95: int
    largest: int

    @classmethod
    def of(cls, values: Sequence[int]) -> Spread | None:
        """The quantiles of `values`; None if there are none."""
        ordered = sorted(values)
        if not ordered:
            return None
        rank = math.ceil(0.95 * len(ordered))
        return cls(ordered[0], statistics.median(ordered), ordered[rank - 1], ordered[-1])


@dataclass(slots=True)
class CheckReport:
    """The result of a check. `problems` would stop `kdsl fit`; `notes` would not."""

    file: str
    tasks: dict[str, TaskCounts]
    turns: Spread | None
    """Turns per dialogue."""
    characters: Spread | None
    """Characters per dialogue, after cleaning."""
    pictures: int
    """Distinct pictures named."""
    pictures_a_sample: dict[int, int]
    """Number of pictures -> number of samples."""
    missing: dict[str, str]
    """Pictures that are not below the image folder -> why."""
    unreadable: dict[str, str]
    """Pictures that are there but broken, too large or no pictures -> why."""
    duplicate_pictures: list[list[str]]
    near_duplicates: list[list[str]]
    """Groups of ids of samples that are nearly the same."""
    across_folds: list[list[str]]
    """Those groups that are in more than one fold: scores over these folds are too optimistic."""
    problems: list[str]
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def check(
    path: Path,
    tasks: Sequence[Task],
    images: Path,
    folds: Path | None = None,
    max_megapixels: float = 100,
    inner_folds: int = 2,
    seed: int = 17,
    columns: Columns = AS_KNOWN,
    *,
    unlabelled: bool = False,
) -> CheckReport:
    """Read a data file and all of its pictures, and report everything at once.

    Args:
        inner_folds: those of a fit (`ensemble.fewest_folds`), which the samples must be enough for.
        seed: of the folds.
        columns: those of the file that are called otherwise than docs/data.md says.
        unlabelled: whether all samples of a task may lack a label (`kdsl.data.trainable.fit_faults`).

    Raises:
        InputError: the data file as a whole cannot be read.
    """
    images = picture_root([path], images)
    samples: list[Sample] = []
    bad_rows: list[BadSample] = []
    read = Notes()
    bare = []
    for where, row in placed_rows(path, tasks, on_unknown_label="keep", notes=read, columns=columns):
        if isinstance(row, BadSample):
            bad_rows.append(row)
            continue
        samples.append(row)
        if row.label is None and not row.out_of_scope:
            bare.append(where)
    for where in bare if len(bare) < len(samples) else ():
        read.add("rows have no label, and are not learned from", where)
    problems = grouped((row.where, str(row)) for row in bad_rows)
    if not samples and not problems:
        problems.append(f"{path} holds no sample.")
    counts = _count(samples, tasks)
    problems += _unknown_labels(counts, tasks, read)
    if not problems:  # samples that cannot be read leave others to be learned from
        problems += fit_faults(samples, tasks, inner_folds, seed, unlabelled=unlabelled)
    prints, bad = fingerprints(images, (name for s in samples for name in s.images), max_megapixels)
    missing = {name: why for name, why in bad.items() if not _exists(images, name)}
    unreadable = {name: why for name, why in bad.items() if name not in missing}
    problems += grouped(bad.items())
    near = near_duplicates(samples, prints)
    across: list[list[str]] = []
    if folds is not None:
        try:
            fold_of = read_folds(folds, [sample.id for sample in samples])
            across = [ids for ids in near if len({fold_of[id_] for id_ in ids}) > 1]
        except InputError as error:
            problems.append(str(error))
    talks = [sample.turns for sample in samples if sample.turns]
    lookalikes = _lookalikes(prints)
    return CheckReport(
        file=str(path),
        tasks=counts,
        turns=Spread.of([len(turns) for turns in talks]),
        characters=Spread.of([sum(len(turn.text) for turn in turns) for turns in talks]),
        pictures=len(prints) + len(bad),
        pictures_a_sample=dict(sorted(Counter(len(sample.images) for sample in samples).items())),
        missing=missing,
        unreadable=unreadable,
        duplicate_pictures=lookalikes,
        near_duplicates=near,
        across_folds=across,
        problems=problems,
        notes=read.lines() + _notes(counts, samples, lookalikes, near, across, unlabelled),
    )


def _unknown_labels(counts: dict[str, TaskCounts], tasks: Sequence[Task], notes: Notes) -> list[str]:
    """A problem for each unknown label, the most frequent first; of many the rest in one line."""
    problems = []
    for task in tasks:
        unknown = sorted(counts[task.name].unknown.items(), key=lambda item: -item[1])
        for label, n in unknown[:_SHOWN]:
            hint = did_you_mean(label, task.names)
            problems.append(f"label '{label[:60]}' ({n} sample(s)) is unknown to task '{task.name}'.{hint}")
        if rest := unknown[_SHOWN:]:
            n = sum(n for _, n in rest)
            problems.append(f"{len(rest)} more labels ({n} sample(s)) are unknown to task '{task.name}'.")
        if unknown and any(FROM_LAST_MESSAGE in line for line in notes.lines()):
            problems.append(
                "in chats without a field 'label' the last message was taken for the label; where it belongs to the "
                "dialogue, add the field (empty if the label is not known)."
            )
    return problems


def _exists(images: Path, name: str) -> bool:
    try:
        picture_path(images, name)
    except InputError:
        return False
    return True


def _count(samples: Sequence[Sample], tasks: Sequence[Task]) -> dict[str, TaskCounts]:
    counts = {task.name: TaskCounts(labels=dict.fromkeys(task.names, 0)) for task in tasks}
    for sample in samples:
        count = counts[sample.task]
        count.samples += 1
        if sample.out_of_scope:
            count.out_of_scope += 1
        elif sample.label is None:
            count.unlabelled += 1
        elif sample.label in count.labels:
            count.labels[sample.label] += 1
        else:
            count.unknown[sample.label] = count.unknown.get(sample.label, 0) + 1
    return counts


def _lookalikes(prints: dict[str, Fingerprint]) -> list[list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    for name, group in picture_groups(prints).items():
        names[group].append(name)
    return [group for group in names.values() if len(group) > 1]


def _notes(
    counts: dict[str, TaskCounts],
    samples: Sequence[Sample],
    lookalikes: list[list[str]],
    near: list[list[str]],
    across: list[list[str]],
    unlabelled: bool,
) -> list[str]:
    notes = []
    for task, count in counts.items():
        absent = [label for label, n in count.labels.items() if n == 0]
        if unlabelled and count.unlabelled and count.unlabelled == count.samples:
            notes.append(
                f"{task}: no sample has a label; a fit rests on names and descriptions of labels. If another field "
                "holds the labels, name it as the label's column."
            )
        elif absent and count.unlabelled < count.samples:
            notes.append(f"{task}: {len(absent)} label(s) have no sample: {', '.join(absent)}.")
    label_of = {sample.id: sample.label for sample in samples}
    torn = [ids for ids in near if len({label_of[id_] for id_ in ids}) > 1]
    if lookalikes:
        notes.append(f"{len(lookalikes)} group(s) of pictures look the same, such as {', '.join(lookalikes[0])}.")
    if near:
        notes.append(f"{len(near)} group(s) of near-duplicate samples, such as {', '.join(near[0])}.")
    if torn:
        notes.append(f"{len(torn)} of these have more than one label, such as {', '.join(torn[0])}.")
    if disputed := _disputed(samples, {id_ for ids in torn for id_ in ids}):
        text, labels = disputed[0]
        shown = ", ".join(labels[:_SHOWN_LABELS]) + (
            f" and {rest} more" if (rest := len(labels) - _SHOWN_LABELS) > 0 else ""
        )
        notes.append(f"{len(disputed)} text(s) have more than one label, such as '{text}': {shown}.")
    if across:
        notes.append(
            f"{len(across)} of these stand in more than one fold, so that scores flatter: "
            f"{', '.join(across[0])}. `kdsl data split` keeps them together where it is given the pictures."
        )
    return notes


def _disputed(samples: Sequence[Sample], told: Collection[str]) -> list[tuple[str, list[str]]]:
    """Texts of samples without pictures, too short for `near_duplicates`, that stand under several labels, with these.

    Args:
        told: ids of samples that are left out.
    """
    labels: dict[object, set[str]] = defaultdict(set)
    texts: dict[object, str] = {}
    for sample in samples:
        if sample.label is not None and not sample.images and sample.id not in told and (words := said_units(sample)):
            labels[sample.task, words].add(sample.label)
            texts.setdefault((sample.task, words), " / ".join(turn.said for turn in sample.turns)[:_SHOWN_LETTERS])
    return [(texts[key], sorted(found)) for key, found in labels.items() if len(found) > 1]


def report_parts(report: CheckReport) -> Iterator[RenderableType]:
    """A report as tables and lines for people, in the order to print them."""
    yield Text(report.file, "bold")
    for task, count in report.tasks.items():
        if not count.samples:
            continue
        title = f"{task}: {count.samples} samples, {count.unlabelled} unlabelled"
        title += f", {count.out_of_scope} out of scope" if count.out_of_scope else ""
        table = Table("label", title=title)
        table.add_column("samples", justify="right")
        for label, n in sorted(count.labels.items(), key=lambda item: -item[1]):
            table.add_row(label, str(n))
        unknown = sorted(count.unknown.items(), key=lambda item: -item[1])
        for label, n in unknown[:_SHOWN]:
            table.add_row(f"{label} (unknown)", str(n), style="red")
        if rest := unknown[_SHOWN:]:
            table.add_row(f"{len(rest)} more (unknown)", str(sum(n for _, n in rest)), style="red")
        yield table
    sizes = Table("", "smallest", "median", "95%", "largest")
    for name, spread in (("turns", report.turns), ("characters", report.characters)):
        if spread:
            sizes.add_row(name, f"{spread.smallest}", f"{spread.median:g}", f"{spread.p95}", f"{spread.largest}")
    if sizes.row_count:
        yield from ("dialogues:", sizes)
    several = ", ".join(f"{n} sample(s) with {k}" for k, n in report.pictures_a_sample.items())
    counted = f"{report.pictures} ({several})" if several else f"{report.pictures}"
    yield (
        f"pictures: {counted}; {len(report.missing)} missing, "
        f"{len(report.unreadable)} unreadable, {len(report.duplicate_pictures)} group(s) that look the same"
    )
    yield from _listed("notes", report.notes)
    yield from _listed("problems that would stop kdsl fit", report.problems)


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield listed(lines, _SHOWN, "the report as JSON lists all")
