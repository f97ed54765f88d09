from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

from kdsl.data import files
from kdsl.data import rows as table_rows
from kdsl.data.encodings import encoding_hint
from kdsl.data.file_kinds import magic
from kdsl.data.files import BadRow, Row, json_rows
from kdsl.data.notes import Notes
from kdsl.data.rows import expected_rows, file_rows
from kdsl.errors import InputError


def values(path: Path) -> list[Any]:
    rows = list(file_rows(path))
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Row)]


def saved(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


BANKING = [
    {"text": "Where can I see my card", "category": "card_arrival"},
    {"text": "I want, please, to link it", "category": "card_linking"},
]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.txt", ",")])
def test_tables_are_read_with_any_delimiter_and_line_end(
    tmp_path: Path, mark: str, end: str, name: str, delimiter: str
):
    lines = ["text,category", "Where can I see my card,card_arrival", '"I want, please, to link it",card_linking', ""]
    text = end.join([lines[0].replace(",", delimiter), lines[1].replace(",", delimiter)])
    text += end + f'"I want, please, to link it"{delimiter}card_linking' + end
    assert values(saved(tmp_path / name, mark + text)) == BANKING


def test_cells_hold_line_breaks_json_and_nothing(tmp_path: Path):
    table = saved(
        tmp_path / "a.csv",
        'id,text,label,images\n1,"one\ntwo\u2028three",,"[""a.jpg"", ""b.jpg""]"\n\n2,x,refund,c.jpg\n',
    )
    assert values(table) == [
        {"id": "1", "text": "one\ntwo\u2028three", "label": None, "images": ["a.jpg", "b.jpg"]},
        {"id": "2", "text": "x", "label": "refund", "images": "c.jpg"},
    ]


def test_columns_without_a_name_are_no_fault_and_what_stands_in_them_is_told(tmp_path: Path):
    assert values(saved(tmp_path / "a.csv", "text,label,,\nok,refund,,\nno,delay,,x\n")) == [
        {"text": "ok", "label": "refund"},
        {"text": "no", "label": "delay", "": "x"},
    ]


def test_a_line_of_another_length_is_a_bad_row_and_the_others_are_read(tmp_path: Path):
    rows = list(file_rows(saved(tmp_path / "a.csv", "text,label\nI want, please,refund\nok,refund\n")))
    assert isinstance(rows[0], BadRow)
    assert rows[0].where == "line 2"
    assert "has 3 cell(s), and the header 2" in rows[0].message
    assert rows[1] == Row("line 3", {"text": "ok", "label": "refund"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,text\na,b\n", "column 'text' stands twice"),
        ('text,label\n"open,refund\n', "no whole table at line 2"),
    ],
)
def test_broken_tables(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        list(file_rows(saved(tmp_path / "a.csv", text)))


def test_a_row_of_a_table_that_is_broken_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table_rows, "_START", 24)  # what is looked at before the first row
    text = b'\xef\xbb\xbftext,label\nok,refund\n"not" whole,refund\nagain,delay\n\xff\xfe,delay\nlast,refund\n'
    good, fault, again, coded, last = file_rows(saved(tmp_path / "a.csv", text))
    assert good == Row("line 2", {"text": "ok", "label": "refund"})
    assert (again.where, last.where) == ("line 4", "line 6")
    assert isinstance(fault, BadRow)
    assert (fault.where, "is no whole row of a table" in fault.message) == ("line 3", True)
    assert isinstance(coded, BadRow)
    assert (coded.where, "is not UTF-8" in coded.message) == ("line 5", True)
    with pytest.raises(InputError, match="not UTF-8: byte 4"):
        list(file_rows(saved(tmp_path / "a.csv", b"a,b\n\xff,c\n")))


def test_a_line_larger_than_any_sample_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "LONGEST", 1000)
    for end in ("\n", "\r"):
        lines = ['{"id": "a"}', '{"id": "b", "text": "' + "x" * 5000 + '"}', '{"id": "c"}', "y" * 1001]
        found = list(json_rows(saved(tmp_path / "a.jsonl", end.join(lines))))
        assert [row.where for row in found] == ["line 1", "line 2", "line 3", "line 4"]
        assert [isinstance(row, BadRow) for row in found] == [False, True, False, True]


