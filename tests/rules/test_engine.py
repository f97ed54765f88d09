"""The engine: equal to conditions evaluated one by one, for scores and for the rules that fired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from helpers.rule_draws import conditions, evidences
from hypothesis import given
from hypothesis import strategies as st

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.engine import Conditions, bit_set, condition_bits, literal_bits, pack, unpack
from kdsl.rules.literals import OcrText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When

LABELS = ("a", "b")


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
