"""Only confident predictions become labels, and each label says where it is from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.sample_files import input_file, ocr_file

from kdsl.cli.main import cli
from kdsl.data.prediction import Prediction, Spend, Trace
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import Job
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.pseudo import PseudoLabels, pseudo_label
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence

SAID = {
    # sample of the shop: (label predicted, probability, asks a person)
    "生锈0": ("生锈", 0.99, False),
    "生锈1": ("生锈", 0.90, False),
    "生锈2": ("生锈", 0.97, False),
    "补货0": ("气泡", 0.95, False),
    "补货1": ("补货", 0.96, True),
    "气泡0": ("气泡", 0.50, False),
}


@pytest.fixture
def unlabelled(samples: list[Evidence], bundle: Bundle, tmp_path: Path) -> dict[str, Any]:
    """Arguments of `pseudo_label`: a file without labels whose predictions are there."""
    held = [e for e in samples if e.sample.id in SAID]
    bare = [dataclasses.replace(e, sample=dataclasses.replace(e.sample, label=None)) for e in held]
    data, images = input_file(tmp_path / "new.json", bare, []), held[0].pictures[0].path.parent
    job = Job(bundle, images, ocr_file(tmp_path / "ocr.jsonl", held))
    content = {sample.id: job.content_of(sample) for sample in read_samples(data, bundle.tasks)}
    lines = [
        Prediction(
            id=id,
            task="ask",
            label=label,
            probability=probability,
            distribution={label: probability},
            abstained=asks,
            spend=Spend(calls=0, output_tokens=0, parameters=0),
            trace=Trace(),
            versions={"bundle": bundle.versions["bundle"]},
            content=content[id],
        ).to_json()
        for id, (label, probability, asks) in SAID.items()
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "pseudo.json.predictions.jsonl").write_text(text, "utf-8")
    return {
        "bundle": bundle,
        "data": data,
        "images": images,
        "ocr_file": job.ocr_file,
        "out": tmp_path / "pseudo.json",
    }


def _said(sample: Sample) -> tuple[object, ...]:
    return sample.id, sample.label, sample.images, [(turn.role, turn.text) for turn in sample.turns]


def _labels(found: PseudoLabels) -> dict[str, str | None]:
    return {sample.id: sample.label for sample in found.samples}


def test_confident_predictions_become_samples_with_their_origin(unlabelled: dict[str, Any], bundle: Bundle) -> None:
    found = pseudo_label(**unlabelled, min_probability=0.9)
    assert _labels(found) == {"生锈0": "生锈", "生锈1": "生锈", "生锈2": "生锈", "补货0": "气泡"}
    assert sum(found.predicted.values()) == 6
    output: Path = unlabelled["out"]
    assert [_said(sample) for sample in read_samples(output, bundle.tasks)] == [_said(s) for s in found.samples]
    rows = [json.loads(line) for line in Path(f"{output}.origin.jsonl").read_text("utf-8").splitlines()]
    assert [(row["id"], row["probability"]) for row in rows] == [(id, SAID[id][1]) for id in _labels(found)]
    assert {row["bundle"] for row in rows} == {bundle.manifest["id"]}


def test_what_has_no_prediction_yet_gets_one(unlabelled: dict[str, Any]) -> None:
    file = Path(f"{unlabelled['out']}.predictions.jsonl")
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    found = pseudo_label(**unlabelled, min_probability=0.9)
    assert sum(found.predicted.values()) == 6
    assert {"生锈0", "生锈1", "生锈2", "补货0"} <= set(_labels(found))


def test_per_label_keeps_the_most_confident(unlabelled: dict[str, Any]) -> None:
    found = pseudo_label(**unlabelled, min_probability=0.9, per_label=2)
    assert _labels(found) == {"生锈0": "生锈", "生锈2": "生锈", "补货0": "气泡"}
    assert found.kept["ask", "生锈"] == 2
    assert found.predicted["ask", "生锈"] >= 3


def test_nothing_is_written_where_nothing_is_sure(unlabelled: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"the most confident that does not ask a person has 0\.990"):
        pseudo_label(**unlabelled, min_probability=0.995)
    assert not unlabelled["out"].exists()


def test_predictions_of_another_bundle_are_refused(unlabelled: dict[str, Any]) -> None:
    file = Path(f"{unlabelled['out']}.predictions.jsonl")
    file.write_text(file.read_text("utf-8").replace(unlabelled["bundle"].versions["bundle"], "other", 1), "utf-8")
    with pytest.raises(InputError, match="holds predictions of bundle other"):
        pseudo_label(**unlabelled, min_probability=0.9)


def test_a_label_that_a_person_gave_is_not_touched(
    unlabelled: dict[str, Any], samples: list[Evidence], bundle: Bundle
) -> None:
    held = [e for e in samples if e.sample.id in SAID]  # with their labels
    input_file(unlabelled["data"], held, [])
    with pytest.raises(InputError, match="of 0 samples without a label"):
        pseudo_label(**unlabelled, min_probability=0.9)


def test_the_command_shows_counts_of_each_label(unlabelled: dict[str, Any]) -> None:
    options = {
        "--bundle": unlabelled["bundle"].folder,
        "--data": unlabelled["data"],
        "--images": unlabelled["images"],
        "--ocr": unlabelled["ocr_file"],
        "--min-probability": 0.9,
        "--out": unlabelled["out"],
    }
    result = CliRunner().invoke(
        cli, ["data", "pseudo-label", *(str(part) for pair in options.items() for part in pair)]
    )
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["task", "label", "predicted", "labelled"] in rows
    assert any(row[:2] == ["ask", "生锈"] and row[3] == "3" for row in rows)
