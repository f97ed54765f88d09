"""Texts that a customer can make as long as a request allows are read in a time that grows with their length alone.

With a pattern that parts a run of spaces in every way, each of these takes from minutes to days, and nothing else runs
in the process meanwhile: these tests would not end.
"""

from __future__ import annotations

import pytest

from kdsl.data.dialogue import clean_text, format_turns, parse_turns
from kdsl.data.formats import as_typed
from kdsl.data.sample import Turn
from kdsl.data.speakers import JOINER, stranger

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
