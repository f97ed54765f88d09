"""Rule books in other forms, which must say the same and let no text out of its place."""

from __future__ import annotations

import csv
import io
import itertools
import sqlite3
from collections.abc import Callable

import numpy as np
import pytest

from kdsl.evidence.types import Evidence
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.export import to_csv, to_html, to_markdown
from kdsl.rules.export_sql import sql_row, to_sql
from kdsl.rules.grammar import GRAMMAR, parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import RuleLiteral
from kdsl.rules.rule import Rule, Stats, When

NASTY = "<script>alert('x')</script> | 100%_\\"
LABELS = (NASTY, "it's rust", "生锈", "none; DROP TABLE samples; --")
GROUPS = {"rust": WordGroup("rust", ("rust", "brown spot's", "锈"))}


def lit(*lines: str) -> tuple[RuleLiteral, ...]:
    return tuple(parse(line, GROUPS) for line in lines)


@pytest.fixture(scope="module")
def book() -> RuleBook:
    whens = (
        (NASTY, When(all=lit("a user turn contains 「100%」", "the last user turn contains the word 「it」")), 1.5),
        (NASTY, When(any=lit("a user turn contains 「a_b」", "an OCR line reads 「o'clock」")), 0.7),
        ("it's rust", When(all=lit("a user turn speaks of 〔rust〕"), none=lit("an agent turn contains 「!」")), 2.0),
        ("生锈", When(all=lit("the first user turn contains 「生锈」")), 2.0),
        (
            "生锈",
            When(all=lit("an OCR line in the bottom fifth contains 「结算」", "there are at least 2 OCR lines")),
            1.0,
        ),
        (LABELS[3], When(all=lit("a user turn contains the words 「how much」", "an OCR line holds a price")), 3.0),
        (LABELS[3], When(all=lit("a user turn contains 「new」")), 0.25),
        (LABELS[3], When(all=lit("a user turn contains 「axb」"), none=lit("a picture is dark")), 0.5),
    )
    rules = [Rule(id=f"r{i}", label=label, when=when, weight=weight) for i, (label, when, weight) in enumerate(whens)]
    off = Rule(id="off", label="生锈", when=When(all=lit("a user turn contains 「a」")), weight=99, enabled=False)
    stats = Stats(support=7, precision=0.5, interval95=(0.2, 0.8), recall=0.25, conflicts=1)
    rules[1] = rules[1].model_copy(update={"stats": stats})
    return RuleBook(task="ask", labels=LABELS, bias={"生锈": 0.1}, rules=(*rules, off))


