"""Cue mining and the tree search, against exhaustive answers."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.wilson import closed_form

from kdsl.config import RulesConfig
from kdsl.evidence.types import Evidence
from kdsl.rules.cues import mine
from kdsl.rules.engine import bit_set, pack
from kdsl.rules.literals import OcrPattern, OcrText, RuleLiteral, TurnText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.search import Actions, Objective, Target, TreeSearch, search_label


def held(literals: tuple[RuleLiteral, ...], text: str) -> list[RuleLiteral]:
    return [x for x in literals if isinstance(x, OcrText | TurnText) and x.text == text]


def test_phrases_are_mined_with_their_place(make_evidence: Callable[..., Evidence]) -> None:
    evidences = [
        make_evidence(lines=("首页", "商品", "客服", "分享", "立即结算")),
        make_evidence(lines=("立即结算", "商品", "客服", "分享", "更多")),
        make_evidence(lines=("搜索", "店铺", "客服", "分享", "立即结算")),
        make_evidence(lines=("首页",)),
    ]
    vocabulary = mine([NormalisedEvidence.of(e) for e in evidences], min_support=2)
    found = held(vocabulary.literals, "立即结算")
    assert OcrText("立即结算") in found
    assert OcrText("立即结算", "bottom") in found
    assert OcrText("立即结算", "top") not in found  # one evidence is too few
    assert not held(vocabulary.literals, "即结")  # a part that holds where the whole does says nothing more


def test_words_are_mined_as_wholes(make_evidence: Callable[..., Evidence]) -> None:
    said = (
        "can I pay it by emi",
        "is it emi",
        "I waited for it",
        "is a premium one worth it",
        "这款iPhone15的emi分期",
        "A12-X支持emi分期吗, I have it",
        "A12-X多少钱 it",
        "it?",
        "s it",
        "it s",
    )
    evidences = [NormalisedEvidence.of(make_evidence(turns=(("user", text),))) for text in said]
    vocabulary = mine(evidences, min_support=2)
    emi = TurnText("emi", how="contains the word")
    assert held(vocabulary.literals, "emi") == [emi]
    assert vocabulary.bits[vocabulary.literals.index(emi)].tolist() == [0b110011]
    assert held(vocabulary.literals, "emi分期") == [TurnText("emi分期", how="contains the word")]
    assert held(vocabulary.literals, "a12-x") == [TurnText("a12-x", how="contains the word")]
    for literal, bits in zip(vocabulary.literals, vocabulary.bits, strict=True):  # the printed one is the searched one
        assert [literal.matches(evidence) for evidence in evidences] == [bool(int(bits[0]) >> i & 1) for i in range(10)]
    texts = {literal.text for literal in vocabulary.literals if isinstance(literal, TurnText)}
    assert not texts & {"i", "s", "a", "x"}  # a letter says nothing
    assert "it" not in texts  # grammar, no topic


def test_a_phrase_in_nearly_all_samples_is_no_cue(make_evidence: Callable[..., Evidence]) -> None:
    texts = ["the mattress"] * 19 + ["delivery"]
    evidences = [NormalisedEvidence.of(make_evidence(turns=(("user", text),))) for text in texts]
    assert not any(isinstance(literal, TurnText) for literal in mine(evidences, min_support=2).literals)


def test_one_word_of_a_picture_is_a_cue(make_evidence: Callable[..., Evidence]) -> None:
    lines = (("Refund issued", "Home"), ("Your refund", "Cart"), ("Cart total", "¥5"), ("退 款", "首页"))
    vocabulary = mine([NormalisedEvidence.of(make_evidence(lines=two)) for two in lines], min_support=2)
    assert held(vocabulary.literals, "refund") == [OcrText("refund", how="contains the word")]


def test_cues_come_in_one_order_in_every_process(shop: list[Evidence], tmp_path: Path) -> None:
    """Sets of strings do not, and equally strong cues are taken as they come."""
    (tmp_path / "lines.json").write_text(json.dumps([e.ocr_text.split("\n") for e in shop]), "utf-8")
    script = """
