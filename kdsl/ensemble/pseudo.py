"""Pseudo-labels: samples without a label that a bundle is sure about, written as labelled ones.

A fit on them learns what the bundle believes, right or wrong; the file beside them says where each label is from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdsl.data.files import BadRow, json_rows
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.data.writers import write_mire
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predict_file import Summary, predict_file
from kdsl.errors import InputError
from kdsl.runs import atomic_write


@dataclass(frozen=True)
class PseudoLabels:
    """What was labelled, and what the bundle said of all samples without a label: counts by (task, label)."""

    samples: list[Sample]
    predicted: Counter[tuple[str, str]]
    kept: Counter[tuple[str, str]]
    failed: list[str]


def pseudo_label(
    bundle: Bundle,
    source: Path,
    images: Path,
    ocr_file: Path | None,
    output: Path,
    *,
    min_probability: float,
    per_label: int | None = None,
) -> PseudoLabels:
    """Predict the samples of a file and write the confident ones, labelled, to `output` in MIRE's format.

    Predictions that say 'ask a person' and samples that have a label already are left out. Beside the output come
    `<output>.predictions.jsonl`, which a killed run continues and another threshold reuses, and
    `<output>.origin.jsonl`: probability and bundle of each label written.

    Args:
        min_probability: the least fused, calibrated probability.
        per_label: at most so many samples of a label, the most confident.

    Raises:
        InputError: no sample is that confident, or the predictions there are another bundle's.
    """
    predictions = output.with_name(output.name + ".predictions.jsonl")
    summary: Summary = predict_file(bundle, source, images, ocr_file, predictions)
    unlabelled = {
        row.id: row
        for row in read_rows(source, bundle.tasks, on_unknown_label="keep")
        if isinstance(row, Sample) and row.label is None
    }
    lines = [line for line in _lines(predictions) if line["id"] in unlabelled and "error" not in line]
    chosen = _confident(lines, min_probability, per_label)
    if not chosen:
        best = max((line["probability"] for line in lines if not line["abstained"]), default=0.0)
        raise InputError(
            f"{source}: of {len(lines)} samples without a label, none is predicted with a probability of "
            f"{min_probability} or more (the most confident that does not ask a person has {best:.3f}). "
            "Lower --min-probability, or fit the bundle on more labelled samples."
        )
    origin = [
        {
            "id": line["id"],
            "task": line["task"],
            "label": line["label"],
            "probability": line["probability"],
            "bundle": line["versions"]["bundle"],
        }
        for line in chosen
    ]
    atomic_write(
        output.with_name(output.name + ".origin.jsonl"),
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in origin),
    )
    samples = [replace(unlabelled[line["id"]], label=line["label"]) for line in chosen]
    write_mire(output, samples, bundle.tasks)
    return PseudoLabels(samples, _count(lines), _count(chosen), summary.failed)


def counts_table(found: PseudoLabels) -> Any:
    """Predicted and kept samples of each label as a rich table."""
    from rich.table import Table

    table = Table("task", "label", "predicted", "labelled", box=None)
    for task, label in sorted(found.predicted):
        table.add_row(task, label, str(found.predicted[task, label]), str(found.kept[task, label]))
    return table


def _confident(
    lines: Sequence[Mapping[str, Any]], min_probability: float, per_label: int | None
) -> list[Mapping[str, Any]]:
    """The lines to keep, in their order."""
    sure = [line for line in lines if not line["abstained"] and line["probability"] >= min_probability]
    taken: Counter[tuple[str, str]] = Counter()
    kept = set()
    for line in sorted(sure, key=lambda line: -float(line["probability"])):
        label = line["task"], line["label"]
        if per_label is None or taken[label] < per_label:
            taken[label] += 1
            kept.add(line["id"])
    return [line for line in sure if line["id"] in kept]


def _count(lines: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((line["task"], line["label"]) for line in lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a predictions file; one that a kill cut short is made anew by `predict_file`."""
    return [row.value for row in json_rows(path) if not isinstance(row, BadRow) and isinstance(row.value, dict)]
