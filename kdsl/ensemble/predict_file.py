"""`predict_file`: predicts a file of samples line by line; a run that was killed resumes where it stopped."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.folders import picture_root
from kdsl.data.prediction import Failure
from kdsl.data.readers import BadSample
from kdsl.data.resume import Row, Unfinished, content_digest, row_id
from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError, KdslError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.progress import track
from kdsl.runs import atomic_write, sole_writer

log = logging.getLogger(__name__)

BATCH = 8
"""Samples per batch of the first call."""
CHUNK = 256
"""Samples whose pictures are read together, on all cores, before they are predicted."""
OPENING = b'{"id": '
"""The start of every line of an output: tells an incomplete last line from a line of some other file."""

Line = dict[str, Any]
"""A prediction or a failure as plain JSON values."""


@dataclass
class Summary:
    """The result of predicting a file: lines written, lines kept from an earlier run, and failures."""

    predicted: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)


Engine = Callable[[Bundle, Unfinished, Path, Path | None], Iterator[Line]]
"""(bundle, rows, folder of pictures, file of OCR results) -> one line per row, in any order."""


def local_engine(open_predictor: Callable[[], Predictor]) -> Engine:
    """An engine with one set of models in this process, loaded on first use; lines are in the order of the file."""

    def run(bundle: Bundle, unfinished: Unfinished, images: Path, ocr_file: Path | None) -> Iterator[Line]:
        predictor = open_predictor()
        for chunk in unfinished.chunks(CHUNK):
            yield from predict_chunk(predictor, bundle, chunk, images, ocr_file)

    return run


def predict_file(
    bundle: Bundle,
    data: Path,
    images: Path,
    ocr_file: Path | None,
    out: Path,
    engine: Engine | None = None,
    columns: Columns = AS_KNOWN,
) -> Summary:
    """Predict the samples of the file `data` and append one line each to `out`.

    Invalid rows and samples whose pictures cannot be read become lines with an `error`; the others are predicted. A
    further run with the same `out` keeps the existing predictions, tries failed samples again, and replaces
    predictions whose sample has changed under the same id.

    Args:
        engine: by default the bundle's models in this process.
        columns: those of `data` that are called otherwise than docs/data.md says.

    Raises:
        InputError: the file cannot be read at all; `out` is some other file, has predictions of another bundle, cannot
            be written, or is being written by another command.
        BundleError: the loaded models are not those of the bundle.
    """
    engine = engine or local_engine(lambda: Predictor(bundle))
    images = picture_root([data], images)
    with sole_writer(out):
        done = read_done(out, bundle.versions["bundle"])
        unfinished = Unfinished.of(data, bundle.tasks, images, done, columns)
        summary = Summary(kept=len(unfinished.marks) - len(unfinished))
        if unfinished.stale:
            some = ", ".join(sorted(unfinished.stale)[:3])
            log.warning(
                "%s holds %d prediction(s) made of other content under the same id (%s); they are made anew",
                out,
                len(unfinished.stale),
                some,
            )
            _take_out(out, unfinished.stale)
        if len(unfinished):
            append(out)  # before hours of work
            for line in track(engine(bundle, unfinished, images, ocr_file), "predicting", len(unfinished)):
                append(out, line)
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
    """One line per row: first invalid rows, then samples without evidence, then predictions.

    Args:
        cache: as `observe` takes it.
        workers: processes that read pictures, as `observe` takes it.
    """
    yield from (_failure(row_id(row), None, str(row)) for row in chunk if isinstance(row, BadSample))
    samples = {row.id: row for row in chunk if isinstance(row, Sample)}
    evidences, faults = observe(
        list(samples.values()), images, bundle.config.evidence, ocr_file, cache, on_error="collect", workers=workers
    )
    yield from (_failure(id, samples[id].task, message) for id, message in faults)
    for line in predict_rows(predictor, evidences):
        yield line if "error" in line else line | {"content": content_digest(samples[line["id"]], images)}


def predict_rows(predictor: Predictor, evidences: Sequence[Evidence]) -> Iterator[Line]:
    """Predictions as lines; a sample that fails becomes a line with `id`, `task` and `error`."""
    for start in range(0, len(evidences), BATCH):
        batch = evidences[start : start + BATCH]
        try:
            yield from [prediction.to_json() for prediction in predictor.predict(batch)]
        except Exception:  # any error must cost only the sample that causes it: try them one by one
            for evidence in batch:
                yield _predict_one(predictor, evidence)


def _predict_one(predictor: Predictor, evidence: Evidence) -> Line:
    try:
        return predictor.predict([evidence])[0].to_json()
    except KdslError as error:
        message = str(error)
    except Exception as error:  # raised by a library because of this sample; the others are not affected
        log.exception("sample %s", evidence.sample.id)
        message = f"{type(error).__name__}: {error}"
    return _failure(evidence.sample.id, evidence.sample.task, message)


def _failure(id: str, task: str | None, message: str) -> Line:
    return Failure(id=id, task=task, error=message).to_json()


def append(path: Path, *lines: Line) -> None:
    """Append JSON lines and flush them to the file.

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


def read_done(path: Path, bundle: str | None = None) -> dict[str, str]:
    """Id -> content digest of the predictions in an output file ('' if a line has none).

    An incomplete last line and the lines of failed samples are removed from the file, to be predicted again.

    Args:
        bundle: the id of the bundle that must have made them.

    Raises:
        InputError: a line is not a prediction, or is one of another bundle; the file is not changed.
    """
    if not path.is_file():
        return {}
    done: dict[str, str] = {}
    spoilt: set[int] = set()
    for number, line in _numbered(path):
        row = _read_line(path, number, line)
        if "error" in row or not line.endswith(b"\n"):
            spoilt.add(number)
            continue
        made_by = row.get("versions", {}).get("bundle")
        if bundle and made_by != bundle:
            raise InputError(
                f"{path} holds predictions of bundle {made_by}, not of {bundle}. Choose another `out`, or delete "
                "that file."
            )
        done[str(row["id"])] = row.get("content", "")
    if spoilt:
        atomic_write(path, (line for number, line in _numbered(path) if number not in spoilt))
    return done


def _read_line(path: Path, number: int, line: bytes) -> Line:
    """Parse a line of an output; an incomplete line counts as a failure.

    Raises:
        InputError: it is neither a prediction nor a failure.
    """
    try:
        row = json.loads(line)
        _ = row["id"], row.get("versions", {}).get("bundle"), "error" in row or row["label"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if not line.endswith(b"\n") and isinstance(error, ValueError) and line.startswith(OPENING[: len(line)]):
            return {"error": "cut off"}
        raise InputError(
            f"{path}, line {number}: not a prediction ({error!r}). To continue a run, `out` must be its "
            "own file; choose another name."
        ) from error
    return dict(row)


def _take_out(path: Path, ids: Collection[str]) -> None:
    """Rewrite an output without the lines of these ids."""
    atomic_write(path, (line for _, line in _numbered(path) if str(json.loads(line)["id"]) not in ids))


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:  # line by line: it may be larger than memory
        yield from enumerate(file, 1)
