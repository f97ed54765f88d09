"""Whatever stands in a rule book or in the line of a literal: it is read, or refused in words."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import ConfigError
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import GRAMMAR, parse
from kdsl.rules.groups import WordGroup

KEYS = ("task", "labels", "bias", "groups", "rules", "schema", "without_rules")
RULE_KEYS = ("id", "label", "when", "all", "any", "none", "weight", "enabled", "origin", "how", "stats", "x", "rust")
GROUPS = {"rust": WordGroup("rust", ("rust", "生锈"))}

words = st.sampled_from(("x", "y", "rust", *GRAMMAR)) | st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(RULE_KEYS) | words, inner, max_size=4),
    max_leaves=10,
)
whole = st.fixed_dictionaries(
    {"task": st.just("toy"), "labels": st.just(["x", "y"])}, optional=dict.fromkeys(KEYS[2:], values)
)
lines = st.lists(
    st.sampled_from(
        ("an OCR line", "a user turn", " contains ", " reads ", "「", "」」", "」", "〔rust〕", " at least ", "9")
    )
    | st.text(max_size=6),
    max_size=6,
).map("".join)


def check(text: str) -> None:
    try:
        book = RuleBook.parse(text, "book.yaml")
    except ConfigError as error:
        said = str(error)
    else:
        assert RuleBook.parse(book.text(), "book.yaml") == book
        return
    assert said.startswith("book.yaml: ")


@given(whole | st.dictionaries(st.sampled_from(KEYS) | words, values, max_size=5))
def test_books_of_any_values(book: dict[str, Any]) -> None:
    check(yaml.safe_dump(book, allow_unicode=True))


@given(st.text(st.sampled_from("task:labels[]{}-,&*<>!|'\"#?%@ \n\tx\u2028\0退"), max_size=80) | st.text(max_size=80))
def test_texts_that_are_hardly_yaml(text: str) -> None:
    check(text)
    check(f"task: toy\nlabels: [x, y]\n{text}")


@given(st.sampled_from(GRAMMAR).flatmap(lambda line: words.map(lambda word: line.replace("…", word))) | lines)
def test_lines_that_may_be_literals(line: str) -> None:
    try:
        literal = parse(line, GROUPS)
    except ConfigError as error:
        said = str(error)
    else:
        assert parse(str(literal), GROUPS) == literal
        return
    assert "literal" in said
