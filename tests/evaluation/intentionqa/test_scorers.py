"""Scores of options by overlap, an encoder and a language model: what they are, and what one bad item costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.intention_items import write_items

from kdsl.config import ModelConfig
from kdsl.encoders.registry import text_encoder
from kdsl.evaluation.intentionqa import scorers
from kdsl.evaluation.intentionqa.items import Item, read_items
from kdsl.evaluation.intentionqa.prompts import bare, by_wording
from kdsl.evaluation.intentionqa.scorers import (
    TEMPERATURE,
    EncoderScorer,
    LetterScorer,
    OptionScores,
    OverlapScorer,
    WordingScorer,
)
from kdsl.intentions.backends.base import Failure, Scores
from kdsl.intentions.backends.local import LocalBackend


@pytest.fixture
def items(tmp_path: Path) -> tuple[Item, ...]:
    return read_items(write_items(tmp_path / "items.jsonl", 1), 1).items


@pytest.fixture(scope="module")
def backend(base_of: Callable[..., ModelConfig]) -> LocalBackend:
    return LocalBackend(base_of("gemma3_text"))


def test_an_encoders_prior_is_its_mean_fit_to_all_situations(items: tuple[Item, ...]) -> None:
    encoder = text_encoder("use-multilingual-v3")
    found = dict(EncoderScorer(encoder, items).score(items[:2]))
    others = encoder.encode([item.situation for item in items])
    for item, scores in found.items():
        assert isinstance(scores, OptionScores)
        options = encoder.encode(item.options)
        cosines = options @ others.T
        np.testing.assert_allclose(scores.fit, cosines[:, items.index(item)] / TEMPERATURE, atol=1e-3)
        np.testing.assert_allclose(scores.prior, np.log(np.exp(cosines / TEMPERATURE).mean(1)), atol=1e-3)
    assert len(found) == 2


def test_a_wordings_prior_is_what_it_is_worth_without_the_products(
    items: tuple[Item, ...], backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorers, "_TOGETHER", 3)  # priors of an item's options come from several requests
    found = dict(WordingScorer(backend).score(items[:2]))
    for item, scores in found.items():
        assert isinstance(scores, OptionScores)
        expected = dict(backend.score([by_wording(item, False), bare(1, item.options, False)]))
        for number, part in enumerate((scores.fit, scores.prior)):
            answer = expected[number]
            assert isinstance(answer, Scores)
            np.testing.assert_allclose(part, answer.log_probs, atol=1e-4)
        assert scores.fit != scores.prior


def test_an_option_that_cannot_be_asked_for_costs_its_items_alone(
    items: tuple[Item, ...], backend: LocalBackend
) -> None:
    """An option that spells a special token is one that no model is asked for."""
    spoilt = Item("bad", 1, ("a", "b"), ("a", "b"), "x", (*items[0].options[:3], "because <|endoftext|>"), 0)
    found = {item.id: scores for item, scores in WordingScorer(backend).score([items[0], spoilt, items[1]])}
    assert isinstance(found["bad"], Failure)
    assert "special token" in found["bad"].reason
    assert isinstance(found["t0"], OptionScores)
    assert isinstance(found["t1"], OptionScores)


def test_letters_are_weighed_after_the_official_prompt(items: tuple[Item, ...], backend: LocalBackend) -> None:
    [(item, scores)] = LetterScorer(backend).score(items[:1])
    assert item is items[0]
    assert isinstance(scores, OptionScores)
    assert len(set(scores.fit)) > 1
    assert scores.prior == (0, 0, 0, 0)


def test_word_overlap(items: tuple[Item, ...]) -> None:
    found = dict(OverlapScorer().score(items))
    assert all(isinstance(scores, OptionScores) and scores.fit == item.shared for item, scores in found.items())
