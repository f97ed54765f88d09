"""`kdsl predict`, `ask` and `explain` on a bundle of tiny models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.sample_files import input_file, ocr_file

from kdsl.cli.main import cli
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence


def kdsl(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=stdin)


def test_one_question_is_answered_without_a_file(bundle: Bundle) -> None:
    result = kdsl("ask", "--bundle", bundle.folder, "这个会不会生锈")
    assert result.exit_code == 0, result.output
    label, probability = result.stdout.split()[:2]
    line = json.loads(kdsl("ask", "--bundle", bundle.folder, "这个会不会生锈", "--json").stdout)
    assert (line["label"], f"{line['probability']:.2f}") == (label, probability)
    assert line["id"] == "1"


def test_a_picture_alone_is_a_question_too(bundle: Bundle, samples: list[Evidence]) -> None:
    picture = samples[0].pictures[0].path
    result = kdsl("ask", "--bundle", bundle.folder, "-p", picture, "--explain")
    assert result.exit_code == 0, result.output
    assert "task screen" in result.stdout
    assert "lexical" in result.stdout


def test_a_question_needs_words_or_one_picture(bundle: Bundle) -> None:
    result = kdsl("ask", "--bundle", bundle.folder)
    assert result.exit_code == 2
    assert "Give a TEXT, or one picture with -p" in result.stderr


def test_words_may_come_from_standard_input(bundle: Bundle) -> None:
    piped = kdsl("ask", "--bundle", bundle.folder, "-", "--json", stdin="这个会不会生锈")
    typed = kdsl("ask", "--bundle", bundle.folder, "这个会不会生锈", "--json")
    assert json.loads(piped.stdout)["distribution"] == pytest.approx(json.loads(typed.stdout)["distribution"])


def test_lines_go_through_a_pipe(bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path: Path) -> None:
    data, known = input_file(tmp_path / "in.json", samples[:2], []), ocr_file(tmp_path / "ocr.jsonl", samples)
    words = ["predict", "--bundle", bundle.folder, "--data", "-", "--out", "-", "--images", shop, "--ocr", known]
    result = kdsl(*words, stdin=data.read_text("utf-8"))
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [e.sample.id for e in samples[:2]]


@pytest.fixture(scope="module")
def lines(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "predictions.jsonl"
    asked = kdsl("ask", "--bundle", bundle.folder, "补货吗", "--json").stdout
    path.write_text(asked + json.dumps({"id": "gone", "task": "ask", "error": "picture is missing"}) + "\n", "utf-8")
    return path


def test_a_line_is_explained(lines: Path) -> None:
    result = kdsl("explain", lines, "1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("sample 1, task ask: ")
    assert "model calls: large" in result.stdout
    assert kdsl("explain", "-", "1", stdin=lines.read_text("utf-8")).stdout == result.stdout


@pytest.mark.parametrize(
    ("id", "says"), [("gone", "was not predicted: picture is missing"), ("gonn", "Did you mean gone")]
)
def test_what_cannot_be_explained_is_said(lines: Path, id: str, says: str) -> None:
    result = kdsl("explain", lines, id)
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)


def test_parameters_that_a_message_names_become_flags(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]", "utf-8")
    (tmp_path / "out.jsonl").write_text("a note\n", "utf-8")
    where = ("--data", tmp_path / "in.json", "--out", tmp_path / "out.jsonl")
    error = kdsl("predict", "--bundle", bundle.folder, *where).exception
    assert isinstance(error, InputError)
    assert "To continue a run, --out must be its own file" in str(error)


def test_a_task_file_is_named_as_the_command_takes_it(tmp_path: Path) -> None:
    rows = [
        {"text": text, "label": label, "task": "intent"} for text, label in (("rusts", "是否会生锈"), ("pear", "apple"))
    ]
    (tmp_path / "in.json").write_text(json.dumps(rows), "utf-8")
    where = ("--data", tmp_path / "in.json", "--out", tmp_path / "out")
    for words, said in ((("fit",), "by --task-file."), (("distill-rules",), "by the key 'tasks' of --config.")):
        error = kdsl(*words, *where).exception
        assert isinstance(error, InputError)
        assert said in str(error)


def test_adapters_of_a_bundle_are_listed(bundle: Bundle, tmp_path: Path) -> None:
    result = kdsl("adapters", bundle.folder)
    assert result.exit_code == 0, result.output
    assert "adapters/ask" in result.stdout
    assert "adapters/screen" in result.stdout
    assert isinstance(kdsl("adapters", tmp_path).exception, InputError)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["crossval"], "`kdsl crossval` is called `kdsl experiment crossval` now"),
        (["predict", "--input", "x"], "It is called --data now"),
        (["evaluate", "--report", "x"], "It is called --out now"),
        (["rules", "--lable", "x"], "Did you mean"),
    ],
)
def test_words_of_an_earlier_version_are_answered_with_todays(words: list[str], says: str) -> None:
    result = kdsl(*words)
    assert result.exit_code == 2
    assert says in result.stderr
