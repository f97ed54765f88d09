"""Columns that are called otherwise than kdsl knows, in every kind of file, and from fit to report."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from helpers.corrected_shop import QUICK, correction
from helpers.own_shop import noise

from kdsl import Recognizer
from kdsl.cli.main import cli
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.refit import refit
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.notes import Notes
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import load_task_files, read_rows, read_samples
from kdsl.data.source import DataSource
from kdsl.ensemble.bundle import open_bundle
from kdsl.errors import InputError

COLUMNS: Columns = {"text": "Frage", "label": "Thema"}
NAMED = ("--text-column", "Frage", "--label-column", "Thema")
LIGHT = tuple(word for setting in QUICK for word in ("--set", setting))
HEADER = ("id", "Frage", "Thema", "text", "label")
ROWS = [
    (f"{topic}-{n}", f"{said} {n}", topic, "an internal remark", "open")
    for topic, said in (("delay", "where is my parcel"), ("refund", "give me money back"))
    for n in range(6)
]


def csv_file(folder: Path) -> Path:
    path = folder / "shop.csv"
    path.write_text("\n".join(",".join(row) for row in (HEADER, *ROWS)), "utf-8")
    return path


def tsv_file(folder: Path) -> Path:
    path = folder / "shop.tsv"
    path.write_text("\n".join("\t".join(row) for row in (HEADER, *ROWS)), "utf-8")
    return path


def xlsx_file(folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.save(folder / "shop.xlsx")
    return folder / "shop.xlsx"


def jsonl_file(folder: Path) -> Path:
    path = folder / "shop.jsonl"
    path.write_text("\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS), "utf-8")
    return path


def saved_dataset(folder: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    rows = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    datasets.Dataset.from_list(rows).save_to_disk(str(folder / "shop"))
    return folder / "shop"


@pytest.mark.parametrize("write", [csv_file, tsv_file, xlsx_file, jsonl_file, saved_dataset])
def test_every_kind_of_file_is_read_by_named_columns(write, tmp_path: Path):
    path = write(tmp_path)
    tasks = tasks_for([path], load_task_files([]), COLUMNS)
    assert [task.names for task in tasks] == [("delay", "refund")]
    samples = read_samples(path, tasks, COLUMNS)
    assert [(s.id, s.turns[0].text, s.label) for s in samples] == [row[:3] for row in ROWS]


@pytest.mark.parametrize(("text", "label"), [("文本", "标签"), ("问题", "类别"), ("内容", "意图")])
def test_chinese_columns_are_known(text: str, label: str, tmp_path: Path):
    path = tmp_path / "店铺.csv"
    path.write_text(f"{text},{label}\n什么时候发货,催发货\n怎么退款,退款\n", "utf-8")
    [task] = tasks_for([path], load_task_files([]))
    assert [(s.turns[0].text, s.label) for s in read_samples(path, [task])] == [
        ("什么时候发货", "催发货"),
        ("怎么退款", "退款"),
    ]


def test_columns_that_others_replace_are_told_as_not_read(tmp_path: Path):
    path = csv_file(tmp_path)
    notes = Notes()
    list(read_rows(path, tasks_for([path], load_task_files([]), COLUMNS), notes=notes, columns=COLUMNS))
    assert "field 'text (another column is named)' is not read" in " ".join(notes.lines())


def test_a_picture_column(tmp_path: Path):
    for number in range(4):
        noise(number).save(tmp_path / f"{number}.png")
    path = tmp_path / "photos.csv"
    path.write_text("\n".join(["foto,was", *(f"{n}.png,{('apple', 'pear')[n % 2]}" for n in range(4))]), "utf-8")
    columns: Columns = {"image": "foto", "label": "was"}
    [task] = tasks_for([path], load_task_files([]), columns)
    assert task.input == "picture"
    assert [s.images for s in read_samples(path, [task], columns)] == [(f"{n}.png",) for n in range(4)]


def test_the_command_says_by_which_option_a_column_is_named(tmp_path: Path):
    path = tmp_path / "shop.csv"
    path.write_text("Frage,Thema\nwhere is it,delay\n", "utf-8")
    result = CliRunner().invoke(cli, ["fit", "--data", str(path), "--out", str(tmp_path / "out"), *LIGHT])
    assert isinstance(result.exception, InputError)
    assert "found fields: Frage, Thema. If another one holds the text, name it by --text-column." in str(
        result.exception
    )


def test_a_column_that_is_not_there_is_answered_by_those_that_are(tmp_path: Path):
    with pytest.raises(InputError, match=r"no column 'Farge' for the text; columns found: id, Frage, .*mean Frage\?"):
        read_samples(csv_file(tmp_path), load_task_files([]), {"text": "Farge"})
    with pytest.raises(InputError, match="`columns` names 'picture'; expected text, label, image"):
        read_samples(csv_file(tmp_path), load_task_files([]), {"picture": "Frage"})  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that was fitted on a table with columns of its own; the table lies beside it."""
    folder = tmp_path_factory.mktemp("own-columns")
    path = str(csv_file(folder))
    for words in (
        ("data", "check", path, *LIGHT, *NAMED),
        ("tasks", "init", "--data", path, *NAMED),
        ("fit", "--data", path, "--out", str(folder / "bundle"), *LIGHT, *NAMED),
    ):
        run(*words)
    return folder / "bundle"


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, (words, result.output, result.exception)
    return result.output


