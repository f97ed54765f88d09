"""What is taken out of rules before they stand in a book: words that decide nothing, pasted replies, one line twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from kdsl.config import RulesConfig
from kdsl.encoders.registry import text_encoder
from kdsl.evidence.types import Evidence
from kdsl.rules.assemble import _stats
from kdsl.rules.candidates import Candidate
from kdsl.rules.canned import independent
from kdsl.rules.context import Context
from kdsl.rules.cues import Vocabulary
from kdsl.rules.distill import distill
from kdsl.rules.engine import bit_set, condition_bits, literal_bits, pack
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrText, TurnGroup, TurnText
from kdsl.rules.neighbours import NEAR, WordGroups
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import When
from kdsl.rules.selection import holding
from kdsl.rules.soundness import _apart
from kdsl.rules.trim import Held, named_apart, trimmed
from kdsl.tasks import Label, Task

TASK = Task(name="intent", input="dialogue", prompt="?", labels=(Label(name="RUST"), Label(name="OTHER")))


def context_of(evidences: Sequence[Evidence], when: When) -> Context:
    views = [NormalisedEvidence.of(evidence) for evidence in evidences]
    gold = np.array([TASK.index(str(evidence.sample.label)) for evidence in evidences])
    held = literal_bits(when.literals, views)
    vocabulary = Vocabulary(tuple(held), pack(list(held.values()), len(views)), len(views))
    weights = np.ones((len(held), 2))
    return Context(TASK, RulesConfig(), evidences, views, gold, vocabulary, weights, False, {}, [])


def found(context: Context, when: When, folds: Sequence[int]) -> Candidate:
    bits = condition_bits([when], context.normalised)[0]
    return Candidate(when, 0, bits, {i: bits & fold for i, fold in enumerate(folds)})


def trimmed_alone(evidences: Sequence[Evidence], when: When, folds: Sequence[int]) -> Candidate:
    context = context_of(evidences, when)
    candidate = found(context, when, folds)
    told = [np.array([True]) for _ in folds]
    (rule,) = trimmed(context, [candidate], folds, told, Held(context, when.literals))
    return rule


@pytest.fixture
def asked(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    said = ["rust", "rust", "corrosion", "rust stain", "corrosion", "rust", "metal", "metal stain", "metal", "stain"]
    return [make_evidence(f"{i}", "RUST" if i < 6 else "OTHER", turns=(("user", text),)) for i, text in enumerate(said)]


def test_words_that_are_seldom_right_go(asked: list[Evidence]) -> None:
    """'stain' is right once and wrong twice; 'metal' is never right."""
    folds = [bit_set(np.arange(10) % 2 == i) for i in range(2)]
    group = WordGroup("metal", ("metal", "stain", "corrosion", "rust"))
    rule = trimmed_alone(asked, When(all=(TurnGroup(group),)), folds)
    (literal,) = rule.when.all
    assert isinstance(literal, TurnGroup)
    assert (literal.group.name, literal.group.words) == ("rust", ("rust", "corrosion"))
    assert rule.bits == 0b111111
    excluded = When(all=(TurnText("rust", how="contains the word"),), none=(TurnGroup(group),))
    assert trimmed_alone(asked, excluded, folds).when.none == ()


def test_recall_is_of_the_samples_in_folds_that_vote(asked: list[Evidence]) -> None:
    """Where one fold votes, what the rule does in the other is not known."""
    folds = [bit_set(np.arange(10) % 2 == i) for i in range(2)]
    when = When(all=(TurnText("rust", how="contains the word"),))
    context = context_of(asked, when)
    both = found(context, when, folds)
    one = Candidate(when, 0, both.bits, {1: both.votes[1]})
    told = [_stats(context, [rule], rule, folds, np.zeros(10, dtype=bool)) for rule in (both, one)]
    assert [(stats.support, stats.recall) for stats in told] == [(4, round(4 / 6, 4)), (3, 1.0)]


def test_a_fold_is_voted_on_by_the_rule_trimmed_without_it(asked: list[Evidence]) -> None:
    """All samples that say 'metal' are hidden in one fold: there the word stays, and its mistakes count."""
    when = When(all=(TurnGroup(WordGroup("rust", ("rust", "metal"))),))
    rule = trimmed_alone(asked, when, [0b1111000000, 0b0000111111])
    assert rule.when == When(all=(TurnText("rust", how="contains the word"),))
    assert rule.votes[0] == 0b0111000000
    assert rule.bits == 0b0000101011


def test_a_rule_that_trimming_spoils_stays_as_it_was_found(asked: list[Evidence]) -> None:
    when = When(all=(TurnText("stain"),))
    context = context_of(asked, when)
    whole = Candidate(when, 0, 0b111111, {0: 0b111111})
    spoilt, good = Candidate(when, 0, 0b1, {0: 0b1}, untrimmed=whole), Candidate(when, 0, 0b11111, {0: 0b11111})
    few = Candidate(when, 0, 0b11, {0: 0b11}, untrimmed=spoilt)
    assert holding(context, [spoilt, few, good]) == [whole, good]


def test_groups_of_different_words_get_different_names() -> None:
    words = (("rust", "stain"), ("rust", "corrosion"), ("corrosion", "rust"), ("stain", "corrosion"), ("rust", "x"))
    whens = named_apart([When(all=(TurnGroup(WordGroup(some[0], some)),)) for some in words])
    groups = [when.groups[0] for when in whens]
    assert [group.name for group in groups] == ["rust", "rust/corrosion", "rust/corrosion", "stain", "rust/x"]
    assert groups[1] == groups[2]
    (last,) = named_apart([*whens, When(all=(TurnGroup(WordGroup("rust", ("rust", "corrosion", "stain"))),))])[
        -1
    ].groups
    assert last.name == "rust/stain"
    many = [("a", "b", "c"), ("a", "b", "d"), ("a", "b"), ("a", "b", "e")]
    again = named_apart([When(all=(TurnGroup(WordGroup("a", some)),)) for some in many])
    assert [when.groups[0].name for when in again] == ["a", "a/b", "a/2", "a/e"]


def test_a_pasted_reply_counts_once_per_label(make_evidence: Callable[..., Evidence]) -> None:
    pasted = "Please wipe the bubbles out, step {}."
    turns = [(("user", f"hello {i}"), ("agent", pasted.format(i))) for i in range(6)]
    evidences = [make_evidence(f"{i}", "RUST" if i < 5 else "OTHER", turns=turn) for i, turn in enumerate(turns)]
    evidences += [make_evidence(f"o{i}", "OTHER", turns=(("user", f"w{i}"),)) for i in range(20)]
    agent, user = When(all=(TurnText("bubbles", "agent"),)), When(all=(TurnText("hello", "user"),))
    context = context_of(evidences, agent)
    assert independent(context, agent, 0b111111).bit_count() == 2
    assert independent(context, user, 0b111111) == 0b111111
    config = RulesConfig(max_cues=40, simulations=48, rules_per_label=4, occlusion_samples=0)
    assert not [rule for rule in distill(evidences, TASK, config).rules if "agent" in str(rule.when)]


def test_two_words_of_one_line_are_one_cue(make_evidence: Callable[..., Evidence]) -> None:
    when = When(all=(OcrText("退款"), OcrText("售后")))
    tabs = context_of([make_evidence(f"{i}", "RUST", ("退款/售后",)) for i in range(4)], when)
    pages = context_of([make_evidence(f"{i}", "RUST", ("退款详情", "联系售后")) for i in range(4)], when)
    assert not _apart(tabs, found(tabs, when, [0b1111]))
    assert _apart(pages, found(pages, when, [0b1111]))


def test_a_mined_group_keeps_to_one_script() -> None:
    phrases = {phrase: 1 << i for i, phrase in enumerate(("size", "sizes", "尺寸", "大小", "dimension"))}
    groups = WordGroups(text_encoder("use-multilingual-v3").encode).around(phrases, phrases, NEAR)
    assert groups
    assert all(len({word.isascii() for word in group.words}) == 1 for group in groups)
