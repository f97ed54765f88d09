"""Output files survive kills and bad samples, and other files are left alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.sample_files import input_file, ocr_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kdsl.cli.main import cli
from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predict_file import append, predict_chunk, predict_file, read_done
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence


@pytest.fixture(scope="module")
def predictor(bundle: Bundle) -> Iterator[Predictor]:
    opened = Predictor(bundle)
    yield opened
    opened.close()


@pytest.fixture
def run(bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path):
    """`kdsl predict` over the samples and two bad rows; returns the click result and the lines written."""
    bad = [
        {"id": "gone", "task": "screen", "images": ["gone.png"], "messages": [{"role": "user", "content": "<image>"}]},
        {"id": "away", "task": "screen", "images": ["../a.png"], "messages": [{"role": "user", "content": "<image>"}]},
    ]
    source = input_file(tmp_path / "in.json", samples[::4], bad)
    known = ocr_file(tmp_path / "ocr.jsonl", samples)
    output = tmp_path / "out.jsonl"

    def predict(read: bool = True):
        arguments = ["--bundle", bundle.folder, "--data", source, "--images", shop, "--ocr", known]
        result = CliRunner().invoke(cli, ["predict", *map(str, arguments), "--out", str(output)])
        return result, [json.loads(line) for line in output.read_text("utf-8").splitlines()] if read else []

    return predict, output


def test_bad_samples_are_recorded_and_the_rest_goes_on(run) -> None:
    predict, _ = run
    result, lines = predict()
    assert result.exit_code == 2
    errors = {line["id"]: line["error"] for line in lines if "error" in line}
    assert set(errors) == {"gone", "away"}
    assert "gone.png" in errors["gone"]
    good = [line for line in lines if "error" not in line]
    assert len(good) == 6
    assert all(line["spend"]["calls"] <= 3 for line in good)


def test_a_killed_run_continues_with_nothing_lost_or_doubled(run) -> None:
    predict, output = run
    _, whole = predict()
    cut = output.read_text("utf-8").splitlines(keepends=True)
    output.write_text("".join(cut[:3]) + cut[3][:20], "utf-8")  # killed in the middle of line 4
    _, lines = predict()
    assert sorted(line["id"] for line in lines) == sorted(line["id"] for line in whole)
    by_id = {line["id"]: line for line in whole}
    for line in lines:
        if "error" not in line:
            assert line["label"] == by_id[line["id"]]["label"]
            assert line["probability"] == pytest.approx(by_id[line["id"]]["probability"], abs=1e-4)


def test_failed_samples_are_tried_again_and_predictions_kept(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    append(output, {"id": "a", "label": "x"})
    append(output, {"id": "b", "error": "picture is missing"})
    assert read_done(output) == {"a": ""}
    assert output.read_text("utf-8") == '{"id": "a", "label": "x"}\n'
    with output.open("a") as file:
        file.write('{"id": "b", "label": "')
    assert read_done(output) == {"a": ""}
    assert output.read_text("utf-8") == '{"id": "a", "label": "x"}\n'


def test_predictions_of_another_bundle_are_refused_and_left_alone(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    append(output, {"id": "a", "label": "x", "versions": {"bundle": "old"}}, {"id": "b", "error": "picture is missing"})
    before = output.read_bytes()
    with pytest.raises(InputError, match="predictions of bundle old, not of new"):
        read_done(output, "new")
    assert output.read_bytes() == before
    assert read_done(output, "old") == {"a": ""}


def test_an_output_that_cannot_be_written_is_told_before_the_work(run) -> None:
    predict, output = run
    output.mkdir()
    result = predict(read=False)[0]
    assert isinstance(result.exception, InputError)
    assert f"{output}: cannot be written: Is a directory" in str(result.exception)


@pytest.mark.parametrize(
    "content",
    ["not json\n", "[1]\n", '{"label": "no id"}\n', "a note", '[{"id": "a"}]', '{"id": "a", "instruction": "x"}'],
)
def test_a_file_that_is_no_output_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    output = tmp_path / "notes.txt"
    output.write_text(content)
    with pytest.raises(InputError, match="line 1: not a prediction"):
        read_done(output)
    assert output.read_text() == content


def test_no_bundle_is_a_clear_error(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_text("[]")
    arguments = ["--bundle", tmp_path / "b", "--data", source, "--images", tmp_path, "--out", tmp_path / "o"]
    result = CliRunner().invoke(cli, ["predict", *map(str, arguments)])
    assert isinstance(result.exception, BundleError)
    assert "the folder that a fit writes" in str(result.exception)


def test_another_text_under_the_same_id_is_predicted_anew(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two days' files that both number from 1, a corrected dialogue, and a picture that was replaced."""
    asks = [e for e in samples if e.sample.task == "ask"]
    out, known = tmp_path / "out.jsonl", ocr_file(tmp_path / "ocr.jsonl", samples)

    def predict(day: str, evidences: list[Evidence]) -> dict[str, dict[str, Any]]:
        numbered = [replace(e, sample=replace(e.sample, id=str(i))) for i, e in enumerate(evidences)]
        predict_file(bundle, input_file(tmp_path / f"{day}.json", numbered, []), shop, known, out)
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line for line in lines}

    first = predict("one", asks[:3])
    second = predict("two", [asks[0], asks[4], asks[8]])
    assert "2 prediction(s) made of other content under the same id (1, 2)" in caplog.text
    assert second["0"] == first["0"]
    assert {second[i]["content"] for i in "12"}.isdisjoint({first[i]["content"] for i in "12"})
    alone = Predictor(bundle).predict([replace(asks[8], sample=replace(asks[8].sample, id="2"))])[0]
    assert second["2"]["label"] == alone.label
    assert second["2"]["probability"] == pytest.approx(alone.probability, abs=1e-4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), cut=st.integers(0, 400), exif=st.binary(max_size=40))
def test_whatever_one_picture_does_every_row_has_one_line(
    bundle: Bundle, predictor: Predictor, content: bytes, cut: int, exif: bytes
) -> None:
    """A picture of arbitrary bytes, of a PNG that is cut off, and of one with arbitrary EXIF, beside a good one."""
    with TemporaryDirectory() as folder:
        images = Path(folder)
        stream = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").resize((28, 56)).save(stream, "PNG", exif=b"Exif\0\0" + exif)
        whole = stream.getvalue()
        for name, written in {"a": content, "b": whole[:cut], "c": whole, "d": whole + content}.items():
            (images / f"{name}.png").write_bytes(written)
        rows = [Sample(name, "screen", (f"{name}.png",), ()) for name in "abcd"]
        lines = list(predict_chunk(predictor, bundle, rows, images, None, images / "cache", workers=1))
    assert sorted(line["id"] for line in lines) == list("abcd")
    assert all(("label" in line) != ("error" in line) for line in lines)
