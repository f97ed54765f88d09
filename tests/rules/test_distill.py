"""From labelled evidence and a small model to a book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import Config, RulesConfig
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.distill import distill
from kdsl.rules.literals import OcrText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.occlusion import (
    ask_prompt,
    choose_samples,
    choose_units,
    combine,
    importance,
    named_phrases,
    named_share,
    occlusion,
)
from kdsl.rules.rule import Rule, When
from kdsl.rules.teacher import ScoreCache, Teacher
from kdsl.rules.weights import fit_weights
from kdsl.tasks import Task

SMALL = RulesConfig(max_cues=40, simulations=80, rules_per_label=4, occlusion_samples=30, occlusion_units=3)


class WordModel:
    """A model that knows one word a label, and counts how often it is asked."""

    words = ("结算", "退款", "立即领取")

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, evidences: Sequence[Evidence]) -> np.ndarray:
        self.asked += len(evidences)
        logits = np.array([[3.0 * (word in e.ocr_text) for word in self.words] for e in evidences])
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def book(shop: list[Evidence], toy: Task) -> RuleBook:
    return distill(shop, toy, SMALL, Teacher(WordModel(), name="words"))


def test_a_book_knows_unseen_samples_and_abstains_on_silent_ones(
    book: RuleBook, make_evidence: Callable[..., Evidence]
) -> None:
    evidences = [
        make_evidence(lines=("客服", "结算", "合计")),
        make_evidence(lines=("首页", "退款金额", "更多")),
        make_evidence(lines=("立即领取", "搜索")),
        make_evidence(lines=("从未见过",)),
    ]
    scores = book.scores(evidences)
    assert [book.labels[i] for i in scores[:3].argmax(axis=1)] == ["购物车", "退款", "领券"]
    assert np.isnan(scores[3]).all()
    assert (np.exp(scores[:3]).max(axis=1) > 0.6).all()


def test_rules_carry_where_they_are_from_and_honest_figures(book: RuleBook) -> None:
    assert book.rules
    for rule in book.rules:
        assert rule.origin.how == "mined"
        assert rule.origin.model == "words"
        assert rule.weight > 0
        assert rule.stats is not None
        assert rule.stats.stability is not None
        low, high = rule.stats.interval95
        assert low <= rule.stats.precision <= high
        assert rule.stats.fidelity is not None or rule.stats.support == 0
    assert max(rule.stats.stability for rule in book.rules if rule.stats and rule.stats.stability) >= 0.8
    assert len({rule.id for rule in book.rules}) == len(book.rules)


def test_the_same_seed_gives_the_same_book(shop: list[Evidence], toy: Task, book: RuleBook) -> None:
    assert distill(shop, toy, SMALL, Teacher(WordModel(), name="words")) == book


def test_rules_of_a_person_join_and_stay_where_data_is_silent(shop: list[Evidence], toy: Task) -> None:
    def hand(id: str, label: str, text: str, **more: object) -> Rule:
        return Rule(id=id, label=label, when=When(all=(OcrText(text),)), **more)  # type: ignore[arg-type]

    seeds = (
        hand("right", "退款", "退款", weight=1.0),
        hand("wrong", "领券", "结算", weight=3.0),
        hand("unseen", "领券", "一键领券", weight=2.5),
        hand("off", "退款", "客服", enabled=False),
    )
    weights = {rule.id: rule.weight for rule in distill(shop, toy, SMALL, seed_rules=seeds).rules}
    assert weights["unseen"] == pytest.approx(2.5, abs=1e-3)
    assert weights["right"] > 1.0
    assert weights.get("wrong", 0.0) < 1.0
    assert "off" not in weights


def test_unlabelled_samples_are_scored_by_the_teacher_and_join_the_search(shop: list[Evidence], toy: Task) -> None:
    model = WordModel()
    unlabelled = [replace(e, sample=replace(e.sample, id=f"u{e.sample.id}", label=None)) for e in shop[::2]]
    silent = SMALL.model_copy(update={"occlusion_samples": 0})
    book = distill(shop, toy, silent, Teacher(model), unlabelled=unlabelled)
    assert model.asked == len({e.ocr_text for e in unlabelled})
    assert any(rule.stats and rule.stats.fidelity is not None for rule in book.rules)
    # without a teacher there is no opinion of them: they change nothing
    assert distill(shop, toy, silent, unlabelled=unlabelled) == distill(shop, toy, silent)


def test_a_model_that_writes_is_shown_examples_and_heard(shop: list[Evidence], toy: Task) -> None:
    prompts: list[str] = []

    def write(asked: Sequence[str]) -> list[str]:
        prompts.extend(asked)
        return ["1. 结算\n- 「退款金额」\n立即领取，从没出现过的话"] * len(asked)

    book = distill(shop, toy, SMALL, Teacher(WordModel(), write))
    assert len(prompts) == 15  # 5 folds x 3 labels
    assert "类别：购物车（购物车的页面）" in prompts[0]
    assert "[退款]" in prompts[0] or "[领券]" in prompts[0]
    assert book.rules


def test_no_labels_is_an_error(shop: list[Evidence], toy: Task) -> None:
    nameless = [replace(e, sample=replace(e.sample, label=None)) for e in shop]
    with pytest.raises(InputError, match="has no labelled sample; training needs samples of two labels at least"):
        distill(nameless, toy, SMALL)
    strange = [replace(shop[0], sample=replace(shop[0].sample, label="购物")), *shop[1:]]
    with pytest.raises(InputError, match="Did you mean 购物车"):
        distill(strange, toy, SMALL)


def test_a_handful_of_samples_gives_a_book(shop: list[Evidence], toy: Task) -> None:
    few = distill([shop[2], shop[3], shop[22], shop[23]], toy, SMALL)
    assert few.labels == toy.names


def test_books_are_written_and_scores_kept_for_the_next_run(shop: list[Evidence], toy: Task, tmp_path: Path) -> None:
    config = Config(rules=SMALL)
    first, second = WordModel(), WordModel()

    def distilled(model: WordModel, fingerprint: str) -> RuleBook:
        teacher = Teacher(model, cache=ScoreCache(fingerprint, tmp_path / ".scores"))
        book = distill(shop, toy, config.rules, teacher, seed=config.seed)
        book.save(tmp_path / "toy.yaml")
        return book

    made, again = distilled(first, "words 1"), distilled(second, "words 1")
    assert RuleBook.load(tmp_path / "toy.yaml") == made == again
    assert first.asked > 30
    assert second.asked == 0
    distilled(second, "words 2")
    assert second.asked == first.asked


def test_a_torn_line_of_the_cache_is_skipped(shop: list[Evidence], tmp_path: Path) -> None:
    model = WordModel()
    ScoreCache("m", tmp_path).scores(model, shop[:3])
    (file,) = tmp_path.glob("*.jsonl")
    text = file.read_text("utf-8")
    file.write_text(text[: len(text) - 15], "utf-8")
    scores = ScoreCache("m", tmp_path).scores(model, shop[:3])
    assert model.asked == 4
    np.testing.assert_allclose(scores, model(shop[:3]), atol=1e-5)


def test_pictures_of_one_name_are_told_apart_in_the_cache(make_evidence: Callable[..., Evidence]) -> None:
    first = make_evidence("1")
    red = replace(first.pictures[0], facts=replace(first.pictures[0].facts, colours=(1.0, *[0.0] * 10)))
    model, cache = WordModel(), ScoreCache()
    cache.scores(model, [first, replace(first, pictures=(red,))])
    assert model.asked == 2


def test_equal_content_is_scored_once_whatever_its_id_and_label(make_evidence: Callable[..., Evidence]) -> None:
    first = make_evidence("1", "购物车", ("结算",))
    model, cache = WordModel(), ScoreCache()
    cache.scores(model, [first, replace(first, sample=replace(first.sample, id="2", label=None))])
    assert model.asked == 1


def test_copies_count_once(shop: list[Evidence], toy: Task) -> None:
    copies = [replace(e, sample=replace(e.sample, id=f"copy of {e.sample.id}")) for e in shop]
    assert distill([*shop, *copies], toy, SMALL) == distill(shop, toy, SMALL)


def test_occlusion_finds_the_word_that_the_model_needs(shop: list[Evidence], toy: Task) -> None:
    gold = np.array([toy.index(str(e.sample.label)) for e in shop])
    views = [NormalisedEvidence.of(e) for e in shop]
    literals = [OcrText("结算"), OcrText("全选"), OcrText("合计")]
    drops, asked = occlusion(
        shop, views, gold, {0: literals, 1: [], 2: []}, Teacher(WordModel()), SMALL, np.random.default_rng(0)
    )
    assert len(asked) == 30
    assert {gold[i] for i, _, _ in drops} == {0}
    importances = importance(literals, views, drops, set(range(20)))
    assert importances[0] > 0.5
    assert importances[1] == importances[2] == 0
    assert (importance(literals, views, drops, set()) == 0).all()
    prior = combine([importances, None], 3)
    assert prior.sum() == pytest.approx(1)
    assert prior[0] > 0.7
    np.testing.assert_allclose(combine([None], 4), 0.25)


def test_units_and_samples_are_chosen_well(shop: list[Evidence]) -> None:
    view = NormalisedEvidence.of(shop[5])
    units = choose_units(view, [OcrText("全选"), OcrText("合计"), OcrText("首页")], 2)
    texts = [shop[5].pictures[0].lines[i].text for _, _, i in units]
    assert texts == [text for text in ("全选", "合计", "首页") if text in shop[5].ocr_text][:2]
    gold = np.array([0] * 90 + [1] * 10)
    chosen = choose_samples(gold, 20, np.random.default_rng(0))
    assert (gold[chosen] == 1).sum() == 10


def test_named_phrases_ground_in_the_vocabulary() -> None:
    assert named_phrases("1. 「退款 金额」\n- 退款、原路退回。\n\n* ") == ["退款金额", "退款", "原路退回"]
    share = named_share([OcrText("退款金额"), OcrText("退款"), OcrText("首页")], ["退款金额"])
    np.testing.assert_allclose(share, [1.0, 0.5, 0.0])


def test_the_question_shows_both_sides(shop: list[Evidence], toy: Task) -> None:
    question = ask_prompt(toy, "退款", shop[25:27], shop[:1])
    assert shop[25].pictures[0].lines[0].text in question
    assert "[购物车]" in question


def test_weights_are_the_optimum_of_their_loss() -> None:
    rng = np.random.default_rng(0)
    votes = rng.random((200, 6)) < 0.3
    columns = np.array([0, 0, 1, 1, 2, 2])
    gold = np.where(votes[:, 0], 0, np.where(votes[:, 2], 1, rng.integers(0, 3, 200)))
    nothing = np.full(6, np.nan)
    weights, bias = fit_weights(votes, columns, gold, 3, 0.3, nothing)
    assert (weights >= 0).all()
    assert weights[0] > 1
    assert weights[2] > 1
    assert bias.shape == (3,)
    sparse, _ = fit_weights(votes, columns, gold, 3, 20.0, nothing)
    assert (sparse[[1, 3, 4, 5]] == 0).all()
    kept, _ = fit_weights(
        np.zeros((5, 2), dtype=bool), np.array([0, 1]), np.zeros(5, dtype=int), 2, 0.3, np.array([2.0, np.nan])
    )
    np.testing.assert_array_equal(kept, [2.0, 0.0])
