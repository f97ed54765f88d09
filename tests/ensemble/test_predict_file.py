"""Output files survive kills and bad samples, and other files are left alone."""

from __future__ import annotations

import io
import json
import shutil
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
from kdsl.data.prediction import Prediction, bad_file, read_predictions
from kdsl.data.register import Register
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import Job, answers
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.predict_file import SHOWN, Summary, predict_file
from kdsl.ensemble.predictions import append, read_done, writing
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

    def predict():
        arguments = ["--bundle", bundle.folder, "--data", source, "--images", shop, "--ocr", known]
        result = CliRunner().invoke(cli, ["predict", *map(str, arguments), "--out", str(output)])
        return result, read(output) if output.is_file() else []

    return predict, output


def read(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()]


def test_bad_samples_are_set_aside_and_the_rest_goes_on(run, samples: list[Evidence]) -> None:
    predict, output = run
    result, lines = predict()
    assert result.exit_code == 2
    assert [line["id"] for line in lines] == [e.sample.id for e in samples[::4]]
    assert all(line["spend"]["calls"] <= 3 for line in lines)
    gone, away = sorted(read(bad_file(output)), key=lambda line: line["id"], reverse=True)
    assert (gone["id"], gone["where"], gone["task"]) == ("gone", "sample 7", "screen")
    assert "gone.png" in gone["error"]
    assert (away["id"], away["where"]) == ("away", "sample 8")
    assert "leaves the image folder" in away["error"]


def test_a_killed_run_continues_with_nothing_lost_or_doubled(run) -> None:
    predict, output = run
    _, whole = predict()
    cut = output.read_text("utf-8").splitlines(keepends=True)
    output.write_text("".join(cut[:3]) + cut[3][:20], "utf-8")  # killed in the middle of line 4
    _, lines = predict()
    assert output.read_text("utf-8").startswith("".join(cut[:3]))
    assert [line["id"] for line in lines] == [line["id"] for line in whole]
    for line, before in zip(lines, whole, strict=True):
        assert line["label"] == before["label"]
        assert line["probability"] == pytest.approx(before["probability"], abs=1e-4)


def test_what_a_run_has_made_good_stands_in_its_place(run, shop: Path) -> None:
    """Lines that were lost, or set aside, come back where their samples are in the file."""
    predict, output = run
    predict()
    whole = output.read_text("utf-8").splitlines(keepends=True)
    output.write_text("".join([*whole[3:], whole[0]]), "utf-8")
    _, lines = predict()
    assert [line["id"] for line in lines] == [json.loads(line)["id"] for line in whole]


def test_lines_of_kdsl_0_2_that_tell_a_failure_are_tried_again(run) -> None:
    predict, output = run
    predict()
    whole = output.read_text("utf-8").splitlines(keepends=True)
    failed = json.dumps({"id": json.loads(whole[1])["id"], "task": "ask", "error": "picture is missing"}) + "\n"
    output.write_text("".join([whole[0], failed, *whole[2:]]), "utf-8")
    _, lines = predict()
    assert [line["id"] for line in lines] == [json.loads(line)["id"] for line in whole]
    assert all("error" not in line for line in lines)


