"""Texts that a customer can make as long as a request allows are read in a time that grows with their length alone.

With a pattern that parts a run of spaces in every way, each of these takes from minutes to days, and nothing else runs
in the process meanwhile: these tests would not end.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kdsl.data.dialogue import LONGEST, clean_text, format_turns, is_cut, parse_turns
from kdsl.data.formats import as_typed
from kdsl.data.notes import Notes
from kdsl.data.readers import TOO_LONG, read_rows
from kdsl.data.sample import Sample, Turn
from kdsl.data.speakers import JOINER, stranger
from kdsl.recognizer import place
from kdsl.tasks import Task

LETTERS = 200_000
"""Ten turns of the longest kind that the server takes."""


@pytest.mark.parametrize(
    ("head", "run", "tail"),
    [
        ("<img>", " ", ""),
        ("<img>a", " ", "</img"),
        ("<img src=", "a", ""),
        ("<img ", "src=a ", ""),
        ("![", "a", "]"),
        ("Picture 1:", " ", "<img"),
        ("用户", "\u3000", "x"),
        ("用户 10:00", " ", "x"),
        ("[10:00", "\t", "x"),
        ("【用户", " ", "x"),
        ("店长", " ", "x"),
        ("", "\u200b", "x"),
        ("<a b=", "c d=", ""),
        ('"', " ", "<http"),
        ("", "/:", ""),
        ("", "<", "链接"),
    ],
)
def test_a_text_that_nearly_matches_is_read_in_the_end(head: str, run: str, tail: str) -> None:
    text = head + run * (LETTERS // len(run)) + tail
    assert as_typed(text).replace(JOINER, "") == text
    assert stranger(text) is None
    clean = clean_text(text)
    assert clean == " ".join(clean.split())
    written = format_turns([Turn("user", clean, text)])
    assert [turn.role for turn in parse_turns(f"\n{written}")] == ["user"]


def test_a_tag_of_a_picture_may_have_spaces_around_its_path() -> None:
    assert as_typed("<img>  a b.png \n </img>") == f"<{JOINER}img>  a b.png \n </img>"
    assert as_typed("<img> \n </img>") == "<img> \n </img>"


@pytest.mark.parametrize("word", ["rust ", "锈"])
def test_of_a_turn_without_end_the_beginning_is_read_and_that_is_said(word: str, intent: Task, tmp_path: Path) -> None:
    long = "<image>会生锈吗 " + word * LETTERS + "<image>"
    path = tmp_path / "long.jsonl"
    row = {"id": "a", "text": long, "label": "是否会生锈", "images": ["1.png", "2.png"]}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"id": "b", "text": long[:LONGEST]}), "utf-8")
    notes = Notes()
    cut, whole = read_rows(path, [intent], "keep", notes)
    assert notes.lines() == [f"{TOO_LONG} (1 time(s), first in line 1: {cut.turns[0].text[:40]!r})."]
    (turn,) = cut.turns
    assert LONGEST <= len(turn.text) <= LONGEST + 2 * len(" <image> ")
    assert turn.text.count("<image>") == 2
    assert turn.raw == long
    assert whole.turns[0].text == " ".join(long[:LONGEST].replace("<image>", "<image> ").split())
    assert is_cut(turn.raw)
    assert not is_cut(turn.text)
    assert clean_text(turn.text) == turn.text


def test_a_sample_of_python_that_is_cut_is_named(
    intent: Task, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (placed,) = place([Sample.dialogue(["锈" * (LONGEST + 1)], id="q-7")], [intent], tmp_path)
    assert f"sample q-7: {TOO_LONG}" in caplog.text
    assert placed.turns[0].text == "锈" * LONGEST
