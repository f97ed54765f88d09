"""Predictions joined with gold samples: each gold sample has exactly one line, or the reader says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.data.files import BadRow, json_rows
from kdsl.data.prediction import Spend, Trace, Vote
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample
from kdsl.errors import InputError, faults_of
from kdsl.tasks import Task

FAILED = ""
"""Stands for the label of a sample that could not be predicted: it is never right."""


class PredictionLine(BaseModel):
    """One line of a file of predictions, by kdsl or another program: all but `id` and `label` may be missing.

    Keys that are not named here are left alone. A whole line that kdsl wrote is a `kdsl.data.prediction.Prediction`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    task: str | None = None
    label: str | None = Field(None, min_length=1)
    probability: float | None = Field(None, ge=0, le=1)
    distribution: dict[str, float] = {}
    abstained: bool = False
    fold: int | None = None
    """The fold that a cross-validation held the sample out in."""
    spend: Spend | None = None
    trace: Trace | Any = Field(None, union_mode="left_to_right")
    """What another program wrote in a form of its own is kept as it is."""
    error: str | None = None
    """Why the sample failed; there is no label then."""


@dataclass(frozen=True)
class Judged:
    """A gold sample and what was predicted for it."""

    sample: Sample
    gold: str
    line: PredictionLine

    @property
    def label(self) -> str:
        """The predicted label; `FAILED` for a failed sample."""
        return FAILED if self.line.error is not None or self.line.label is None else self.line.label

    @property
    def probability(self) -> float | None:
        """Of the label; None where the sample failed, or the predictions came without probabilities."""
        return None if self.failed else self.line.probability

    @property
    def right(self) -> bool:
        """Whether the label is the gold one."""
        return self.label == self.gold

    @property
    def failed(self) -> bool:
        """Whether no label was predicted at all."""
        return self.label == FAILED

    @property
    def trace(self) -> Trace | None:
        """How the prediction came about; None where the line has no trace of kdsl's form."""
        return self.line.trace if isinstance(self.line.trace, Trace) else None

    @property
    def votes(self) -> Mapping[str, Vote]:
        """What each expert said, by its name; empty without a trace."""
        return self.trace.experts if self.trace else {}

    @property
    def gold_probability(self) -> float | None:
        """Of the gold label; None where the distribution does not name it."""
        return self.line.distribution.get(self.gold)

    @property
    def gold_rank(self) -> int | None:
        """The place of the gold label in the distribution, from 1; None where the distribution does not name it."""
        ranked = sorted(self.line.distribution, key=lambda label: -self.line.distribution[label])
        return ranked.index(self.gold) + 1 if self.gold in ranked else None


def read_judged(gold: Path, pred: Path, tasks: Sequence[Task]) -> list[Judged]:
    """Gold samples with their predictions, in the order of the gold file.

    A prediction is a JSON line with `id` and `label`; `probability`, `distribution`, `spend` and `trace` are
    used where they are there. A line with `error` instead of `label` is a failed sample.

    Raises:
        InputError: a file cannot be read; a gold sample has no label; a prediction is malformed, repeated, of
            another task, of an id that gold lacks; or an id of gold has no prediction.
    """
    samples = {sample.id: sample for sample in read_samples(gold, tasks)}
    unlabelled = [id for id, sample in samples.items() if sample.label is None]
    if unlabelled:
        raise InputError(
            f"{gold}: {len(unlabelled)} sample(s) have no label, the first: {unlabelled[0]}; gold needs one each."
        )
    lines = _read_lines(pred)
    unknown = [id for id in lines if id not in samples]
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
    return [_judge(pred, sample, *lines[id]) for id, sample in samples.items()]


def _read_lines(pred: Path) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Id -> (where it stands, the line)."""
    lines: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for row in json_rows(pred):
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
    return Judged(sample, str(sample.label), line)
