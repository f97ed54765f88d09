"""What rules find in samples, and what a book is worth on labelled ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.collection import Rules
from kdsl.rules.explain import explain, samples_of
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrText, TurnGroup, TurnText
from kdsl.rules.rule import Rule, Stats, When
from kdsl.rules.testing import measure_book
from kdsl.tasks import Task

LABELS = ("RUST", "PARCEL", "生锈")


@pytest.fixture
def book() -> RuleBook:
    rust = When(all=(TurnText("rust", how="contains the word"),), none=(TurnText("trust", how="contains the word"),))
    parcel = When(
        all=(TurnText("where is"), TurnText("parcel", how="contains the word")),
        any=(TurnText("late"), TurnText("lost")),
    )
    return RuleBook(
        task="ask",
        labels=LABELS,
        rules=(
            Rule(id="rust", label="RUST", when=rust, weight=2),
            Rule(id="parcel", label="PARCEL", when=parcel),
            Rule(id="rust-zh", label="生锈", when=When(all=(TurnText("生锈"), TurnText("锅")))),
            Rule(id="off", label="生锈", when=When(all=(TurnText("rust"),)), enabled=False),
        ),
    )


def test_explain_names_what_fired_and_the_literal_that_failed(
    book: RuleBook, make_evidence: Callable[..., Evidence]
) -> None:
    asked = make_evidence(
        turns=(("user", "Where is my PARCEL?"), ("agent", "Rust? Ｒｕｓｔ!"), ("user", "Will it Rust or not"))
    )
    found = explain(book, asked)
    assert [one.id for one in found.fired] == ["rust"]
    (held,) = [one for one in found.fired[0].readings if one.holds]
    assert [(one.where, one.marked) for one in held.found] == [("turn 3 (user)", "Will it 【Rust】 or not")]
    assert [(one.id, [failed.literal for failed in one.failed]) for one in found.nearly] == [
        ("parcel", ["a user turn contains 「late」", "a user turn contains 「lost」"])
    ]
    assert (found.predicted, found.label) == ("RUST", None)
    nothing = explain(book, make_evidence(turns=(("user", "I trust you: no rust?"),)))
    assert (nothing.predicted, nothing.probability, nothing.fired) == (None, None, ())
    (near,) = nothing.nearly
    assert (near.id, near.failed[0].part, near.failed[0].found[0].marked) == (
        "rust",
        "none",
        "I 【trust】 you: no rust?",
    )


def test_explain_reads_chinese(book: RuleBook, make_evidence: Callable[..., Evidence]) -> None:
    found = explain(book, make_evidence(turns=(("user", "这个水壶会 生 锈吗"),)))
    (near,) = found.nearly
    assert [failed.literal for failed in near.failed] == ["a user turn contains 「锅」"]
    assert near.readings[0].found[0].marked == "这个水壶会 【生 锈】吗"


def test_a_word_within_a_word_is_not_marked(book: RuleBook, make_evidence: Callable[..., Evidence]) -> None:
    found = explain(book, make_evidence(turns=(("user", "rusty? rust."),)))
    assert found.fired[0].readings[0].found[0].marked == "rusty? 【rust】."


def test_a_word_behind_one_that_ends_as_it_begins_is_marked(make_evidence: Callable[..., Evidence]) -> None:
    rule = Rule(id="aa", label="RUST", when=When(all=(TurnText("aa", how="contains the word"),)))
    book = RuleBook(task="ask", labels=LABELS, rules=(rule,))
    found = explain(book, make_evidence(turns=(("user", "xaaa aa"),)))
    assert found.fired[0].readings[0].found[0].marked == "xaaa 【aa】"


def test_the_words_of_a_group_are_marked(make_evidence: Callable[..., Evidence]) -> None:
    group = WordGroup("rust", ("rust", "brown spots", "spots", "生锈", "锈吗"))
    rule = Rule(id="rust", label="RUST", when=When(all=(TurnGroup(group),)))
    book = RuleBook(task="ask", labels=LABELS, rules=(rule,))
    found = explain(book, make_evidence(turns=(("user", "rusty, with brown  spots, 会生锈吗?"),)))
    assert found.fired[0].readings[0].found[0].marked == "rusty, with 【brown  spots】, 会【生锈吗】?"


def test_right_wrong_and_missed_samples(book: RuleBook, make_evidence: Callable[..., Evidence]) -> None:
    samples = [
        make_evidence("a", "RUST", turns=(("user", "rust?"),), task="ask"),
        make_evidence("b", "PARCEL", turns=(("user", "my parcel has rust"),), task="ask"),
        make_evidence("c", "RUST", turns=(("user", "brown spots"),), task="ask"),
        make_evidence("d", None, turns=(("user", "rust"),), task="ask"),
        make_evidence("e", "RUST", turns=(("user", "rust"),), task="other"),
    ]
    found = samples_of(book, book.rules[0], samples)
    assert found.n == 3
    assert [one.id for one in found.right] == ["a"]
    assert [(one.id, one.label) for one in found.wrong] == [("b", "PARCEL")]
    assert found.missed == ("c",)


def test_a_book_is_measured_exactly(shop: list[Evidence], toy: Task) -> None:
    book = RuleBook(
        task="toy",
        labels=toy.names,
        rules=(
            Rule(id="a", label="购物车", when=When(all=(OcrText("结算"),))),
            Rule(id="b", label="退款", when=When(all=(OcrText("结算"), OcrText("合计")))),
        ),
    )
    settles = [e for e in shop if "结算" in e.ocr_text]
    both = [e for e in settles if "合计" in e.ocr_text]
    found = measure_book(book, shop)
    a, b = found.rules
    assert (a.support, a.correct, a.incorrect) == (len(settles), len(settles), 0)
    assert (a.overlaps, a.conflicts) == (len(both), len(both))
    assert a.coverage == pytest.approx(len(settles) / 60)
    assert a.recall == pytest.approx(len(settles) / 20)
    assert (b.correct, b.incorrect, b.precision, b.fidelity) == (0, len(both), 0.0, None)
    assert found.coverage == pytest.approx(len(settles) / 60)
    # where both fire the labels tie, and the first label of the task wins
    assert found.accuracy == pytest.approx(len(settles) / 60)
    share = len(settles) / 20  # of the 20 samples of the only label that is ever predicted, always rightly
    assert found.f1 == pytest.approx(2 * share / (1 + share) / 3)
    assert measure_book(book, []).coverage == 0.0


def test_books_are_found_by_file_bundle_and_task(book: RuleBook, tmp_path: Path) -> None:
    book.save(tmp_path / "rules" / "ask.yaml")
    assert dict(Rules.open(bundle=tmp_path)) == {"ask": book}
    assert dict(Rules.open(tmp_path / "rules" / "ask.yaml", task="ask")) == {"ask": book}
    assert list(Rules.open()) == ["intent", "scene"]
    with pytest.raises(InputError, match="Did you mean scene"):
        Rules.open(task="scenes")
    with pytest.raises(InputError, match="give one"):
        Rules.open(tmp_path, tmp_path)
    with pytest.raises(InputError, match=r"rules/\*\.yaml"):
        Rules.open(bundle=tmp_path / "rules")


def test_rules_are_filtered_and_sorted(book: RuleBook, tmp_path: Path) -> None:
    known = [Stats(support=n, precision=p, interval95=(0, 1), recall=0, conflicts=0) for n, p in ((9, 0.5), (3, 1.0))]
    first, second, *rest = book.rules
    first, second = (
        rule.model_copy(update={"stats": stats}) for rule, stats in zip((first, second), known, strict=True)
    )
    book.model_copy(update={"rules": (first, second, *rest)}).save(tmp_path / "ask.yaml")
    rules = Rules.open(tmp_path / "ask.yaml")

    def ids(**chosen: object) -> list[str]:
        return [entry.rule.id for entry in rules.list(**chosen)]  # type: ignore[arg-type]

    assert ids() == ["rust", "parcel", "rust-zh", "off"]
    assert ids(sort="precision") == ["parcel", "rust", "rust-zh", "off"]
    assert ids(sort="support", label="RUST") == ["rust"]
    assert ids(sort="weight")[-1] == "rust"
    assert ids(min_precision=0.6) == ["parcel"]
    assert ids(min_support=9) == ["rust"]
    assert ids(origin="mined") == []
