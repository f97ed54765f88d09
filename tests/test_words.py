"""The units of a text: words in scripts with spaces, characters in scripts without."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from kdsl.words import is_word, joined, normalise, pieces, spaced, units, whole_words, words_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where is my order?", ["Where", "is", "my", "order", "?"]),
        ("会不会生锈", ["会", "不", "会", "生", "锈"]),
        ("这款iPhone15的emi分期", ["这", "款", "iPhone15", "的", "emi", "分", "期"]),
        ("A12-X 和 A12-XL", ["A12", "-", "X", "和", "A12", "-", "XL"]),
        ("мой заказ", ["мой", "заказ"]),
        ("दो कमीज़ें", ["दो", "कमीज़ें"]),  # marks belong to their word
        ("반품 신청", ["반품", "신청"]),
        ("コーヒー2杯", ["コ", "ー", "ヒ", "ー", "2", "杯"]),
        ("ส่งฟรี DHL", ["ส", "่", "ง", "ฟ", "ร", "ี", "DHL"]),
    ],
)
def test_the_script_of_each_character_decides(text: str, found: list[str]) -> None:
    assert units(text) == found


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Where  IS\tmy order ", "where is my order"),
        ("ＶＩＰ 会 员", "vip会员"),
        ("iPhone 15 手机", "iphone 15手机"),
        ("加 2 件", "加2件"),
        ("¥ 12", "¥12"),
    ],
)
def test_the_normal_form_has_spaces_between_words_alone(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text())
def test_normal_form_is_stable_and_units_say_all_of_it(text: str) -> None:
    normal = normalise(text)
    assert normalise(normal) == normal
    assert joined(units(normal)) == normal
    assert units(text) == [piece for piece in pieces(text) if not piece.isspace()]
    assert "".join(pieces(text)) == text


def test_a_text_is_written_in_words_if_most_of_its_units_are() -> None:
    assert spaced("Is the 小米 phone in stock?")
    assert not spaced("这款iPhone15ProMax的emi分期")
    assert not spaced("2026-11-27 12:30")
    assert not spaced("")


def test_words_are_found_as_wholes() -> None:
    found = regex.compile(whole_words("emi"), regex.VERSION1).findall
    assert not found("premium") + found("emi2") + found("éemi")
    assert found("这款的emi分期")
    assert regex.compile(whole_words("分期"), regex.VERSION1).findall("emi分期吗")


def test_words_of_a_text_are_those_of_scripts_with_spaces() -> None:
    assert words_of("这款 iPhone15 的 EMI 分期, ok?") == ["iphone15", "emi", "ok"]
    assert [is_word(piece) for piece in ("15", "分", "-", " ")] == [True, False, False, False]
