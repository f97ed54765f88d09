"""Files in and out of the queue: samples that are predicted, tasks for Label Studio, annotations that come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.corrections.feedback import Feedback
from kdsl.corrections.label_studio import Import, interface, read_export, task_of
from kdsl.corrections.queue import Asked, Queue
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import InputError, did_you_mean
from kdsl.files import atomic_write, write_json
from kdsl.recognizer import Recognizer
from kdsl.tasks import Task

EVERY = 1_000_000
"""Items of an export: all."""


def asked(
    recognizer: Recognizer,
    data: Sequence[Path],
    *,
    images: Path = Path(),
    ocr: Path | None = None,
    columns: Columns = AS_KNOWN,
) -> list[Asked]:
    """The samples of files with what a bundle predicts for them; a label that they have is not looked at.

    Raises:
        InputError: a sample or a picture cannot be used.
    """
    evidences = recognizer.observe(list(data), images=images, ocr=ocr, columns=columns)
    version = recognizer.bundle.version
    return [
        Asked(
            task=evidence.sample.task,
            turns=[(turn.role, turn.raw) for turn in evidence.sample.turns],
            pictures=[picture.path.read_bytes() for picture in evidence.pictures],
            prediction=prediction,
            version=version,
            name=evidence.sample.id,
        )
        for evidence, prediction in zip(evidences, recognizer.predict_evidence(evidences), strict=True)
    ]


def export_tasks(queue: Queue, tasks: Sequence[Task], out: Path, only: str | None = None) -> dict[str, int]:
    """Write what waits as files for Label Studio; task -> how many samples. Tasks of which none waits have no file.

    Raises:
        InputError: nothing waits, there is no task of this name, or a file cannot be written.
    """
    names = [task.name for task in tasks]
    if only is not None and only not in names:
        raise InputError(f"there is no task '{only}'; there are {', '.join(names)}.{did_you_mean(only, names)}")
    written = {}
    for task in tasks:
        _, items = queue.open(task.name, EVERY)
        if items and only in (None, task.name):
            write_json(out / f"{task.name}.json", [task_of(item, queue.picture) for item in items])
            atomic_write(out / f"{task.name}.xml", interface(task))
            written[task.name] = len(items)
    if not written:
        others = [name for name in queue.tasks() if name not in names]
        held = f" It holds samples of {', '.join(others)}, no task of this bundle." if others else ""
        raise InputError(f"no sample of the queue waits to be labelled.{held}")
    return written


def import_export(file: Path, bundle: Bundle, feedback: Feedback) -> tuple[Import, int]:
    """Store the annotations of Label Studio's export as corrections; what it held, and how many were new.

    Raises:
        InputError: the file cannot be read, or one of its tasks cannot be used; nothing is stored then.
    """
    found = read_export(file, bundle.tasks, bundle.version)
    return found, sum(feedback.add(correction)[1] for correction in found.corrections)
