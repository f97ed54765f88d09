"""Text files that are not UTF-8: what is certain is read, with a note, and the rest is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kdsl.data.check import check
from kdsl.data.files import BadRow, Row, json_rows
from kdsl.data.notes import Notes
from kdsl.data.readers import load_task_files, read_samples
from kdsl.data.rows import expected_rows, file_rows
from kdsl.errors import InputError
from kdsl.knowledge.snippets import read_snippets

ROWS = [
    {"text": "我要退款，请问什么时候到账", "label": "退款"},
    {"text": "这个会生锈吗？Q345 的", "label": "是否会生锈"},
    {"text": "还没发货，能换颜色吗", "label": "换货"},
    {"text": "€ 和 㐂 都要能读", "label": "其他"},
]
TABLE = "".join(f"{text},{label}\r\n" for text, label in [("text", "label"), *(row.values() for row in ROWS)])
FILES = {
    "a.csv": TABLE,
    "a.tsv": TABLE.replace(",", "\t"),
    "a.json": json.dumps(ROWS, ensure_ascii=False),
    "a.jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "old-mac.jsonl": "\r".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "rasa.yml": "nlu:\n" + "".join(f"- intent: {row['label']}\n  examples: |\n    - {row['text']}\n" for row in ROWS),
}
CERTAIN = [("gb18030", "GB18030"), ("gbk", "GB18030"), ("utf-16", "UTF-16")]


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def values(path: Path, notes: Notes) -> list[Any]:
    rows = list(file_rows(path, notes))
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Row)]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("codec", "called"), CERTAIN)
def test_a_chinese_file_is_read_and_the_note_says_as_what(tmp_path: Path, name: str, codec: str, called: str) -> None:
    text = FILES[name] if codec != "gbk" else FILES[name].replace("€ 和 㐂", "这")
    notes, none = Notes(), Notes()
    plain = values(saved(tmp_path / name, text.encode()), none)
    assert len(plain) == len(ROWS)
    assert none.lines() == []
    assert values(saved(tmp_path / name, text.encode(codec)), notes) == plain
    assert notes.lines() == [f"{name} is not UTF-8; read as {called}."]


@pytest.mark.parametrize(("codec", "called"), CERTAIN)
def test_files_longer_than_what_is_looked_at(tmp_path: Path, codec: str, called: str) -> None:
    rows = [{"text": f"第{n}件什么时候能发货，颜色还可以换吗" * 20, "label": "发货"} for n in range(4000)]
    listed, lines = json.dumps(rows, ensure_ascii=False), "\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
    for name, text in (("list.json", listed), ("lines.jsonl", lines)):
        path = saved(tmp_path / name, text.encode(codec))
        assert path.stat().st_size > 2 << 20
        assert values(path, Notes()) == rows
    assert expected_rows(tmp_path / "lines.jsonl") == len(rows) - 1  # the last line has no end


def test_every_way_of_reading_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path / "a.json", FILES["a.json"].encode("gb18030"))
    said = "a.json is not UTF-8; read as GB18030"
    assert any(said in note for note in check(path, load_task_files([]), tmp_path).notes)
    caplog.set_level(logging.WARNING, "kdsl")
    assert len(list(json_rows(path))) == len(ROWS)
    assert caplog.text.count(said) == 1
    caplog.clear()
    (tmp_path / "faq").mkdir()
    saved(tmp_path / "faq" / "a.md", "# 会生锈吗\n不会，这个是不锈钢的，请放心，能用很多年".encode("gb18030"))
    saved(tmp_path / "faq" / "b.yaml", "- {title: 怎么退款, text: 在订单里点退款就可以了，钱三天到}".encode("gb18030"))
    assert [found.title for found in read_snippets([tmp_path / "faq"], [], tmp_path)] == ["会生锈吗", "怎么退款"]
    assert "a.md is not UTF-8" in caplog.text
    assert "b.yaml is not UTF-8" in caplog.text


@pytest.mark.parametrize(
    ("codec", "texts"),
    [
        ("big5", ["我要退款，請問什麼時候到帳", "這個還沒收到貨，可以換嗎", "請問多少錢"]),
        ("cp949", ["환불하고 싶은데 언제 입금되나요", "이 제품은 녹이 슬지 않나요", "배송이 언제 되는지 알려주세요"]),
        ("euc_jp", ["返品したいのですが、いつ返金されますか", "色を変えることはできますか", "送料はいくらですか"]),
        ("shift_jis", ["返品したいのですが、いつ返金されますか", "色を変えることはできますか"]),
        ("cp1252", ["Où est mon colis, s'il vous plaît", "Ça m'a coûté très cher", "Größe ändern"]),
        ("cp1250", ["Kiedy wyślecie moją paczkę", "Chcę zwrócić pieniądze"]),
        ("cp1251", ["Когда вернут деньги", "Можно ли поменять цвет"]),
        ("koi8_r", ["Когда вернут деньги", "мама", "Можно ли поменять цвет"]),
        ("gb18030", ["退"]),  # too little to be certain
    ],
)
def test_what_is_not_certain_is_refused(tmp_path: Path, codec: str, texts: list[str]) -> None:
    path = saved(tmp_path / "a.csv", "\n".join(["text,label", *(f"{text},x" for text in texts)]).encode(codec))
    with pytest.raises(InputError, match="is not UTF-8"):
        read_samples(path, load_task_files([]))


def test_a_damaged_file_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    lines = [line.encode() for line in FILES["a.jsonl"].split("\n")]
    lines[1] = lines[1][:14] + lines[1][15:]
    found = list(file_rows(saved(tmp_path / "a.jsonl", b"\n".join(lines))))
    assert [type(row) for row in found] == [Row, BadRow, Row, Row]
    long = (FILES["a.jsonl"] + "\n").encode("gb18030") * 2000
    path = saved(tmp_path / "b.csv", b"text\n" + long + b"\xff\n")
    with pytest.raises(InputError, match=r"b.csv: is not UTF-8: .* It can be read as GB18030 \(GBK\)"):
        list(file_rows(path))
