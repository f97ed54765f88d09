"""Cells that spreadsheets open are no formulas, and can be read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kdsl.data.spreadsheets import as_written, inert


@given(st.text(alphabet="'=+-@＝＋－＠\t\r\na中", max_size=6))
@example("'=1")
def test_every_text_comes_back(text: str) -> None:
    assert as_written(inert(text)) == text
    assert not inert(text).startswith((*"=+-@＝＋－＠", "\t", "\r", "\n"))


@pytest.mark.parametrize("text", ["", "it's", "'tis", "Pot & Lid", "中=文"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert inert(text) == as_written(text) == text
