"""Predicting a file: lines are appended as they are made, and a killed run continues where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdsl.data.files import atomic_write
from kdsl.data.readers import BadSample, read_rows
from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError, KdslError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.progress import track

BATCH = 8
"""Samples whose first calls go through the model together."""
CHUNK = 256
"""Samples whose pictures are read together (over all cores) before they are predicted."""


@dataclass
class Summary:
    """What a run over a file did: lines written, lines found from an earlier run, and what failed."""

    predicted: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)


def predict_file(bundle: Bundle, source: Path, images: Path, ocr_file: Path | None, output: Path) -> Summary:
    """Predict the samples of a file and append one line each to `output`.

    Bad rows and samples whose pictures cannot be read become lines with an `error`; the rest goes on. Run
    again with the same output, it keeps the predictions that are there and tries failed samples again.

    Raises:
        InputError: the file as a whole cannot be read, or `output` is some other file.
        BundleError: the models loaded are not the bundle's.
    """
    rows = list(read_rows(source, bundle.tasks, on_unknown_label="keep"))
    done = read_done(output)
    todo = [row for row in rows if _id(row) not in done]
    summary = Summary(kept=len(rows) - len(todo))
    if todo:
        predictor = Predictor(bundle)
        for line in track(_lines(predictor, bundle, todo, images, ocr_file), "predicting", len(todo)):
            append(output, line)
            if "error" in line:
                summary.failed.append(f"{line['id']}: {line['error']}")
            else:
                summary.predicted += 1
    return summary


def _lines(
    predictor: Predictor,
    bundle: Bundle,
    rows: Sequence[Sample | BadSample],
    images: Path,
    ocr_file: Path | None,
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        yield from (failure(_id(row), None, str(row)) for row in chunk if isinstance(row, BadSample))
        samples = [row for row in chunk if isinstance(row, Sample)]
        evidences, faults = observe(samples, images, bundle.config.evidence, ocr_file, on_error="collect")
        task = {sample.id: sample.task for sample in samples}
        yield from (failure(id, task[id], message) for id, message in faults)
        yield from predict_rows(predictor, evidences)


def predict_rows(predictor: Predictor, evidences: Sequence[Evidence]) -> Iterator[dict[str, Any]]:
    """Predictions as JSON rows; a sample that fails becomes a row with `id`, `task` and `error`."""
    for start in range(0, len(evidences), BATCH):
        batch = evidences[start : start + BATCH]
        try:
            yield from [prediction.to_json() for prediction in predictor.predict(batch)]
        except KdslError:
            for evidence in batch:  # one by one, so that only the bad one is lost
                try:
                    yield predictor.predict([evidence])[0].to_json()
                except KdslError as error:
                    yield failure(evidence.sample.id, evidence.sample.task, str(error))


def failure(id: str, task: str | None, message: str) -> dict[str, Any]:
    """The line that stands for a sample that could not be predicted."""
    return {"id": id, "task": task, "error": message}


def append(path: Path, line: dict[str, Any]) -> None:
    """Append one JSON line; it is in the file when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_done(path: Path) -> set[str]:
    """Ids of the predictions that an output file holds.

    A line cut off by a kill, and lines of failed samples, are taken out of the file: they are made anew.

    Raises:
        InputError: a line is no prediction: the file is something else and is left alone.
    """
    if not path.is_file():
        return set()
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    done: set[str] = set()
    kept = []
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            continue
        try:
            row = json.loads(line)
            failed, id_ = "error" in row, str(row["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number}: not a prediction ({error!r}). To continue a run, --output must be its "
                "own file; choose another name."
            ) from error
        if not failed:
            done.add(id_)
            kept.append(line)
    if len(kept) < len(lines):
        atomic_write(path, b"".join(kept))
    return done


def _id(row: Sample | BadSample) -> str:
    """The id that a row's line carries: where it stands in the file if it has none."""
    return (row.id or row.where) if isinstance(row, BadSample) else row.id
