"""The engine: equal to conditions evaluated one by one, for scores and for the rules that fired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.engine import Conditions, bit_set, condition_bits, literal_bits, pack, unpack
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
    TurnGroup,
    TurnText,
)
from kdsl.rules.normalised import PLACES, WHO, NormalisedEvidence
from kdsl.rules.rule import Rule, When

LABELS = ("a", "b")
WORDS = ("it", "emi", "wait", "a", "生锈", "锈", "生", "退款", "emi分期", "a12-x", "go it", "¥3", "15", "」")
"""Some lie within others, so that one is found only where a word ends, or overlaps another."""

words = st.sampled_from(WORDS)
places = st.sampled_from([None, *PLACES])
groups = st.lists(words, min_size=1, max_size=3, unique=True).map(
    lambda listed: WordGroup("+".join(listed), tuple(listed))
)
literals = st.one_of(
    st.builds(OcrText, words, places, st.sampled_from(get_args(How))),
    st.builds(TurnText, words, st.sampled_from(WHO), st.sampled_from(["contains", "contains the word"])),
    st.builds(OcrGroup, groups, places),
    st.builds(TurnGroup, groups, st.sampled_from(WHO)),
    st.builds(PictureFact, st.sampled_from(get_args(Fact))),
    st.builds(LineCount, st.sampled_from(get_args(Bound)), st.integers(0, 3)),
    st.builds(OcrPattern, st.sampled_from(sorted(PATTERNS)), st.integers(1, 2)),
    st.builds(Measure, st.sampled_from(MEASURES), st.sampled_from(get_args(Bound)), st.sampled_from([0, 50, 200])),
)
some = st.lists(literals, max_size=2).map(tuple)
conditions = st.builds(When, all=st.lists(literals, min_size=1, max_size=2).map(tuple), any=some, none=some)
texts = st.lists(words | st.sampled_from([" ", "s", "不", "2", "元", "<image>"]), max_size=4).map("".join)


@st.composite
def evidences(draw: Any, make_evidence: Callable[..., Evidence]) -> Evidence:
    turns = draw(st.lists(st.tuples(st.sampled_from(["user", "agent"]), texts), max_size=4))
    made = make_evidence(lines=tuple(draw(st.lists(texts, max_size=6))), turns=tuple(turns))
    pictures = [
        replace(made.pictures[0], facts=replace(made.pictures[0].facts, kind=kind, dark=dark, aspect=aspect))
        for kind, dark, aspect in draw(
            st.lists(
                st.tuples(st.sampled_from(["photo", "screenshot"]), st.booleans(), st.sampled_from([0.4, 2.0])),
                max_size=2,
            )
        )
    ]
    return replace(made, pictures=tuple(pictures))


@given(data=st.data(), whens=st.lists(conditions, max_size=5))
def test_the_engine_is_equal_to_conditions_one_by_one(
    data: st.DataObject, whens: list[When], make_evidence: Callable[..., Evidence]
) -> None:
    samples = data.draw(st.lists(evidences(make_evidence), max_size=4))
    views = [NormalisedEvidence.of(sample) for sample in samples]
    expected = [[when.matches(view) for when in whens] for view in views]
    assert Conditions(whens).matrix(views).tolist() == expected
    single = dict.fromkeys(literal for when in whens for literal in when.literals)
    assert literal_bits(single, views) == {
        literal: bit_set(np.array([literal.matches(view) for view in views], dtype=bool)) for literal in single
    }
    rules = [Rule(id=f"r{i}", label="a", when=when, enabled=i != 1) for i, when in enumerate(whens)]
    book = RuleBook(task="toy", labels=LABELS, rules=tuple(rules))
    for sample, row in zip(samples, expected, strict=True):
        assert [rule.id for rule in book.fired(sample)] == [f"r{i}" for i, held in enumerate(row) if held and i != 1]


def test_many_samples_are_evaluated_in_parts(monkeypatch: pytest.MonkeyPatch, shop: list[Evidence]) -> None:
    views = [NormalisedEvidence.of(evidence) for evidence in shop]
    whens = [When(all=(OcrText("结算"),), none=(OcrText("全选"),)), When(any=(OcrText("退款"), OcrText("领取")))]
    whole = condition_bits(whens, views)
    monkeypatch.setattr("kdsl.rules.engine._CELLS", 64)
    assert condition_bits(whens, views) == whole
    assert [bits.bit_count() for bits in whole] == [sum(when.matches(view) for view in views) for when in whens]


def test_a_changed_book_is_not_evaluated_as_the_old_one(make_evidence: Callable[..., Evidence]) -> None:
    rule = Rule(id="r", label="a", when=When(all=(OcrText("结算"),)))
    book = RuleBook(task="toy", labels=LABELS, rules=(rule,))
    seen = make_evidence(lines=("结算",))
    assert book.fired(seen) == [rule]
    off = rule.model_copy(update={"enabled": False})
    for changed in (book.model_copy(update={"rules": (off,)}), book.with_rules([off])):
        assert changed.fired(seen) == []
        assert np.isnan(changed.scores([seen])).all()
    assert book == RuleBook(task="toy", labels=LABELS, rules=(rule,)), "what is compiled is no part of a book"


@given(st.lists(st.lists(st.booleans(), min_size=70, max_size=70), max_size=3))
def test_bit_sets_unpack_to_what_was_packed(rows: list[list[bool]]) -> None:
    table = np.array(rows, dtype=bool).reshape(len(rows), 70)
    sets = [bit_set(row) for row in table]
    assert (unpack(pack(sets, 70), 70) == table).all()
    assert [bits.bit_count() for bits in sets] == [sum(row) for row in rows]
