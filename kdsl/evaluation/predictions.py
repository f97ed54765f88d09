"""Joins predictions with gold samples; each gold sample must have exactly one prediction."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.files import BadRow
from kdsl.data.notes import grouped
from kdsl.data.prediction import Spend, Trace, Vote, prediction_rows
from kdsl.data.readers import BadSample, placed_rows
from kdsl.data.sample import Sample
from kdsl.errors import InputError, faults_of
from kdsl.runs import listed
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FAILED = ""
"""The label of a sample that could not be predicted; it is never right."""
NO_LABEL = "has no label; gold needs one."


class PredictionLine(BaseModel):
    """One line of a file of predictions, by kdsl or another program; all keys but `id` and `label` are optional.

    Other keys are ignored. Lines written by kdsl are `kdsl.data.prediction.Prediction`s.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    task: str | None = None
    label: str | None = Field(None, min_length=1)
    probability: float | None = Field(None, ge=0, le=1)
    distribution: dict[str, float] = {}
    abstained: bool = False
    in_scope: float | None = Field(None, ge=0, le=1)
    out_of_scope: bool = False
    fold: int | None = None
    """The fold of a cross-validation in which the sample was held out."""
    spend: Spend | None = None
    trace: Trace | Any = Field(None, union_mode="left_to_right")
    """Traces of another program in another form are kept unchanged."""
    error: str | None = None
    """Why the sample failed; then there is no label."""


@dataclass(frozen=True)
class Judged:
    """A gold sample and its prediction."""

    sample: Sample
    gold: str
    """The label; for a sample that is marked as out of scope, that mark."""
    line: PredictionLine

    @property
    def label(self) -> str:
        """The predicted label; `FAILED` for a failed sample."""
        return FAILED if self.line.error is not None or self.line.label is None else self.line.label

    @property
    def probability(self) -> float | None:
        """Probability of the predicted label; None if the sample failed or predictions have no probabilities."""
        return None if self.failed else self.line.probability

    @property
    def right(self) -> bool:
        """Whether the predicted label is the gold label."""
        return self.label == self.gold

    @property
    def failed(self) -> bool:
        """Whether there is no predicted label."""
        return self.label == FAILED

    @property
    def trace(self) -> Trace | None:
        """The trace of the prediction; None if the line has no trace in kdsl's form."""
        return self.line.trace if isinstance(self.line.trace, Trace) else None

    @property
    def votes(self) -> Mapping[str, Vote]:
        """Each expert's vote by the expert's name; empty without a trace."""
        return self.trace.experts if self.trace else {}

    @property
    def gold_probability(self) -> float | None:
        """Probability of the gold label; None if the distribution does not include it."""
        return self.line.distribution.get(self.gold)

    @property
    def gold_rank(self) -> int | None:
        """Rank of the gold label in the distribution, from 1; None if the distribution does not include it."""
        ranked = sorted(self.line.distribution, key=lambda label: -self.line.distribution[label])
        return ranked.index(self.gold) + 1 if self.gold in ranked else None


def read_judged(
    gold: Path, pred: Path, tasks: Sequence[Task], columns: Columns = AS_KNOWN
) -> tuple[list[Judged], list[BadSample]]:
    """Gold samples with their predictions, in the order of the gold file, and the rows of gold that were set aside.

    A prediction is a JSON line with `id` and `label`; `probability`, `distribution`, `spend` and `trace` are optional.
    A line with `error` instead of `label` is a failed sample. Rows of gold that cannot be used or have no label are set
    aside with a warning that lists them.

    Args:
        columns: those of `gold` that are called otherwise than docs/data.md says.

    Raises:
        InputError: a file cannot be read, or gold holds no labelled sample; a gold sample has no prediction; or a
            prediction is malformed, repeated, for another task, or for an id that is not in gold.
    """
    samples, bad = _read_gold(gold, tasks, columns)
    left_out = {row.id or row.where for row in bad}
    lines = _read_lines(pred)
    unknown = [id for id in lines if id not in samples and id not in left_out]
    if unknown:
        raise InputError(
            f"{pred}: {len(unknown)} id(s) are not in {gold.name}, the first: {unknown[0]}; "
            "are these the predictions for this gold file?"
        )
    missing = [id for id in samples if id not in lines]
    if missing:
        raise InputError(
            f"{pred}: {len(missing)} of {len(samples)} ids of {gold.name} have no prediction, the first: "
            f"{missing[0]}. Predict the same file again: the missing ones are added."
        )
    return [_judge(pred, sample, *lines[id]) for id, sample in samples.items()], bad


def _read_gold(gold: Path, tasks: Sequence[Task], columns: Columns) -> tuple[dict[str, Sample], list[BadSample]]:
    """The labelled samples by id, and the rows that are none."""
    samples: dict[str, Sample] = {}
    bad: list[BadSample] = []
    for where, row in placed_rows(gold, tasks, columns=columns):
        if isinstance(row, BadSample):
            bad.append(row)
        elif row.label is None and not row.out_of_scope:
            bad.append(BadSample(row.id, where, NO_LABEL))
        else:
            samples[row.id] = row
    if bad and not samples and all(row.message == NO_LABEL for row in bad):
        raise InputError(f"{gold}: {len(bad)} sample(s) have no label, the first: {bad[0].id}; gold needs one each.")
    faults = listed(grouped((fault.where, str(fault)) for fault in bad), rest="`kdsl data check` lists all")
    if not samples:
        raise InputError(f"{gold}: holds no sample." + (f" Rows that cannot be used:\n{faults}" if bad else ""))
    if bad:
        log.warning("%s: %d row(s) cannot be used and count in no figure:\n%s", gold, len(bad), faults)
    return samples, bad


def task_predicted(pred: Path) -> str | None:
    """The task that the predictions of a file name; None where they name none or several.

    Raises:
        InputError: the file cannot be read; or a line is no prediction, or is repeated.
    """
    names = {line.get("task") for _, line in _read_lines(pred).values()} - {None}
    return str(names.pop()) if len(names) == 1 else None


def _read_lines(pred: Path) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Id -> (location in the file, the line)."""
    lines: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for row in prediction_rows(pred):
        if isinstance(row, BadRow):
            raise InputError(f"{pred}, {row.where}: {row.message}")
        line = row.value
        if not isinstance(line, dict) or not isinstance(line.get("id"), str | int):
            raise InputError(f"{pred}, {row.where}: expected a JSON object with 'id' and 'label'.")
        id_ = str(line["id"])
        if id_ in lines:
            raise InputError(f"{pred}, {row.where}: id '{id_}' stands in {lines[id_][0]} already; ids must differ.")
        lines[id_] = row.where, line
    return lines


def _judge(pred: Path, sample: Sample, where: str, value: Mapping[str, Any]) -> Judged:
    place = f"{pred}, {where} (id {sample.id})"
    try:
        line = PredictionLine.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{place}: is not a prediction: {'; '.join(faults_of(error))}.") from error
    if line.label is None and line.error is None:
        raise InputError(f"{place}: has neither 'label' nor, for a failed sample, 'error'.")
    if line.task is not None and line.task != sample.task:
        raise InputError(f"{place}: is a prediction for task '{line.task}', but the gold sample is of '{sample.task}'.")
    return Judged(sample, sample.label or sample.out_of_scope or "", line)
