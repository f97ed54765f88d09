"""Parquet as a way in and out."""

from __future__ import annotations

import base64
from datetime import date
from pathlib import Path

import pytest
from helpers.own_shop import INTENT, noise

from kdsl.data.files import BadRow, Row
from kdsl.data.parquet import parquet_rows, stored_predictions
from kdsl.data.readers import read_samples
from kdsl.data.rows import expected_rows, file_rows
from kdsl.errors import InputError, MissingDependency

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    parquet.write_table(arrow.Table.from_pylist(rows), path, row_group_size=2)
    return path


def test_rows_are_those_of_json(tmp_path: Path) -> None:
    rows = [
        {"id": f"{number}", "messages": [{"role": "user", "content": f"会生锈吗 {number}"}], "label": None}
        for number in range(5)
    ]
    path = written(tmp_path / "any.name", rows)
    assert list(file_rows(path)) == [Row(f"row {number + 1}", row) for number, row in enumerate(rows)]
    assert expected_rows(path) == 5
    assert [sample.turns[0].text for sample in read_samples(path, [INTENT])] == [f"会生锈吗 {n}" for n in range(5)]


def test_pictures_and_times_become_what_json_can_hold(tmp_path: Path) -> None:
    noise(1).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    path = written(
        tmp_path / "a.parquet",
        [{"image": {"bytes": content, "path": "a.png"}, "pic": content, "day": date(2026, 1, 2)}],
    )
    (row,) = parquet_rows(path)
    encoded = base64.b64encode(content).decode()
    assert row == Row(
        "row 1", {"image": {"bytes": encoded, "path": "a.png"}, "pic": {"bytes": encoded}, "day": "2026-01-02"}
    )


def test_a_text_that_is_not_utf_8_costs_its_row_alone(tmp_path: Path) -> None:
    texts = arrow.array([b"good", b"\xff\xfe", b"fine"]).view(arrow.string())
    parquet.write_table(arrow.table({"text": texts}), tmp_path / "a.parquet")
    first, second, third = parquet_rows(tmp_path / "a.parquet")
    assert (first, third) == (Row("row 1", {"text": "good"}), Row("row 3", {"text": "fine"}))
    assert isinstance(second, BadRow)
    assert second.where == "row 2"


@pytest.mark.parametrize("end", [9, 200, -1])
def test_a_file_that_is_cut_off_is_told(tmp_path: Path, end: int) -> None:
    path = written(tmp_path / "a.parquet", [{"id": str(number), "text": "x"} for number in range(50)])
    path.write_bytes(path.read_bytes()[:end])
    for read in (lambda: list(file_rows(path)), lambda: expected_rows(path)):
        with pytest.raises(InputError, match="cannot be read as Parquet"):
            read()


def test_rows_of_something_else_are_no_predictions(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", [{"id": "a", "text": "x"}])
    with pytest.raises(InputError, match="row 1: is no prediction of kdsl"):
        list(stored_predictions(path))


def test_without_pyarrow_the_command_to_install_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", [{"id": "a", "text": "x"}])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[parquet\]'"):
        list(parquet_rows(path))
