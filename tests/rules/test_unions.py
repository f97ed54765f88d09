"""Words that are too rare to be tested one by one are tested as one rule of their label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from kdsl.config import RulesConfig
from kdsl.evidence.types import Evidence
from kdsl.rules.candidates import Candidate
from kdsl.rules.context import Context
from kdsl.rules.cues import Vocabulary
from kdsl.rules.distill import distill
from kdsl.rules.engine import bit_set, condition_bits, literal_bits, pack
from kdsl.rules.literals import OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import When
from kdsl.rules.trim import Held
from kdsl.rules.unions import unions
from kdsl.tasks import Label, Task

TASK = Task(name="intent", input="dialogue", prompt="?", labels=(Label(name="EMI"), Label(name="OTHER")))
SMALL = RulesConfig(max_cues=40, simulations=48, rules_per_label=4, occlusion_samples=0)
FOLDS = [bit_set(np.arange(200) % 3 == i) for i in range(3)]


def word(text: str) -> TurnText:
    return TurnText(text, how="contains the word")


@pytest.fixture
def asked(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    """Two hundred questions, no two of them the same; each of three words stands in four of the label's twelve,
    and one more word in all."""
    told = ("paisa", "interest", "monthly")
    said = [(f"{told[i // 4]} plan w{i}", "EMI") if i < 12 else (f"plan w{i}", "OTHER") for i in range(200)]
    return [make_evidence(f"{i}", label, turns=(("user", text),)) for i, (text, label) in enumerate(said)]


def made(
    evidences: Sequence[Evidence], literals: Sequence[RuleLiteral], told: Sequence[np.ndarray] | None = None
) -> list[Candidate]:
    views = [NormalisedEvidence.of(evidence) for evidence in evidences]
    gold = np.array([TASK.index(str(evidence.sample.label)) for evidence in evidences])
    bits = literal_bits(literals, views)
    vocabulary = Vocabulary(tuple(bits), pack(list(bits.values()), len(views)), len(views))
    context = Context(TASK, SMALL, evidences, views, gold, vocabulary, np.ones((len(bits), 2)), False, {}, [])
    found = [
        Candidate(when, 0, held, {i: held & fold for i, fold in enumerate(FOLDS)})
        for when in (When(all=(literal,)) for literal in literals)
        for held in condition_bits([when], views)
    ]
    no_chance = [np.ones(len(found), dtype=bool) for _ in FOLDS] if told is None else told
    return unions(context, found, FOLDS, no_chance, Held(context, literals))


def test_rare_words_are_one_rule(asked: list[Evidence]) -> None:
    (union,) = made(asked, [word("paisa"), word("interest"), word("monthly"), word("plan")])
    (literal,) = union.when.all
    assert isinstance(literal, TurnGroup)
    assert set(literal.group.words) == {"paisa", "interest", "monthly"}
    of_label = bit_set(np.array([evidence.sample.label == "EMI" for evidence in asked]))
    assert union.bits == of_label
    assert union.unseen == of_label


def test_a_fold_does_not_vote_by_words_that_may_be_chance_without_it(asked: list[Evidence]) -> None:
    literals = [word("paisa"), word("interest"), word("monthly")]
    (union,) = made(asked, literals, [np.array([True, True, False]), np.ones(3, bool), np.ones(3, bool)])
    monthly = bit_set(np.array(["monthly" in evidence.sample.turns[0].text for evidence in asked]))
    assert not union.votes[0] & monthly
    assert union.votes[1] & monthly == monthly & FOLDS[1]


def test_words_of_other_texts_stand_apart_and_wrong_ones_make_no_rule(asked: list[Evidence]) -> None:
    assert not made(asked, [word("paisa"), TurnText("interest", "agent", "contains the word"), OcrText("分期")])
    assert not made(asked, [word("plan"), TurnText("pla"), word("monthly")])


def test_a_book_speaks_of_them(asked: list[Evidence]) -> None:
    """No word has five unseen samples, so without the union there is no rule."""
    rules = [rule for rule in distill(asked, TASK, SMALL).rules if rule.label == "EMI"]
    assert any(set(group.words) == {"paisa", "interest", "monthly"} for rule in rules for group in rule.when.groups)
    assert all(rule.stats is not None and rule.stats.support >= 5 for rule in rules)