import json, sys
from kdsl.evidence.types import UNSEEN, Evidence, OcrLine, Picture
from kdsl.data.sample import Sample
from kdsl.rules.cues import mine
from kdsl.rules.normalised import NormalisedEvidence
from pathlib import Path
views = []
for i, texts in enumerate(json.loads(Path(sys.argv[1]).read_text("utf-8"))):
    lines = tuple(OcrLine(text, 1.0, (0, 20 * k, 90, 20 * k + 18)) for k, text in enumerate(texts))
    picture = Picture("a", Path("a"), 100, 200, lines, UNSEEN)
    views.append(NormalisedEvidence.of(Evidence(Sample(str(i), "toy", ("a",), ()), (picture,))))
print([str(literal) for literal in mine(views, 2).literals])
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", script, tmp_path / "lines.json"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].count("结算".encode()) > 1


def test_numbers_and_words_are_not_cut(make_evidence: Callable[..., Evidence]) -> None:
    evidences = [
        make_evidence(lines=(text, "首页")) for text in ("满300可用", "满3000可用", "vip会员", "vip会员价", "x")
    ]
    texts = {x.text for x in mine([NormalisedEvidence.of(e) for e in evidences], 2).literals if isinstance(x, OcrText)}
    assert "可用" in texts
    assert not {text for text in texts if text.startswith(("0", "ip", "p")) or text.endswith(("3", "30", "vi"))}


def test_of_literals_that_hold_alike_one_is_kept(shop: list[Evidence]) -> None:
    vocabulary = mine([NormalisedEvidence.of(e) for e in shop], 2)
    sets = {row.tobytes() for row in vocabulary.bits}
    assert len(sets) == len(vocabulary.literals)


def test_dialogues_are_mined_for_turns_alone(make_evidence: Callable[..., Evidence]) -> None:
    said = (("会生锈吗", "¥3"), ("生锈了", "首页"), ("在吗", "¥5"), ("在吗", "更多"))
    evidences = [make_evidence(lines=("首页", line), turns=(("user", text),)) for text, line in said]
    literals = mine([NormalisedEvidence.of(e) for e in evidences], 2, pictures=False).literals
    assert literals
    assert all(isinstance(x, TurnText) for x in literals)
    literals = mine([NormalisedEvidence.of(e) for e in evidences], 2).literals
    assert any(isinstance(x, OcrPattern) for x in literals)


def test_cues_are_ranked_on_shown_samples_alone(shop: list[Evidence]) -> None:
    vocabulary = mine([NormalisedEvidence.of(e) for e in shop], 2)
    gold = bit_set(np.array([e.sample.label == "购物车" for e in shop]))
    shown = (1 << len(shop)) - 1
    cues = vocabulary.of_label(gold, shown, 5, 2)
    assert {vocabulary.literals[i].text[0] for i in cues[:2]} <= set("结全合")  # type: ignore[attr-defined]
    assert len(vocabulary.of_label(gold, shown & ~gold, 5, 2)) == 0
    against = [str(vocabulary.literals[i]) for i in vocabulary.against(gold, shown, 5)]
    assert any("领取" in line or "退款" in line for line in against)


SIX = RulesConfig(min_support=2, max_literals=3, rules_per_label=6, simulations=120)


def random_problem(seed: int, n: int = 120, a: int = 24) -> tuple[Actions, Target]:
    """Literals at random, gold where a conjunction of three of them holds, with some noise."""
    rng = np.random.default_rng(seed)
    truths = rng.random((a, n)) < 0.5
    gold = (truths[2] & truths[5] & truths[7]) ^ (rng.random(n) < 0.03)
    bits = pack([bit_set(row) for row in truths], n)
    actions = Actions(np.ascontiguousarray(bits.T), np.ones(a, dtype=bool), np.full(a, 1 / a))
    return actions, Target(n, (1 << n) - 1, bit_set(gold))


def exhaustive(actions: Actions, target: Target, size: int) -> float:
    objective = Objective(target, 2)
    best = 0.0
    for k in range(1, size + 1):
        for chosen in itertools.combinations(range(actions.bits.shape[1]), k):
            held = np.bitwise_and.reduce(actions.bits[:, chosen], axis=1)
            best = max(best, float(objective.rewards(held[:, None], k)[0][0]))
    return best


