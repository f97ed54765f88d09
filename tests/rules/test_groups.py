"""Word groups: literals that name them, and the books that list their words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrGroup, TurnGroup
from kdsl.rules.normalised import PLACES, WHO, NormalisedEvidence
from kdsl.rules.rule import Rule, When

RUST = WordGroup("rust", ("rust", "goes brown", "生锈"))
BOOK = """
task: toy
labels: [rusts, other]
groups:
  Rust: [rust, Goes Brown, 生锈]
  unused: [foam]
rules:
- {id: a, label: rusts, when: {all: [a user turn speaks of 〔rust〕]}}
- {id: b, label: other, when: {all: [an OCR line in the top fifth speaks of 〔RUST〕], none: [a picture is a photo]}}
"""

words = st.sampled_from(["rust", "emi", "会", "生锈", "a", "goes brown", "x1", "12", "锈rust", "no"])
texts = st.lists(words | st.sampled_from([" ", "s", "，", "<image>"]), max_size=6).map("".join)


@given(
    st.lists(words, min_size=1, max_size=4, unique=True).map(lambda listed: WordGroup("g", tuple(listed))),
    st.lists(texts, max_size=5),
    st.lists(st.tuples(st.sampled_from(["user", "agent"]), texts), max_size=3),
)
def test_speaking_of_a_group_is_holding_one_of_its_words(
    make_evidence: Callable[..., Evidence], group: WordGroup, lines: list[str], turns: list[tuple[str, str]]
) -> None:
    view = NormalisedEvidence.of(make_evidence(lines=tuple(lines), turns=tuple(turns)))
    subjects = [("an OCR line", OcrGroup(group))]
    subjects += [(f"an OCR line in the {place} fifth", OcrGroup(group, place)) for place in PLACES]
    subjects += [(str(TurnGroup(group, who)).removesuffix(" speaks of 〔g〕"), TurnGroup(group, who)) for who in WHO]
    for subject, literal in subjects:
        single = [
            parse(f"{subject} {'contains the word' if word.isascii() or 'rust' in word else 'contains'} 「{word}」")
            for word in group.words
        ]
        assert literal.matches(view) == When(any=tuple(single)).matches(view)
        assert set(literal.units(view)) == {unit for one in single for unit in one.units(view)}


def test_words_are_found_as_words_and_characters_anywhere(make_evidence: Callable[..., Evidence]) -> None:
    literal = TurnGroup(RUST)
    for text, holds in (("Will it RUST?", True), ("trusted", False), ("会生锈吗", True), ("it goes  brown", True)):
        assert literal.holds(make_evidence(turns=(("user", text),))) == holds, text
    view = NormalisedEvidence.of(make_evidence(turns=(("user", "rust"), ("agent", "rust"), ("user", "生 锈, rust"))))
    assert literal.units(view) == (("turn", 0, 0), ("turn", 0, 2))
    assert TurnGroup(RUST, "last user").units(view) == (("turn", 0, 2),)


def test_a_book_gives_literals_their_words_and_keeps_groups_that_no_rule_uses(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(BOOK, "utf-8")
    book = RuleBook.load(path)
    assert book.rules[0].when.all == (TurnGroup(RUST),)
    assert book.rules[1].when.all == (OcrGroup(RUST, "top"),)
    assert book.groups == {"rust": RUST.words, "unused": ("foam",)}
    assert book.rules[0].text == "rusts if a user turn speaks of 〔rust〕"
    book.save(path)
    assert RuleBook.load(path) == book
    assert "- a user turn speaks of 〔rust〕" in path.read_text("utf-8")


def test_a_book_made_in_python_lists_the_groups_of_its_literals() -> None:
    rules = (Rule(id="a", label="rusts", when=When(all=(TurnGroup(RUST),))),)
    assert RuleBook(task="toy", labels=("rusts", "other"), rules=rules).groups == {"rust": RUST.words}
    other = When(any=(OcrGroup(WordGroup("rust", ("corrosion",))),))
    with pytest.raises(ValueError, match="'rust' has two different lists of words: rust, goes brown, 生锈; and corr"):
        RuleBook(task="toy", labels=("rusts", "other"), rules=(*rules, Rule(id="b", label="other", when=other)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "Rust: [rust, ",
            "Rusty: [rust, ",
            ["rule 'a': when.all.0: literal 'a user", "no group is called 'rust'. Did you mean rusty?"],
        ),
        (
            "Rust: [rust, Goes",
            "Rust: [goes  brown, Goes",
            ["the word 'goes brown' stands 2 times", "has faults of its"],
        ),
        ("[foam]", "[]", ["groups: group 'unused' has no words"]),
        ("[foam]", "[' ']", ["group 'unused' has a word that is empty"]),
        ("[foam]", "[12]", ["group 'unused': 12 is no text; put it in quotes"]),
        ("[foam]", "foam", ["group 'unused': expected a list of words, found str"]),
        ("unused:", "no:", ["the group's name False is no text; put it in quotes"]),
        ("unused:", "'RUST ':", ["two groups are called 'rust'"]),
        ("unused:", "'[〔]':", ["holds one of 〔〕"]),
        ("unused:", "' ':", ["name ' ' is empty"]),
    ],
)
def test_faults_of_groups_are_told(old: str, new: str, said: list[str], tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(BOOK.replace(old, new), "utf-8")
    with pytest.raises(ConfigError) as error:
        RuleBook.load(path)
    for expected in said:
        assert expected in str(error.value)
