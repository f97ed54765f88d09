"""`predict_file`: predicts a file of samples of any length; a run that was killed resumes where it stopped.

The file is read once, row by row. Rows that have a prediction already are passed over, those that are none are set
aside, and the others go to an engine in blocks. What has to be remembered of all rows lies on disk (`Register`); only a
few blocks are in memory, however long the file is.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.folders import picture_root
from kdsl.data.notes import kind_of
from kdsl.data.prediction import Failure
from kdsl.data.readers import BadSample, placed_rows
from kdsl.data.register import Register
from kdsl.data.rows import expected_rows
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import BLOCK, Blocks, Engine, Job, in_this_process
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictions import Predictions, writing
from kdsl.ensemble.predictor import Predictor
from kdsl.progress import counted
from kdsl.runs import sole_writer

log = logging.getLogger(__name__)

CHARACTERS = 1 << 20
"""Text of a block, about: samples of a megabyte each go in blocks of one."""
SHOWN = 10
"""Kinds of faults that a summary names."""


@dataclass
class Summary:
    """The result of predicting a file: lines written, lines kept from an earlier run, rows set aside."""

    predicted: int = 0
    kept: int = 0
    failed: int = 0
    _first: dict[str, str] = field(default_factory=dict)
    _times: Counter[str] = field(default_factory=Counter)

    def fail(self, place: str, error: str) -> None:
        """Count a row that was set aside; the first one of a kind of fault is named."""
        self.failed += 1
        kind = kind_of(error)
        if kind in self._first or len(self._first) < SHOWN:
            self._first.setdefault(kind, f"{place}: {error}")
            self._times[kind] += 1

    @property
    def faults(self) -> list[str]:
        """The first row of each of the first kinds of fault, with the reason, and how many rows have it."""
        return [
            first + (f" [{self._times[kind]} times]" if self._times[kind] > 1 else "")
            for kind, first in self._first.items()
        ]

    @property
    def rows(self) -> int:
        """Rows that are dealt with."""
        return self.predicted + self.kept + self.failed


def predict_file(
    bundle: Bundle,
    data: Path,
    images: Path,
    ocr_file: Path | None,
    out: Path,
    engine: Engine | None = None,
    columns: Columns = AS_KNOWN,
) -> Summary:
    """Predict the samples of the file `data` and write one line each to `out`, in their order.

    Invalid rows and samples whose pictures cannot be read are set aside (`kdsl.data.prediction.bad_file`), and the
    others are predicted. A further run with the same `out` keeps the existing predictions, tries failed samples again,
    and replaces predictions whose sample has changed under the same id, or what `ocr_file` or the bundle's rule books
    say.

    Args:
        engine: by default the bundle's models in this process.
        out: JSON lines, or Parquet where its name ends so.
        columns: those of `data` that are called otherwise than in the fit, or than docs/data.md says.

    Raises:
        InputError: the file cannot be read at all; `out` is some other file, has predictions of another bundle, cannot
            be written, or is being written by another command.
        BundleError: the loaded models are not those of the bundle.
    """
    engine = engine or in_this_process(lambda: Predictor(bundle))
    images, expected = picture_root([data], images), expected_rows(data)
    columns = bundle.columns_for([data], columns)
    with (
        sole_writer(out),
        Register() as register,
        writing(out, bundle.versions["bundle"], register) as written,
        counted("predicting", expected) as count,
    ):
        job = Job(bundle, images, ocr_file)
        run = _Run(written, job)
        rows = placed_rows(data, bundle.tasks, "keep", columns=columns, ids=register)
        for answer in engine(job, in_blocks(run.remaining(rows))):
            run.settle(answer.text, answer.failed)
            count(run.summary.rows)
        if written.outdated:
            log.warning(
                "%s held %d prediction(s) made of other content, OCR results or rules (id %s); they were made anew",
                out,
                written.outdated,
                ", ".join(written.some_outdated),
            )
    return run.summary


class _Run:
    """The rows of a file on their way from being read to being written."""

    def __init__(self, written: Predictions, job: Job) -> None:
        self.summary = Summary()
        self._written, self._job = written, job
        self._waiting: deque[tuple[int, str, Sample]] = deque()

    def remaining(self, rows: Iterable[tuple[str, Sample | BadSample]]) -> Iterator[Sample]:
        """The samples that are to be predicted; rows that are none are set aside."""
        for number, (where, row) in enumerate(rows):
            if isinstance(row, BadSample):
                self._set_aside(where, row.id, None, row.message)
            elif self._written.has(number, row.id, partial(self._job.content_of, row)):
                self.summary.kept += 1
            else:
                self._waiting.append((number, where, row))
                yield row

    def settle(self, text: str, failed: bool) -> None:
        """Write the answer to the next of the samples that wait, or why there is none."""
        number, where, sample = self._waiting.popleft()
        if failed:
            self._set_aside(where, sample.id, sample.task, text)
        else:
            self._written.add(number, text)
            self.summary.predicted += 1

    def _set_aside(self, where: str, id: str | None, task: str | None, error: str) -> None:
        self._written.set_aside(where, id, task, error)
        self.summary.fail(f"{where}{f' (id {id})' if id else ''}", error)


def predicted_lines(
    bundle: Bundle,
    data: Path,
    images: Path,
    ocr_file: Path | None,
    engine: Engine,
    columns: Columns = AS_KNOWN,
) -> Iterator[dict[str, Any]]:
    """The lines that `predict_file` would write, kept nowhere; a row that cannot be predicted is one with `error`."""
    images, columns = picture_root([data], images), bundle.columns_for([data], columns)
    bad: list[Failure] = []
    waiting: deque[Sample] = deque()

    def samples(register: Register) -> Iterator[Sample]:
        for where, row in placed_rows(data, bundle.tasks, "keep", columns=columns, ids=register):
            if isinstance(row, BadSample):
                bad.append(Failure(id=row.id or where, task=None, error=str(row)))
            else:
                waiting.append(row)
                yield row

    with Register() as register:
        for answer in engine(Job(bundle, images, ocr_file), in_blocks(samples(register))):
            sample = waiting.popleft()
            yield from (failure.to_json() for failure in bad)
            bad.clear()
            failure = Failure(id=sample.id, task=sample.task, error=answer.text)
            yield failure.to_json() if answer.failed else json.loads(answer.text)
        yield from (failure.to_json() for failure in bad)


def in_blocks(samples: Iterator[Sample]) -> Blocks:
    """Samples in lists of up to `BLOCK`, or fewer where they hold much text."""
    block: list[Sample] = []
    size = 0
    for sample in samples:
        block.append(sample)
        size += sum(len(turn.raw) for turn in sample.turns)
        if len(block) == BLOCK or size > CHARACTERS:
            yield block
            block, size = [], 0
    if block:
        yield block