@pytest.mark.parametrize("seed", range(3))
def test_the_search_finds_the_best_rule(seed: int) -> None:
    actions, target = random_problem(seed)
    search = TreeSearch(actions, Objective(target, 2), 3, np.random.default_rng(seed))
    found = search.run(150)
    assert found is not None
    assert found.reward == pytest.approx(exhaustive(actions, target, 3), abs=1e-12)


def test_a_small_space_is_searched_to_its_end_and_then_left() -> None:
    actions, target = random_problem(1, a=8)
    search = TreeSearch(actions, Objective(target, 2), 3, np.random.default_rng(0))
    search.run(10_000)
    done = search.evaluations
    search.run(100_000)
    assert search.evaluations == 2 * done  # both runs stop when nothing is left


def test_the_same_seed_finds_the_same_rules() -> None:
    actions, target = random_problem(4, a=40)
    first, second = (search_label(actions, target, SIX, seed=5) for _ in range(2))
    assert first == second
    assert len(first[0]) == 6


def test_rules_found_after_each_other_fire_on_different_samples() -> None:
    actions, target = random_problem(2)
    found, _ = search_label(actions, target, SIX, seed=0)
    sets = [np.bitwise_and.reduce(actions.bits[:, rule.actions], axis=1).tobytes() for rule in found]
    assert len(set(sets)) == len(found)


def test_a_rule_begins_with_a_literal_that_holds() -> None:
    actions, target = random_problem(0)
    negative = Actions(actions.bits, np.arange(24) >= 20, actions.prior)
    for rule in search_label(negative, target, SIX, seed=0)[0]:
        assert any(i >= 20 for i in rule.actions)


def test_the_prior_decides_where_a_short_search_looks() -> None:
    actions, target = random_problem(6, n=400, a=300)
    told = np.full(300, 1e-6)
    told[[2, 5, 7]] = 1.0
    guided = TreeSearch(Actions(actions.bits, actions.positive, told / told.sum()), Objective(target, 2), 3, rng())
    best = guided.run(6)
    assert best is not None
    assert best.actions == (2, 5, 7)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_reward_is_bound_times_coverage_less_length() -> None:
    n = 40
    target = Target(n, (1 << n) - 1, (1 << 10) - 1)  # the first ten are gold
    objective = Objective(target, 2)
    rule = pack([0b11111111 | 1 << 20], n).T  # eight right, one wrong
    low, _ = closed_form(8, 9, 1.28)
    reward, sizes = objective.rewards(np.ascontiguousarray(rule), 3)
    assert reward[0] == pytest.approx(low * 0.8**0.5 - 0.02)
    assert sizes[0] == 9
    objective.cover(0b1111)  # four of the eight are covered: worth a quarter each
    reward, _ = objective.rewards(np.ascontiguousarray(rule), 1)
    assert reward[0] == pytest.approx(low * ((4 + 1) / (6 + 1)) ** 0.5)
    assert Objective(target, 9).rewards(np.ascontiguousarray(rule), 1)[0][0] == 0


def test_a_teacher_counts_on_unlabelled_samples() -> None:
    gold, shown = 0b1111, 0b11111111
    rule = np.ascontiguousarray(pack([0b1111 | 0b11 << 8], 10).T)
    agrees = Target.with_teacher(10, shown, gold, {8: 1.0, 9: 1.0})
    differs = Target.with_teacher(10, shown, gold, {8: 0.0, 9: 0.0})
    plain = Objective(Target(10, shown, gold), 2).rewards(rule, 1)[0][0]
    assert Objective(agrees, 2).rewards(rule, 1)[0][0] > plain > Objective(differs, 2).rewards(rule, 1)[0][0]
    half = Target.with_teacher(10, shown, gold, {8: 0.6, 9: 0.6})
    assert Objective(half, 2).rewards(rule, 1)[0][0] == pytest.approx(
        closed_form(4 + 0.3 * 1.2, 4.6, 1.28)[0], abs=1e-9
    )
