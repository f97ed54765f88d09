"""What is printed is what is executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.rules.grammar import GRAMMAR, parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import (
    MEASURES,
    PATTERNS,
    Bound,
    Fact,
    How,
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnGroup,
    TurnText,
)
from kdsl.rules.normalised import PLACES, WHO, NormalisedEvidence
from kdsl.words import normalise

texts = st.text(min_size=1, max_size=12).filter(normalise) | st.text("「」 款ＡabＢ①", min_size=1).filter(normalise)
names = texts.filter(lambda name: not set(normalise(name)) & set("〔〕"))
groups = st.builds(WordGroup, names, st.lists(texts, min_size=1, max_size=4, unique_by=normalise).map(tuple))
literals = st.one_of(
    st.builds(OcrGroup, groups, st.sampled_from([None, *PLACES])),
    st.builds(TurnGroup, groups, st.sampled_from(WHO)),
    st.builds(OcrText, texts, st.sampled_from([None, *PLACES]), st.sampled_from(get_args(How))),
    st.builds(TurnText, texts, st.sampled_from(WHO), st.sampled_from(["contains", "contains the word"])),
    st.builds(PictureFact, st.sampled_from(get_args(Fact))),
    st.builds(LineCount, st.sampled_from(get_args(Bound)), st.integers(0, 500)),
    st.builds(Measure, st.sampled_from(MEASURES), st.sampled_from(get_args(Bound)), st.integers(0, 500)),
    st.builds(OcrPattern, st.sampled_from(sorted(PATTERNS)), st.integers(1, 20)),
)


@given(literals)
def test_a_printed_literal_reads_back_to_an_equal_one(literal: RuleLiteral) -> None:
    line = str(literal)
    listed = {literal.group.name: literal.group} if isinstance(literal, OcrGroup | TurnGroup) else {}
    assert parse(line, listed) == literal
    assert str(parse(line, listed)) == line
    assert "\n" not in line


@pytest.mark.parametrize("example", GRAMMAR)
def test_every_form_in_the_grammar_is_read(example: str) -> None:
    line = example.replace("…", "退款")
    assert str(parse(line, {"退款": WordGroup("退款", ("退款", "退钱"))})) == line


def test_texts_match_whatever_their_width_case_and_spacing(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("ＶＩＰ 会 员", "其他"))
    assert parse("an OCR line contains 「vip会」").holds(evidence)
    assert parse("an OCR line reads 「VIP 会员」").holds(evidence)
    assert not parse("an OCR line reads 「vip会」").holds(evidence)


@pytest.mark.parametrize(
    ("phrase", "holds", "fails"),
    [
        ("it", ("where is IT?", "it"), ("I waited", "items", "it2")),
        ("emi", ("emi options", "这款iPhone15的emi分期", "分期(EMI)"), ("premium", "这款premium的", "emit")),
        ("where is", ("where  is it",), ("nowhere is", "whereis", "where it is")),
        ("a12-x", ("A12-X还有货吗", "有没有a12 - x"), ("A12-XL", "BA12-X", "A12X")),
        ("emi分期", ("支持emi 分期吗",), ("premiemi分期",)),
        ("分期", ("emi分期", "分 期"), ("分到期",)),
        ("iphone15", ("这款iPhone15的",), ("iPhone 15", "iphone15pro")),
    ],
)
def test_a_word_is_found_as_a_whole(
    make_evidence: Callable[..., Evidence], phrase: str, holds: tuple[str, ...], fails: tuple[str, ...]
) -> None:
    turn, line = (parse(f"{subject} contains the word 「{phrase}」") for subject in ("a user turn", "an OCR line"))
    for text in holds + fails:
        evidence = make_evidence(lines=(text,), turns=(("user", text),))
        assert turn.holds(evidence) == line.holds(evidence) == (text in holds), text
        assert bool(turn.units(NormalisedEvidence.of(evidence))) == (text in holds)


def test_words_are_printed_as_words() -> None:
    assert str(TurnText("EMI", how="contains the word")) == "a user turn contains the word 「emi」"
    assert str(TurnText("Where  is", how="contains the word")) == "a user turn contains the words 「where is」"
    assert parse("a user turn contains the words 「emi」") == TurnText("emi", how="contains the word")


def test_a_text_without_the_word_is_found_within_words_and_whatever_the_spaces(
    make_evidence: Callable[..., Evidence],
) -> None:
    evidence = make_evidence(lines=("App Store",), turns=(("user", "有30 cm的吗, in stock?"),))
    for line in (
        "a user turn contains 「cm」",
        "a user turn contains 「30cm」",
        "a user turn contains 「instock」",
        "an OCR line contains 「ppstor」",
        "an OCR line reads 「appstore」",
    ):
        assert parse(line).holds(evidence), line


def test_a_text_does_not_match_across_lines_or_turns(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("立即", "购买"), turns=(("user", "会不会"), ("user", "生锈")))
    assert not OcrText("立即购买").holds(evidence)
    assert not TurnText("不会生锈").holds(evidence)


def test_places_are_fifths_of_the_picture(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("甲甲", "乙乙", "丙丙", "丁丁", "戊戊"))
    held = [[OcrText(text * 2, place).holds(evidence) for place in PLACES] for text in "甲乙丙丁戊"]
    assert held == [[row == column for column in range(5)] for row in range(5)]


def test_the_last_user_turn_is_the_last_that_says_something(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(
        turns=(("user", "你好"), ("user", "这个锅会生锈吗"), ("agent", "亲，不会的"), ("user", "<image> <http>"))
    )
    assert TurnText("生锈", "last user").holds(evidence)
    assert not TurnText("生锈", "first user").holds(evidence)
    assert TurnText("生锈", "user").holds(evidence)
    assert not TurnText("生锈", "agent").holds(evidence)
    assert not TurnText("image", "user").holds(evidence)


def test_picture_literals(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("¥12.50", "¥3", "运单号 SF1234567890123", "还剩 3 天"))
    assert OcrPattern("price", 2).holds(evidence)
    assert not OcrPattern("price", 3).holds(evidence)
    assert OcrPattern("tracking number").holds(evidence)
    assert OcrPattern("duration").holds(evidence)
    assert not OcrPattern("long number").holds(evidence)
    assert LineCount("at least", 4).holds(evidence)
    assert not LineCount("at most", 3).holds(evidence)
    assert PictureFact("screenshot").holds(evidence)
    assert not PictureFact("photo").holds(evidence)
    assert Measure("white share", "at least", 80).holds(evidence)
    assert Measure("height over width", "at most", 220).holds(evidence)
    assert not Measure("red share", "at least", 1).holds(evidence)


def test_units_are_those_that_make_a_literal_hold(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("退款金额", "首页", "退款进度"), turns=(("user", "退款呢"),))
    view = NormalisedEvidence.of(evidence)
    assert OcrText("退款").units(view) == (("line", 0, 0), ("line", 0, 2))
    assert TurnText("退款").units(view) == (("turn", 0, 0),)
    for literal in (OcrText("退款"), TurnText("退款")):
        assert literal.holds(evidence)
        assert not literal.holds(evidence.without(literal.units(view)))


def test_a_picture_of_no_height_has_places(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(lines=("退款",))
    flat = replace(evidence, pictures=(replace(evidence.pictures[0], height=0),))
    assert OcrText("退款").holds(flat)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("an OCR lines contains 「退款」", "Did you mean an OCR line contains 「…」?"),
        ("the last user turn contain 「锈」", "Did you mean the last user turn contains 「…」?"),
        ("an OCR line contains 「 」", "is empty once spaces are removed"),
        ("at least 0 OCR lines hold a price", "counted from 1, found 0"),
        ("a user turn speak of 〔rust〕", "Did you mean a user turn speaks of 〔…〕?"),
        ("a user turn speaks of 〔rust〕", "A book lists its groups under `groups`; there: none"),
        ("gibberish", "docs/rules.md"),
    ],
)
def test_a_faulty_line_is_explained(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(line)
    assert said in str(error.value)
    assert line in str(error.value)
