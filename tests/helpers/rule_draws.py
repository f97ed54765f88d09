"""Hypothesis strategies for literals of every kind, conditions, and samples on which they often hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from hypothesis import strategies as st

from kdsl.evidence.types import Evidence
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
from kdsl.rules.normalised import PLACES, WHO
from kdsl.rules.rule import When

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
