"""OCR results handed in as JSONL: forms of boxes, other sizes, faults with their line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kdsl.errors import InputError
from kdsl.evidence.precomputed import PrecomputedOcr, open_precomputed

POINTS = [[10, 20], [110, 22], [110, 52], [10, 50]]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def row(image: str = "a.jpg", **over: Any) -> dict[str, Any]:
    return {
        "image": image,
        "width": 200,
        "height": 100,
        "lines": [{"text": "领券", "score": 0.9, "box": POINTS}],
    } | over


def test_both_forms_of_boxes(tmp_path: Path) -> None:
    flat = [{"text": "领券", "score": 0.9, "box": [10, 20, 110, 52]}]
    ocr = PrecomputedOcr(write(tmp_path / "o.jsonl", row(), "", row("b/c.jpg", lines=flat), row("d.jpg", lines=[])))
    assert len(ocr) == 3
    assert ocr.lines("a.jpg", 200, 100) == ocr.lines("b/c.jpg", 200, 100)
    assert ocr.lines("a.jpg", 200, 100)[0].box == (10, 20, 110, 52)
    assert ocr.lines("d.jpg", 200, 100) == []
    assert "c.jpg" not in ocr
    assert "./b/c.jpg" in ocr


def test_boxes_follow_the_size_of_the_picture_at_hand(tmp_path: Path) -> None:
    ocr = PrecomputedOcr(write(tmp_path / "o.jsonl", row()))
    assert ocr.lines("a.jpg", 100, 200)[0].box == (5, 40, 55, 104)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "expected an object with 'image'"),
        (json.dumps({"lines": []}), "expected an object with 'image'"),
        (json.dumps({"image": "b.jpg"}), "'lines' of 'b.jpg'"),
        (json.dumps(row("b.jpg", width=0)), "positive whole numbers"),
        (json.dumps(row("b.jpg", width=None)), "positive whole numbers"),
        (json.dumps(row("b.jpg", lines=[{"text": "x", "score": 2, "box": POINTS}])), "text line 1"),
        (json.dumps(row("b.jpg", lines=[{"text": "x", "score": 0.9, "box": [1, 2, 3]}])), "text line 1"),
        (json.dumps(row("b.jpg", lines=[{"text": 5, "score": 0.9, "box": POINTS}])), "text line 1"),
        (json.dumps(row("b.jpg", lines=["x"])), "text line 1"),
        (json.dumps(row("a.jpg")), "stands in line 1 already"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, bad: str, said: str) -> None:
    with pytest.raises(InputError) as fault:
        PrecomputedOcr(write(tmp_path / "o.jsonl", row(), "", bad))
    assert "line 3" in str(fault.value)
    assert said in str(fault.value)


def test_a_file_that_is_not_utf8_or_missing(tmp_path: Path) -> None:
    (tmp_path / "gbk.jsonl").write_bytes(json.dumps(row("图.jpg"), ensure_ascii=False).encode("gbk"))
    with pytest.raises(InputError, match=r"line 1: is not JSON in UTF-8"):
        open_precomputed(tmp_path / "gbk.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        open_precomputed(tmp_path / "none.jsonl")


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "o.jsonl", row())
    first = open_precomputed(path)
    assert open_precomputed(path) is first
    write(path, row(), row("b.jpg"))
    assert "b.jpg" in open_precomputed(path)