def labels(recognizer: Recognizer, path: Path, columns: Columns = AS_KNOWN) -> list[str]:
    return [line.get("label") or line["error"] for line in recognizer.predict_lines(path, columns=columns)]


def test_predictions_and_reports_read_the_columns_of_the_fit(fitted: Path, tmp_path: Path):
    path, lines, bundle = str(fitted.with_name("shop.csv")), str(tmp_path / "lines.jsonl"), str(fitted)
    run("predict", "--bundle", bundle, "--data", path, "--out", lines)
    run("evaluate", "--data", path, "--pred", lines, "--out", str(tmp_path / "own"), "--bundle", bundle)
    run("evaluate", "--data", path, "--pred", lines, "--out", str(tmp_path / "named"), *NAMED)
    figures = [json.loads((tmp_path / name / "metrics.json").read_text("utf-8")) for name in ("own", "named")]
    assert figures[0] == figures[1]
    assert figures[0]["shop"]["n"] == len(ROWS)
    with Recognizer.load(fitted) as recognizer:
        found = labels(recognizer, fitted.with_name("shop.csv"))
        assert found == labels(recognizer, fitted.with_name("shop.csv"), COLUMNS)
        assert set(found) == {"delay", "refund"}
        said = [evidence.sample.turns[0].text for evidence in recognizer.observe(path)]
    assert said == [row[1] for row in ROWS]


def test_columns_of_the_fit_give_way_to_what_a_file_has_and_to_what_is_named(fitted: Path, tmp_path: Path, caplog):
    new, usual, other = (tmp_path / name for name in ("new.csv", "usual.csv", "other.csv"))
    new.write_text("Frage,text\nwhere is my parcel 7,give me money back", "utf-8")  # no label yet
    usual.write_text("text\nwhere is my parcel 7", "utf-8")
    other.write_text("Anliegen,Frage\ngive me money back,where is my parcel 7", "utf-8")
    with Recognizer.load(fitted) as recognizer, caplog.at_level("INFO"):
        assert labels(recognizer, new) == ["delay"]
        assert "the text is read from column 'Frage', as in the fit" in caplog.text
        assert labels(recognizer, new, {"text": "text"}) == ["refund"]
        assert labels(recognizer, usual) == ["delay"]
        assert "there is no column 'Frage', from which the fit read the text: looking for known names" in caplog.text
        assert labels(recognizer, other, {"text": "Anliegen"}) == ["refund"]


def test_a_candidate_is_made_of_the_columns_of_the_fit(fitted: Path, tmp_path: Path):
    feedback = Feedback(tmp_path / "feedback.sqlite")
    feedback.add(correction(1, "where is my parcel 3", "refund"))
    copy = tmp_path / "elsewhere.csv"
    copy.write_bytes(fitted.with_name("shop.csv").read_bytes())
    found = refit(fitted, tmp_path / "feedback.sqlite", tmp_path / "candidate", DataSource([copy]))
    assert (found.relabelled, found.added) == (1, 0)
    assert open_bundle(tmp_path / "candidate").manifest["data"]["columns"] == COLUMNS


@pytest.mark.parametrize("command", [["train-large"], ["adapters", "train-small", "--teacher", "none.jsonl"]])
def test_trainings_of_models_read_named_columns(tmp_path: Path, command: list[str]) -> None:
    data = tmp_path / "shop.csv"
    data.write_text("Frage,Thema,label\nwhere is it,delay,open\nnot here,delay,closed\n", "utf-8")
    result = CliRunner().invoke(cli, [*command, "--data", str(data), *NAMED, "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert "the samples of 'shop' have only the label 'delay' (2 of them)" in str(result.exception)