def test_a_file_says_about_how_many_rows_it_has(tmp_path: Path):
    assert expected_rows(saved(tmp_path / "a.jsonl", '{"id": 1}\n{"id": 2}\n')) == 2
    assert expected_rows(saved(tmp_path / "a.json", '[{"id": 1}]')) is None
    assert expected_rows(tmp_path) is None


def test_rasas_training_data(tmp_path: Path):
    text = """version: '3.1'
nlu:
- intent: refund
  examples: |
    - give me my money back
    - refund the [red shoes](item) from [monday]{"entity": "day"}
- lookup: item
  examples: |
    - shoes
- intent: yes
  examples:
  - text: |
      sure
  - text: {en: of course}
"""
    assert values(saved(tmp_path / "nlu.yml", text)) == [
        {"text": "give me my money back", "label": "refund"},
        {"text": "refund the red shoes from monday", "label": "refund"},
        {"text": "sure", "label": "yes"},
        {"text": {"en": "of course"}, "label": "yes"},  # the reader of rows says that it is no text
    ]


def _zip(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


def _picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"[]", mtime=0), "compressed by gzip; unpack"),
        (_zip("xl/workbook.xml"), "an Excel workbook"),
        (_zip("train.json"), "a ZIP archive"),
        (b"\0\0\0\x18ftypheic" + bytes(9), "a picture \\(HEIC"),
        (_picture("PNG"), "a picture \\(PNG\\)"),
        (_picture("JPEG"), "a picture \\(JPEG\\)"),
        (_picture("WEBP"), "a picture \\(WebP\\)"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(9), "an old Excel"),
        (b"<!DOCTYPE html><html>", "is HTML or XML"),
        (b"version: 2\nlabels: [a]\n", "is neither JSON nor a table"),
        (b"12/05/2024, 10:11 - Anna: hello\n12/05/2024, 10:12 - Shop: yes\n", "as WhatsApp exports it"),
        (b"[12/05/24, 10:11:03] Anna: hello\n", "as WhatsApp exports it"),
        ("[]".encode("utf-16") + b"a", "It looks like UTF-16\\."),
        ('[{"id": 1}]'.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("[]".encode("utf-32"), "It looks like UTF-32"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, content: bytes, message: str):
    path = saved(tmp_path / "train.dat", content)
    for read in (file_rows, json_rows):
        with pytest.raises(InputError, match=message):
            list(read(path))


def test_yaml_that_is_not_rasas_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="is YAML; expected rows"):
        list(file_rows(saved(tmp_path / "task.yaml", "name: mood\nlabels: []\n")))


@pytest.mark.parametrize("column", ["text", "文本", "问题", "内容", "图片", "照片"])
@pytest.mark.parametrize("more", [{}, {"标签": "rust"}])
def test_a_table_without_an_ending_is_known_by_its_column(tmp_path: Path, column: str, more: dict[str, str]):
    row = {column: "will it rust", **more}
    table = "\n".join((",".join(row), ",".join(row.values()), ""))
    (read,) = file_rows(saved(tmp_path / "standard-input", table.encode()))
    assert isinstance(read, Row)
    assert read.value == row


def test_no_other_reader_takes_a_table_for_json(tmp_path: Path):
    with pytest.raises(InputError, match="is a table \\(CSV\\); expected a JSON list"):
        list(json_rows(saved(tmp_path / "a.csv", "text,label\na,b\n")))


def test_text_is_no_other_kind():
    assert magic(b'[{"id": "a"}]') is None
    assert magic("用户: 退".encode()) is None


