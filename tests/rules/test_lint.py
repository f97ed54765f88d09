"""What follows from what in a book, and what `lint` says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.rule_draws import conditions, evidences, literals
from hypothesis import given
from hypothesis import strategies as st

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.implication import always, contradict, follows, implies, never
from kdsl.rules.lint import Finding, lint
from kdsl.rules.literals import RuleLiteral
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When

LABELS = ("rust", "foam", "other")
GROUPS = {"metal": WordGroup("metal", ("iron", "铁")), "iron": WordGroup("iron", ("iron pan", "铁锅"))}


def said(**parts: list[str]) -> When:
    return When(**{part: tuple(parse(line, GROUPS) for line in lines) for part, lines in parts.items()})


@given(data=st.data(), one=literals, other=literals, a=conditions, b=conditions)
def test_what_follows_holds_on_every_sample(
    data: st.DataObject,
    one: RuleLiteral,
    other: RuleLiteral,
    a: When,
    b: When,
    make_evidence: Callable[..., Evidence],
) -> None:
    for sample in data.draw(st.lists(evidences(make_evidence), min_size=1, max_size=4)):
        view = NormalisedEvidence.of(sample)
        assert not (implies(one, other) and one.matches(view)) or other.matches(view)
        assert not (contradict(one, other) and one.matches(view) and other.matches(view))
        assert not (never(one) and one.matches(view))
        assert not always(one) or one.matches(view)
        assert not (follows(a, b) and a.matches(view)) or b.matches(view)
    assert implies(one, one)
    assert follows(a, a)


@pytest.mark.parametrize(
    ("one", "other", "follow"),
    [
        ("a user turn contains 「会生锈」", "a user turn contains 「生锈」", True),
        ("the last user turn contains 「生锈」", "a user turn contains 「锈」", True),
        ("a user turn contains 「生锈」", "the last user turn contains 「生锈」", False),
        ("a user turn contains 「waiting」", "a user turn contains the word 「wait」", False),
        ("a user turn contains the words 「i wait」", "a user turn contains the word 「wait」", True),
        ("a user turn contains 「分期」", "a user turn contains the word 「期」", True),
        ("an OCR line reads 「app store」", "an OCR line contains the word 「app」", False),
        ("an OCR line reads 「退款成功」", "an OCR line contains the word 「退款」", True),
        ("an OCR line in the top fifth contains 「退款」", "an OCR line contains 「退款」", True),
        ("an OCR line contains 「退款」", "an OCR line in the top fifth contains 「退款」", False),
        ("a user turn speaks of 〔iron〕", "a user turn speaks of 〔metal〕", True),
        ("a user turn speaks of 〔metal〕", "a user turn speaks of 〔iron〕", False),
        ("a user turn contains 「铁锅」", "a user turn speaks of 〔iron〕", True),
        ("at least 3 OCR lines hold a price", "there are at least 2 OCR lines", True),
        ("there are at least 2 OCR lines", "at least 2 OCR lines hold a price", False),
        ("a picture's red share is at least 30%", "a picture's red share is at least 20%", True),
        ("a picture's red share is at most 30%", "a picture's red share is at most 20%", False),
        ("a picture is dark", "a picture is a photo", False),
    ],
)
def test_one_literal_implies_another(one: str, other: str, follow: bool) -> None:
    assert implies(parse(one, GROUPS), parse(other, GROUPS)) is follow


def found(*conditions: When, labels: tuple[str, ...] = (), evidences: list[Evidence] | None = None) -> list[Finding]:
    rules = [
        Rule(id=f"r{i}", label=labels[i - 1] if labels else "rust", when=when) for i, when in enumerate(conditions, 1)
    ]
    return lint(RuleBook(task="toy", labels=LABELS, rules=tuple(rules)), evidences or [])


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        (
            said(all=["a user turn contains 「生锈」"], none=["a user turn contains 「锈」"]),
            "it can never fire: wherever 'a user turn contains 「生锈」' holds, 'a user turn contains 「锈」' does, "
            "which it forbids",
        ),
        (
            said(all=["a picture is dark"], none=["a picture is dark"]),
            "it can never fire: it needs and forbids 'a picture is dark'",
        ),
        (
            said(all=["there are at most 1 OCR lines", "at least 2 OCR lines hold a price"]),
            "it can never fire: 'there are at most 1 OCR lines' and 'at least 2 OCR lines hold a price' exclude "
            "each other",
        ),
        (
            said(all=["a picture's red share is at least 120%"]),
            "it can never fire: 'a picture's red share is at least 120%' holds on no sample",
        ),
        (
            said(
                any=["a user turn contains 「不锈钢」", "a user turn contains 「生锈」"],
                none=["a user turn contains 「锈」"],
            ),
            "it can never fire: each of its alternatives is excluded by the rest of the rule",
        ),
        (
            said(
                any=["a user turn contains 「不锈钢」", "a user turn contains 「铁」"],
                none=["a user turn contains 「锈」"],
            ),
            "its alternative 'a user turn contains 「不锈钢」' is excluded by the rest of the rule",
        ),
        (
            said(all=["an OCR line contains 「退」", "an OCR line contains 「退款」"]),
            "'an OCR line contains 「退」' adds nothing: it holds wherever 'an OCR line contains 「退款」' does",
        ),
        (
            said(all=["a picture is dark", "there are at least 0 OCR lines"]),
            "'there are at least 0 OCR lines' holds on every sample",
        ),
        (
            said(all=["a user turn contains 「铁锅」"], any=["a picture is dark", "a user turn speaks of 〔metal〕"]),
            "its alternatives add nothing: 'a user turn speaks of 〔metal〕' holds wherever 'a user turn contains "
            "「铁锅」' does",
        ),
        (
            said(any=["a user turn contains 「锈」", "a user turn contains 「生锈」"]),
            "its alternative 'a user turn contains 「生锈」' adds nothing: wherever it holds, 'a user turn contains "
            "「锈」' does",
        ),
        (
            said(all=["there are at most 2 OCR lines"], none=["there are at least 5 OCR lines"]),
            "to forbid 'there are at least 5 OCR lines' adds nothing: it cannot hold where the rest of the rule does",
        ),
    ],
)
def test_what_is_dead_is_told_with_the_reason(when: When, sentence: str) -> None:
    assert [(finding.kind, finding.rules, finding.sentence) for finding in found(when)] == [("dead", ("r1",), sentence)]


def test_rules_that_say_the_same_are_told() -> None:
    general = said(any=["a user turn contains 「锈」", "a user turn contains 「氧化」"])
    narrow = said(all=["the last user turn contains 「生锈」"], none=["a picture is dark"])
    swapped = said(any=["a user turn contains 「氧化」", "a user turn contains 「锈」"])
    assert [(finding.kind, finding.rules) for finding in found(general, narrow, swapped)] == [
        ("duplicate", ("r1", "r3")),
        ("subsumed", ("r2", "r1")),
    ]
    assert found(general, swapped, labels=("rust", "foam")) == [
        Finding("conflict", ("r1", "r2"), "on the same condition one says rust, the other foam")
    ]
    assert found(general, narrow, labels=("rust", "foam")) == []


def test_rules_that_do_the_same_on_samples_are_told(make_evidence: Callable[..., Evidence]) -> None:
    texts = ["锅", "锅 铁", "锅 铁", "锅 铁", "锅", "别的"]
    samples = [make_evidence(turns=(("user", text),)) for text in texts]
    pot, iron, lid = (said(all=[f"a user turn contains 「{text}」"]) for text in ("锅", "铁", "锅 铁"))
    assert found(pot, iron) == []
    assert found(pot, iron, evidences=samples) == [
        Finding(
            "subsumed",
            ("r2", "r1"),
            "all 3 samples on which r2 fires are among the 5 of r1, which says rust, too",
        )
    ]
    assert found(pot, iron, evidences=samples[:3]) == [], "two samples are too few"
    assert found(lid, iron, labels=("rust", "foam"), evidences=samples) == [
        Finding("conflict", ("r1", "r2"), "one says rust, the other foam on the same 3 of the 6 samples")
    ]
    assert [finding.sentence for finding in found(lid, lid.model_copy(), evidences=samples)] == [
        "both say rust on the same condition, so it counts twice"
    ], "what is known from the conditions is not said again"


def test_words_without_a_topic_are_told_where_a_rule_looks_for_them() -> None:
    group = WordGroup("asks", ("吗", "可以吗"))
    it, how, zh, fine = (
        Rule(id=f"r{i}", label="rust", when=When(**{part: (parse(line, {"asks": group}),)}, all=fixed))
        for i, (part, line, fixed) in enumerate(
            (
                ("any", "a user turn contains the word 「it」", ()),
                ("any", "a user turn speaks of 〔asks〕", ()),
                ("any", "an OCR line contains 「的」", ()),
                ("none", "a user turn contains 「了」", said(all=["a user turn contains 「锈」"]).all),
            )
        )
    )
    book = RuleBook(task="toy", labels=LABELS, rules=(it, how, zh, fine))
    assert [(one.rules, one.sentence) for one in lint(book) if one.kind == "function word"] == [
        (("r0",), "'a user turn contains the word 「it」' looks for a word that tells no topic"),
        (("r2",), "'an OCR line contains 「的」' looks for a word that tells no topic"),
        (("r1",), "the group 〔asks〕 has 「吗」, a word that tells no topic"),
    ]


def test_groups_are_looked_at_and_disabled_rules_are_not() -> None:
    rule = Rule(
        id="r",
        label="rust",
        when=said(all=["a user turn speaks of 〔metal〕"], none=["a user turn speaks of 〔metal〕"]),
    )
    book = RuleBook(task="toy", labels=LABELS, rules=(rule,), groups={"pans": ("锅", "铁锅", "iron pan", "pan")})
    assert [finding.kind for finding in lint(book)] == ["dead", "dead", "dead", "unused group"]
    off = book.with_rules([rule.model_copy(update={"enabled": False})])
    assert [(finding.kind, finding.rules, finding.sentence) for finding in lint(off)] == [
        (
            "dead",
            (),
            "in the group 〔pans〕 'a user turn contains 「铁锅」' adds nothing: wherever it holds, 'a user turn "
            "contains 「锅」' does",
        ),
        (
            "dead",
            (),
            "in the group 〔pans〕 'a user turn contains the words 「iron pan」' adds nothing: wherever it holds, 'a "
            "user turn contains the word 「pan」' does",
        ),
        ("unused group", (), "no rule speaks of 〔pans〕"),
    ]
