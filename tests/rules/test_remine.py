"""Mining again keeps what people did to a book."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import InputError
from kdsl.rules.book import RuleBook
from kdsl.rules.book_file import BookFile
from kdsl.rules.groups import WordGroup
from kdsl.rules.history import History
from kdsl.rules.literals import OcrText, RuleLiteral, TurnGroup
from kdsl.rules.remine import remined, save_remined
from kdsl.rules.rule import Origin, Rule, Stats, When, in_order, mined_id

LABELS = ("refund", "rust")
STATS = Stats(support=9, precision=0.9, interval95=(0.6, 1), recall=0.5, conflicts=0)


def when(*words: str | RuleLiteral, none: str = "") -> When:
    literals = [OcrText(word) if isinstance(word, str) else word for word in words]
    return When(all=tuple(literals), none=(OcrText(none),) if none else ())


def mined(label: str, condition: When, weight: float = 1.0, **more: object) -> Rule:
    id = mined_id(label, condition)
    return Rule(id=id, label=label, when=condition, weight=weight, origin=Origin(how="mined"), stats=STATS, **more)  # type: ignore[arg-type]


def book(*rules: Rule, **more: object) -> RuleBook:
    return RuleBook(task="toy", labels=LABELS, rules=rules, **more)  # type: ignore[arg-type]


def test_the_id_of_a_mined_rule_comes_from_what_it_says() -> None:
    assert mined_id("rust", when("a", "b")) == mined_id("rust", when("b", "a"))
    ids = {mined_id(label, one) for label in LABELS for one in (when("a"), when("b"), when("a", none="b"))}
    assert len(ids) == 6
    assert mined_id("rust", when("rust")) == "m-bcf7e1c8", "ids of books that exist must not change"


def test_rules_of_people_stay_and_other_mined_ones_go() -> None:
    hand = Rule(id="mine", label="rust", when=when("brown"), weight=5)
    old = book(mined("rust", when("gone")), mined("rust", when("stays"), 1.0), hand)
    fresh = mined("rust", when("stays"), 2.0)
    found = remined(book(fresh, mined("refund", when("new"))), old)
    assert found.book.rules == (mined("refund", when("new")), fresh, hand)
    assert found.by_hand == ("mine",)
    assert found.lines() == ["rules by hand that were kept (1): mine"]


def test_an_edited_rule_takes_the_place_of_the_mined_one_it_was_made_of() -> None:
    base = mined("rust", when("rust"))
    by_command = base.model_copy(update={"when": when("rust", "pan"), "origin": Origin(how="edited"), "stats": None})
    renamed = by_command.model_copy(update={"id": "pans", "origin": Origin(how="edited", edited_from=base.id)})
    in_the_file = base.model_copy(update={"when": when("rust", "pan")})
    for edited in (by_command, renamed, in_the_file):
        found = remined(book(base, mined("rust", when("other"))), book(edited))
        assert [(rule.id, rule.when) for rule in found.book.rules if rule.when != when("other")] == [
            (edited.id, edited.when)
        ]
        assert found.edited == (edited.id,)
        assert found.replaced == (base.id,)
        assert {rule.origin.how for rule in found.book.rules} == {"edited", "mined"}
    marked = next(rule for rule in found.book.rules if rule.id == base.id)
    assert marked.origin.edited_from == base.id, "what was edited in the file is marked"


def test_a_disabled_rule_stays_disabled_and_is_remembered() -> None:
    off = mined("rust", when("it", "pan"), enabled=False)
    again = mined("rust", When(all=when("pan", "it").all), 4.0)
    first = remined(book(), book(off))
    assert first.book.rules == (off,)
    second = remined(book(again), first.book)
    assert second.book.rules == (off.model_copy(update={"weight": 4.0}),)
    assert second.disabled == (off.id,)


def test_rules_that_were_judged_again_are_as_the_new_book_says() -> None:
    shipped = [Rule(id=name, label="rust", when=when(name), weight=3) for name in ("right", "wrong", "off", "changed")]
    old = book(
        *shipped[:2],
        shipped[2].model_copy(update={"enabled": False}),
        shipped[3].model_copy(update={"when": when("changed", none="not")}),
    )
    measured = shipped[0].model_copy(update={"weight": 2.0, "stats": STATS})
    found = remined(book(measured, *shipped[2:]), old, shipped).book
    assert [(rule.id, rule.weight, rule.enabled) for rule in found.rules] == [
        ("changed", 3, True), ("off", 3, False), ("right", 2.0, True),
    ]  # fmt: skip
    assert found.rules[0].when == when("changed", none="not")


def test_words_that_a_person_may_have_chosen_stay_and_what_goes_is_told() -> None:
    def named(name: str, *words: str) -> RuleLiteral:
        return TurnGroup(WordGroup(name, words))

    hand = Rule(id="mine", label="gone", when=when(named("rust", "rust", "corroded")))
    old = RuleBook(
        task="toy",
        labels=("rust", "gone"),
        rules=(hand, mined("rust", when(named("foam", "foam")))),
        groups={"unused": ("x",)},
    )
    found = remined(book(mined("rust", when(named("rust", "rust", "rusty")))), old)
    assert found.book.groups == {"rust": ("rust", "corroded"), "unused": ("x",)}
    assert found.book.rules[0].when.groups == (WordGroup("rust", ("rust", "corroded")),)
    assert found.lines() == [
        "rules of yours NOT kept, because the task no longer has their labels (1): mine",
        "groups that keep their words, although mining found others (1): rust",
        "groups that went with the mined rules that named them; the history has them (1): foam",
    ]
    with pytest.raises(InputError, match="of task 'toy' cannot take the place of one of task 'other'"):
        remined(old, RuleBook(task="other", labels=LABELS))


words = st.sampled_from("abc")


def rule_of(label: str, said: list[str], how: str, enabled: bool, id: str) -> Rule:
    rule = mined(label, when(*said), enabled=enabled).model_copy(update={"origin": Origin(how=how)})  # type: ignore[arg-type]
    return rule.model_copy(update={"id": id}) if how == "hand" else rule


drawn = st.builds(
    rule_of,
    st.sampled_from(LABELS),
    st.lists(words, min_size=1, max_size=2, unique=True),
    st.sampled_from(["mined", "hand", "edited"]),
    st.booleans(),
    st.sampled_from(["x", "y", "z"]),
)
books = st.lists(drawn, max_size=5, unique_by=lambda rule: rule.id).map(lambda rules: book(*rules))


@given(new=books, old=books)
def test_mining_again_with_the_same_result_changes_nothing(new: RuleBook, old: RuleBook) -> None:
    only_mined = new.with_rules(rule for rule in new.rules if rule.origin.how == "mined" and rule.enabled)
    first = remined(only_mined, old).book
    assert remined(only_mined, first).book == first
    people = [rule for rule in old.rules if rule.origin.how != "mined" or not rule.enabled]
    assert {rule.id for rule in people} <= {rule.id for rule in first.rules}
    assert first.rules == tuple(in_order(first.rules, LABELS))


def test_the_file_keeps_its_comments_and_its_history(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    hand = Rule(id="mine", label="rust", when=when("brown"))
    book(mined("rust", when("rust"), 1.0), hand).save(path)
    path.write_text(path.read_text("utf-8").replace("- id: mine", "# asked by Ms Li\n- id: mine"), "utf-8")
    save_remined(book(mined("rust", when("rust"), 2.0), mined("refund", when("money"))), BookFile.load(path))
    assert "# asked by Ms Li\n- id: mine" in path.read_text("utf-8")
    assert [rule.weight for rule in RuleBook.load(path).rules] == [1.0, 2.0, 3.0]
    assert [version.command for version in History(path).versions] == ["found", "distill-rules"]
    save_remined(RuleBook.load(path), BookFile.load(path))
    assert len(History(path).versions) == 2, "the same book again is no version"
    wider = RuleBook(task="toy", labels=(*LABELS, "foam"), rules=(mined("foam", when("foam")),))
    save_remined(wider, BookFile.load(path))
    assert RuleBook.load(path) == wider.with_rules([hand, *wider.rules])
