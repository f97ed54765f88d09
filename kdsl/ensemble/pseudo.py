"""Pseudo-labels: confident predictions for unlabelled samples, written as labelled samples.

A fit on them also learns the bundle's errors, so a second file records where each label comes from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdsl.data.prediction import Prediction, read_predictions
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.data.writers import write_mire
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predict_file import predict_file
from kdsl.errors import InputError
from kdsl.files import write_jsonl


@dataclass(frozen=True)
class PseudoLabels:
    """The samples that got labels, and counts by (task, label) of all predictions."""

    samples: list[Sample]
    predicted: Counter[tuple[str, str]]
    kept: Counter[tuple[str, str]]
    failed: int
    faults: list[str]
    """The first of the rows that could not be predicted."""


def pseudo_label(
    bundle: Bundle,
    data: Path,
    images: Path,
    ocr_file: Path | None,
    out: Path,
    *,
    min_probability: float,
    per_label: int | None = None,
) -> PseudoLabels:
    """Predict the samples of the file `data` and write the confident ones, labelled, to `out` in MIRE's format.

    Abstentions and samples that already have a label are left out. Two more files are written:
    `<out>.predictions.jsonl`, from which a killed run resumes and which another threshold reuses, and
    `<out>.origin.jsonl`, the probability and bundle of each label.

    Args:
        min_probability: minimum fused, calibrated probability.
        per_label: maximum number of samples per label; the most confident ones are kept.

    Raises:
        InputError: no prediction is that confident, or existing predictions are those of another bundle.
    """
    predictions = out.with_name(out.name + ".predictions.jsonl")
    summary = predict_file(bundle, data, images, ocr_file, predictions)
    unlabelled = {
        row.id: row
        for row in read_rows(data, bundle.tasks, on_unknown_label="keep", columns=bundle.columns_for([data]))
        if isinstance(row, Sample) and row.label is None
    }
    found = [p for p in read_predictions(predictions) if isinstance(p, Prediction) and p.id in unlabelled]
    chosen = _confident(found, min_probability, per_label)
    if not chosen:
        best = max((one.probability for one in found if not one.abstained), default=0.0)
        raise InputError(
            f"{data}: of {len(found)} samples without a label, none is predicted with a probability of "
            f"{min_probability} or more (the most confident that does not ask a person has {best:.3f}). "
            "Lower `min_probability`, or fit the bundle on more labelled samples."
        )
    origin = (
        {"id": p.id, "task": p.task, "label": p.label, "probability": p.probability, "bundle": p.versions["bundle"]}
        for p in chosen
    )
    write_jsonl(out.with_name(out.name + ".origin.jsonl"), origin)
    samples = [replace(unlabelled[one.id], label=one.label) for one in chosen]
    write_mire(out, samples, bundle.tasks)
    return PseudoLabels(samples, _count(found), _count(chosen), summary.failed, summary.faults)


def counts_table(found: PseudoLabels) -> Any:
    """Predicted and kept samples per label, as a rich table."""
    from rich.table import Table

    table = Table("task", "label", "predicted", "labelled", box=None)
    for task, label in sorted(found.predicted):
        table.add_row(task, label, str(found.predicted[task, label]), str(found.kept[task, label]))
    return table


def _confident(found: Sequence[Prediction], min_probability: float, per_label: int | None) -> list[Prediction]:
    """The predictions to keep, in their order."""
    sure = [one for one in found if not one.abstained and one.probability >= min_probability]
    taken: Counter[tuple[str, str]] = Counter()
    kept = set()
    for one in sorted(sure, key=lambda one: -one.probability):
        if per_label is None or taken[one.task, one.label] < per_label:
            taken[one.task, one.label] += 1
            kept.add(one.id)
    return [one for one in sure if one.id in kept]


def _count(found: Sequence[Prediction]) -> Counter[tuple[str, str]]:
    return Counter((one.task, one.label) for one in found)