@pytest.fixture(scope="module")
def samples(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    said = (
        "100% it",
        "100 it",
        "100% waited",
        "axb",
        "a_b",
        "Brown spot's?",
        "会生锈吗",
        "how much new",
        "HOW MUCH?",
        "new",
    )
    read = ((), ("O'Clock", "结算"), ("it's o'clock",), ("结算", "x"), ("¥9", "x", "去结算"))
    agents = ("hello", "no!")
    return [
        make_evidence(f"s'{i}", lines=lines, turns=(("user", text), ("agent", agent), ("user", last)))
        for i, (text, lines, agent, last) in enumerate(itertools.product(said, read, agents, ("ok", "is it", "锈")))
    ]


def asked(book: RuleBook, samples: list[Evidence], without: tuple[str, ...] = ()) -> dict[str, tuple[str | None, int]]:
    """What the query of a book says in a database: id -> label, undecided. Columns that begin so are left NULL."""
    rows = [sql_row(sample) for sample in samples]
    values = [[None if name.startswith(without) else value for name, value in row.items()] for row in rows]
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE samples ({', '.join(rows[0])})")
        database.executemany(f"INSERT INTO samples VALUES ({', '.join('?' * len(rows[0]))})", values)
        found = database.execute(to_sql(book)).fetchall()
        assert database.execute("SELECT count(*) FROM samples").fetchone() == (len(samples),)
    return {id: (label, undecided) for id, label, undecided in found}


def said(book: RuleBook, samples: list[Evidence]) -> dict[str, str | None]:
    scores = book.scores(samples)
    best = [None if np.isnan(row).any() else book.labels[int(row.argmax())] for row in scores]
    return {sample.sample.id: label for sample, label in zip(samples, best, strict=True)}


def test_sql_says_what_the_book_says(book: RuleBook, samples: list[Evidence]) -> None:
    found = asked(book, samples)
    assert {id: label for id, (label, _) in found.items()} == said(book, samples)
    assert not any(undecided for _, undecided in found.values())
    assert {None, *LABELS} == {label for label, _ in found.values()}
    nothing = asked(book.model_copy(update={"rules": ()}), samples)
    assert set(nothing.values()) == {(None, 0)}


def test_sql_of_a_long_book_is_not_too_deep_for_a_database(samples: list[Evidence]) -> None:
    rules = [
        Rule(id=f"r{i}", label=LABELS[i % 4], when=When(all=lit(f"a user turn contains 「{text}」")), weight=1 + i / 8)
        for i, text in enumerate(["new", "100", "锈", *(f"x{i}" for i in range(1200))])
    ]
    long = RuleBook(task="ask", labels=LABELS, rules=tuple(rules))
    some = samples[::12]
    assert {id: label for id, (label, _) in asked(long, some).items()} == said(long, some)


def test_sql_leaves_open_what_a_missing_column_decides(book: RuleBook, samples: list[Evidence]) -> None:
    found, expected = asked(book, samples, ("picture_", "ocr_lines_with_")), said(book, samples)
    decided = {id: label for id, (label, undecided) in found.items() if not undecided}
    assert decided == {id: expected[id] for id in decided}
    assert {None, *LABELS} == set(decided.values())
    assert 0 < len(decided) < len(samples)
    assert all(label is None for label, undecided in found.values() if undecided)
    assert "--   ocr_lines_with_price: OCR lines that hold such a form\n" in to_sql(book)


@pytest.mark.parametrize("name", ["scene", "intent"])
def test_sql_of_the_shipped_books_says_what_they_say(name: str, samples: list[Evidence]) -> None:
    book = RuleBook.load(resource(f"rules/{name}.yaml"))
    assert asked(book, samples) == {id: (label, 0) for id, label in said(book, samples).items()}


def test_sql_knows_every_form_of_literal(samples: list[Evidence]) -> None:
    lines = [line.replace("「…」", "「结算」").replace("〔…〕", "〔rust〕") for line in GRAMMAR]
    bare = Evidence(samples[0].sample, ())
    for line in lines:
        rule = Rule(id="r", label="a", when=When(all=lit(line)))
        book = RuleBook(task="ask", labels=("a", "b"), rules=(rule,))
        for seen in (samples[:40], [bare]):
            assert asked(book, seen) == {id: (label, 0) for id, label in said(book, seen).items()}, line


def test_html_escapes_every_text(book: RuleBook) -> None:
    page = to_html([book])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<li id=") == len(book.rules)
    assert "precision 0.50 [0.20, 0.80] on 7 samples" in page


def test_markdown_escapes_every_text(book: RuleBook) -> None:
    text = to_markdown([book])
    assert "<script" not in text.replace("\\<", "")
    assert "## \\<script\\>alert('x')\\</script\\> \\| 100%\\_\\\\" in text
    assert "- 〔rust〕: rust, brown spot's, 锈" in text
    assert "disabled" in text


def test_pages_say_why_a_label_has_no_rule(book: RuleBook) -> None:
    bare = book.model_copy(update={"rules": book.rules[:2], "without_rules": {"生锈": "too <few> samples"}})
    assert "No rule: too &lt;few&gt; samples." in to_html([bare])
    assert "No rule: too \\<few\\> samples." in to_markdown([bare])


def test_csv_is_read_back_as_it_was(book: RuleBook) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([book]), newline="")))
    assert [row["id"] for row in rows] == [rule.id for rule in book.rules]
    assert rows[0]["label"] == NASTY
    assert rows[0]["all"].split("\n") == [
        "a user turn contains 「100%」",
        "the last user turn contains the word 「it」",
    ]
    assert (rows[1]["support"], rows[1]["precision_low"], rows[1]["fidelity"]) == ("7", "0.2", "")
    assert rows[-1]["enabled"] == "no"


@pytest.mark.parametrize("label", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "＝1+1", "＠SUM(A1)"])
def test_no_label_is_a_formula_in_a_spreadsheet(label: str) -> None:
    rule = Rule(id="r", label=label, when=When(all=lit("a user turn contains 「x」")))
    (row,) = csv.DictReader(io.StringIO(to_csv([RuleBook(task="ask", labels=(label, "b"), rules=(rule,))]), newline=""))
    assert row["label"] == f"'{label}"
    assert row["sentence"] == f"'{label} if a user turn contains 「x」"
