"""Columns that are called otherwise than kdsl knows, in every kind of file, and from fit to report."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from helpers.own_shop import noise

from kdsl import Recognizer
from kdsl.cli.main import cli
from kdsl.data.columns import Columns
from kdsl.data.notes import Notes
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import load_task_files, read_rows, read_samples
from kdsl.errors import InputError

COLUMNS: Columns = {"text": "Frage", "label": "Thema"}
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


def test_a_column_that_is_not_there_is_answered_by_those_that_are(tmp_path: Path):
    with pytest.raises(InputError, match=r"no column 'Farge' for the text; columns found: id, Frage, .*mean Frage\?"):
        read_samples(csv_file(tmp_path), load_task_files([]), {"text": "Farge"})
    with pytest.raises(InputError, match="`columns` names 'picture'; expected text, label, image"):
        read_samples(csv_file(tmp_path), load_task_files([]), {"picture": "Frage"})  # type: ignore[dict-item]


def test_from_check_to_report(tmp_path: Path):
    path = str(csv_file(tmp_path))
    named = ("--text-column", "Frage", "--label-column", "Thema")
    light = ("--set", "large=null", "--set", "small=null")
    out = str(tmp_path / "out")
    lines = str(tmp_path / "lines.jsonl")
    for words in (
        ("data", "check", path, *light, *named),
        ("tasks", "init", "--data", path, *named),
        ("fit", "--data", path, "--out", out, *light, *named),
        ("predict", "--bundle", out, "--data", path, "--out", lines, *named),
        ("evaluate", "--data", path, "--pred", lines, "--out", str(tmp_path / "report"), *named),
    ):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, (words, result.output, result.exception)
    with Recognizer.load(out) as recognizer:
        assert {line["label"] for line in recognizer.predict_lines(path, columns=COLUMNS)} == {"delay", "refund"}