@pytest.mark.parametrize(
    ("codec", "text", "hint"),
    [
        ("gb18030", "我要退款，请问什么时候到账", "read as GB18030 (GBK)."),
        ("big5", "我要退款，請問什麼時候到帳", "read as Big5."),
        ("big5", "這個還沒收到貨", "read as Big5."),
        ("shift_jis", "返品したいのですが", "read as Shift JIS."),
        ("cp1252", "é possível trocar? Não está à venda", "Windows-1252"),
    ],
)
def test_encodings_are_told_apart(codec: str, text: str, hint: str):
    assert hint in encoding_hint(f'{{"instruction": "{text}"}}'.encode(codec))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a",}', "a comma stands before the closing bracket"),
        ('{"id": ["a",]}', "a comma stands before the closing bracket"),
        ('{"id": "a"},', "a comma ends the line"),
        ('{"id": "a"} {"id": "b"}', "a second object begins on the line"),
        ("{'id': 'a'}", "single quotes"),
        ('{"id": None}', "a word of Python"),
        ('{"id": "a', "cut off"),
    ],
)
def test_faults_of_json_are_explained(tmp_path: Path, line: str, message: str):
    good = '{"id": "b", "instruction": "x"}'
    fault, row = json_rows(saved(tmp_path / "a.jsonl", f"{line}\n{good}\n"))
    assert isinstance(fault, BadRow)
    assert message in fault.message
    assert isinstance(row, Row)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n "id": "a"\n}\n{\n "id": "b"\n}\n', "holds 2 JSON objects over several lines"),
        ('{\n "id": "a"\n},\n{\n "id": "b"\n}', "holds 2 JSON objects over several lines"),
        ('{\n "data": [\n  {"id": "a"}]\n}', "field 'data' is a list: are these the samples"),
        ('[{"id": "a"},]', "a comma stands before the closing bracket"),
    ],
)
def test_objects_that_take_several_lines(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        list(json_rows(saved(tmp_path / "a.json", text)))


def test_lines_of_old_macs(tmp_path: Path):
    assert values(saved(tmp_path / "a.jsonl", '{"id": "a"}\r{"id": "b"}\r')) == [{"id": "a"}, {"id": "b"}]


def test_the_first_sheet_of_a_workbook(tmp_path: Path):
    book = openpyxl.Workbook()
    for cells in (("text", "label", "image"), ("where is it", 1.0, None), (None, None, None), ("back", 2)):
        book.active.append(cells)
    book.create_sheet("prices").append(["pot", 12])
    book.save(tmp_path / "shop.xlsx")
    notes = Notes()
    assert [(row.where, row.value) for row in file_rows(tmp_path / "shop.xlsx", notes)] == [
        ("row 2", {"text": "where is it", "label": "1", "image": None}),
        ("row 4", {"text": "back", "label": "2", "image": None}),
    ]
    assert "sheets after the first are not read (1 time(s), first in sheet 'prices')" in notes.lines()[0]
    assert notes.lines()[1:] == ["rows without any content are not read (1 time(s), first in row 3)."]


def test_empty_rows_of_a_table_are_noted(tmp_path: Path):
    notes = Notes()
    path = saved(tmp_path / "a.csv", "text,label\na,x\n,\nb,y\n , \n\nc,x\n\n")
    assert [row.where for row in file_rows(path, notes)] == ["line 2", "line 4", "line 7"]
    assert notes.lines() == ["rows without any content are not read (2 time(s), first in line 3)."]


def test_workbooks_that_hold_no_table(tmp_path: Path):
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(InputError, match="its first sheet is empty"):
        list(file_rows(tmp_path / "empty.xlsx"))
    with pytest.raises(InputError, match=r"cannot be read as an Excel workbook.*save the sheet as CSV"):
        list(file_rows(saved(tmp_path / "a.xlsx", _zip("xl/workbook.xml"))))