def test_a_table_of_columns_is_written_and_read_back(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path
) -> None:
    """Parquet in, Parquet out; a further run adds what is new to it."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    asks = [e for e in samples if e.sample.task == "ask"]
    rows = json.loads(input_file(tmp_path / "in.json", asks, []).read_text("utf-8"))
    data, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    known = ocr_file(tmp_path / "ocr.jsonl", samples)
    for count in (4, 6):
        parquet.write_table(arrow.Table.from_pylist(rows[:count]), data)
        found = predict_file(bundle, data, shop, known, out)
        assert (found.predicted, found.kept, found.failed) == ((4, 0, 0) if count == 4 else (2, 4, 0))
    predict_file(bundle, tmp_path / "in.json", shop, known, lines := tmp_path / "out.jsonl")
    expected = list(read_predictions(lines))[:6]
    found = list(read_predictions(out))
    assert [one.id for one in found] == [one.id for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert isinstance(one, Prediction)
        assert one.distribution == pytest.approx(other.distribution, abs=1e-4)
        assert next(iter(one.distribution)) == one.label
        assert (one.label, one.spend, one.versions, one.content) == (
            other.label,
            other.spend,
            other.versions,
            other.content,
        )
        assert one.trace.experts.keys() == other.trace.experts.keys()
    assert sorted(path.name for path in tmp_path.glob("*out.parquet*")) == [".out.parquet.lock", "out.parquet"]


def test_predictions_in_memory_are_continued(tmp_path: Path) -> None:
    """As a cross-validation does it."""
    output = tmp_path / "out.jsonl"
    append(output, {"id": "a", "label": "x"})
    append(output, {"id": "b", "error": "picture is missing"})
    assert read_done(output) == {"a"}
    assert output.read_text("utf-8") == '{"id": "a", "label": "x"}\n'
    with output.open("a") as file:
        file.write('{"id": "b", "label": "')
    assert read_done(output) == {"a"}
    assert output.read_text("utf-8") == '{"id": "a", "label": "x"}\n'


def opened(output: Path, bundle: str = "new") -> None:
    """Begin to write an output, and end at once."""
    with Register() as register, writing(output, bundle, register):
        pass


def test_predictions_of_another_bundle_are_refused_and_left_alone(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    append(output, {"id": "a", "label": "x", "versions": {"bundle": "old"}}, {"id": "b", "error": "picture is missing"})
    append(bad_file(output), {"id": "b", "where": "line 2", "task": None, "error": "picture is missing"})
    before = output.read_bytes(), bad_file(output).read_bytes()
    with pytest.raises(InputError, match="predictions of bundle old, not of new"):
        opened(output)
    assert (output.read_bytes(), bad_file(output).read_bytes()) == before
    opened(output, "old")
    assert output.read_text("utf-8") == '{"id": "a", "label": "x", "versions": {"bundle": "old"}}\n'


def test_a_file_of_somebody_else_is_not_taken_for_the_bad_rows(tmp_path: Path) -> None:
    bad_file(tmp_path / "out.jsonl").write_text("my notes\n")
    with pytest.raises(InputError, match="no list of bad rows"):
        opened(tmp_path / "out.jsonl")
    assert bad_file(tmp_path / "out.jsonl").read_text() == "my notes\n"


def test_an_output_that_cannot_be_written_is_told_before_the_work(run) -> None:
    predict, output = run
    output.mkdir()
    result = predict()[0]
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
        opened(output)
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
        lines = read(out)
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line for line in lines}

    first = predict("one", asks[:3])
    second = predict("two", [asks[0], asks[4], asks[8]])
    assert "2 prediction(s) made of other content, OCR results or rules (id 1, 2)" in caplog.text
    assert second["0"] == first["0"]
    assert {second[i]["content"] for i in "12"}.isdisjoint({first[i]["content"] for i in "12"})
    alone = Predictor(bundle).predict([replace(asks[8], sample=replace(asks[8].sample, id="2"))])[0]
    assert second["2"]["label"] == alone.label
    assert second["2"]["probability"] == pytest.approx(alone.probability, abs=1e-4)


def test_other_given_text_of_a_picture_is_predicted_anew(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path
) -> None:
    first, second, *_ = [e for e in samples if e.sample.task == "screen"]
    source, out = input_file(tmp_path / "in.json", [first, second], []), tmp_path / "out.jsonl"
    known = ocr_file(tmp_path / "ocr.jsonl", samples)

    def predict() -> dict[str, dict[str, Any]]:
        predict_file(bundle, source, shop, known, out)
        return {line["id"]: line for line in read(out)}

    before = predict()
    assert predict() == before
    rows = read(known)
    [corrected] = [row for row in rows if row["image"] == first.sample.images[0]]
    corrected["lines"] = [{"text": "退款", "score": 0.9, "box": [5, 5, 50, 15]}]
    known.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    after = predict()
    assert after[second.sample.id] == before[second.sample.id]
    assert after[first.sample.id]["content"] != before[first.sample.id]["content"]


def test_edited_rules_make_all_predictions_anew(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundle.folder, tmp_path / "bundle"))
    source, out = input_file(tmp_path / "in.json", samples[:2], []), tmp_path / "out.jsonl"
    known = ocr_file(tmp_path / "ocr.jsonl", samples)

    def predict() -> Summary:
        return predict_file(open_bundle(folder), source, shop, known, out)

    assert predict().predicted == 2
    assert predict().kept == 2
    book = folder / "rules" / "screen.yaml"
    book.write_text("# read by the shop keeper\n" + book.read_text("utf-8"), "utf-8")
    assert predict().predicted == 2
    assert predict().kept == 2
    assert {line["versions"]["edited"] for line in read(out)} == {"rules/screen.yaml"}


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
        job = Job(bundle, images, None)
        found = list(answers(predictor, job, rows, keep=True, cache=images / "cache", workers=1))
    assert len(found) == len(rows)
    assert all(
        answer.failed or json.loads(answer.text)["id"] == row.id for row, answer in zip(rows, found, strict=True)
    )
    assert not found[2].failed


def test_a_fault_of_many_rows_is_told_once() -> None:
    summary = Summary()
    for line in range(2, 32):
        summary.fail(f"line {line}", f"picture 'p{line}.png' is missing")
    summary.fail("line 32", "label 'x' is unknown")
    assert summary.failed == 31
    assert summary.faults == ["line 2: picture 'p2.png' is missing [30 times]", "line 32: label 'x' is unknown"]


def test_no_more_kinds_of_fault_are_kept_than_are_shown() -> None:
    summary = Summary()
    for number in range(3 * SHOWN):
        summary.fail(f"line {number}", "x" * (number + 1))
    assert (summary.failed, len(summary.faults)) == (3 * SHOWN, SHOWN)
