"""Predicting a file: lines are appended as they are made, and a killed run continues where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdsl.data.readers import BadSample
from kdsl.data.resume import Remaining, Row, row_id
from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError, KdslError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.progress import track
from kdsl.runs import atomic_write, sole_writer

BATCH = 8
"""Samples whose first calls go through the model together."""
CHUNK = 256
"""Samples whose pictures are read together (over all cores) before they are predicted."""
OPENING = b'{"id": '
"""How each line of an output begins: by this one that a kill cut off is told from another file's."""

Line = dict[str, Any]


@dataclass
class Summary:
    """What a run over a file did: lines written, lines found from an earlier run, and what failed."""

    predicted: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)


Engine = Callable[[Bundle, Remaining, Path, Path | None], Iterator[Line]]
"""(bundle, rows, folder of pictures, file of OCR results) -> a line for each row, in any order."""


def predict_here(bundle: Bundle, remaining: Remaining, images: Path, ocr_file: Path | None) -> Iterator[Line]:
    """The engine `local`: one model in this process, pictures read over all cores, lines in the file's order."""
    predictor = Predictor(bundle)
    for chunk in remaining.chunks(CHUNK):
        yield from predict_chunk(predictor, bundle, chunk, images, ocr_file)


def predict_file(
    bundle: Bundle, source: Path, images: Path, ocr_file: Path | None, output: Path, engine: Engine = predict_here
) -> Summary:
    """Predict the samples of a file and append one line each to `output`.

    Bad rows and samples whose pictures cannot be read become lines with an `error`; the rest goes on. Run
    again with the same output, it keeps the predictions that are there and tries failed samples again.

    Raises:
        InputError: the file as a whole cannot be read, `output` is some other file or another bundle's, cannot
            be written, or is written by another command.
        BundleError: the models loaded are not the bundle's.
    """
    with sole_writer(output):
        remaining = Remaining.of(source, bundle.tasks, read_done(output, bundle.versions["bundle"]))
        summary = Summary(kept=len(remaining.marks) - len(remaining))
        if len(remaining):
            append(output)  # before hours of work
            for line in track(engine(bundle, remaining, images, ocr_file), "predicting", len(remaining)):
                append(output, line)
                if "error" in line:
                    summary.failed.append(f"{line['id']}: {line['error']}")
                else:
                    summary.predicted += 1
    return summary


def predict_chunk(
    predictor: Predictor,
    bundle: Bundle,
    chunk: Sequence[Row],
    images: Path,
    ocr_file: Path | None,
    cache: Path | None = None,
    workers: int | None = None,
) -> Iterator[Line]:
    """A line for each row: those of bad rows, then of samples without evidence, then predictions.

    Args:
        cache: as `observe` takes it.
        workers: processes that read pictures, as `observe` takes it.
    """
    yield from (failure(row_id(row), None, str(row)) for row in chunk if isinstance(row, BadSample))
    samples = [row for row in chunk if isinstance(row, Sample)]
    evidences, faults = observe(
        samples, images, bundle.config.evidence, ocr_file, cache, on_error="collect", workers=workers
    )
    task = {sample.id: sample.task for sample in samples}
    yield from (failure(id, task[id], message) for id, message in faults)
    yield from predict_rows(predictor, evidences)


def predict_rows(predictor: Predictor, evidences: Sequence[Evidence]) -> Iterator[Line]:
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


def failure(id: str, task: str | None, message: str) -> Line:
    """The line that stands for a sample that could not be predicted."""
    return {"id": id, "task": task, "error": message}


def append(path: Path, *lines: Line) -> None:
    """Append JSON lines; they are in the file when this returns.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}. Lines that are there are kept: mend that, and run "
            "the same command again."
        ) from error


def read_done(path: Path, bundle: str | None = None) -> set[str]:
    """Ids of the predictions that an output file holds.

    A line cut off by a kill, and lines of failed samples, are taken out of the file: they are made anew.

    Args:
        bundle: the id of the bundle that must have made them.

    Raises:
        InputError: a line is no prediction, or another bundle's: the file is left alone.
    """
    if not path.is_file():
        return set()
    done: set[str] = set()
    spoilt: set[int] = set()
    for number, line in _numbered(path):
        whole = line.endswith(b"\n")
        try:
            row = json.loads(line)
            failed, id_ = "error" in row, str(row["id"])
            _ = failed or row["label"]
            made_by = row.get("versions", {}).get("bundle")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if not whole and isinstance(error, ValueError) and line.startswith(OPENING[: len(line)]):
                spoilt.add(number)
                continue
            raise InputError(
                f"{path}, line {number}: not a prediction ({error!r}). To continue a run, --output must be its "
                "own file; choose another name."
            ) from error
        if failed or not whole:
            spoilt.add(number)
        elif bundle and made_by != bundle:
            raise InputError(
                f"{path} holds predictions of bundle {made_by}, not of {bundle}. Choose another --output, or delete "
                "that file."
            )
        else:
            done.add(id_)
    if spoilt:
        atomic_write(path, (line for number, line in _numbered(path) if number not in spoilt))
    return done


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:  # line by line: it may be larger than memory
        yield from enumerate(file, 1)
