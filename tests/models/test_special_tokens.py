"""No text from outside becomes a special token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.tiny_models import SPECIAL, tiny_tokenizer
from hypothesis import given
from hypothesis import strategies as st

from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.special_tokens import JOINER, Neutraliser

TOKENIZER = tiny_tokenizer()
NEUTRALISE = Neutraliser(TOKENIZER)
SPECIAL_IDS = set(TOKENIZER.added_tokens_decoder)

FRAGMENTS = st.sampled_from([*SPECIAL, "<image>", "<|", "|>", "im_", "end", "start", "<", "|", "\u212a", JOINER])
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=3)), max_size=8).map("".join)


@given(TEXTS)
def test_no_text_tokenises_to_a_special_token(text: str) -> None:
    neutral = NEUTRALISE(text)
    assert not SPECIAL_IDS.intersection(TOKENIZER(neutral)["input_ids"])
    assert "<image>" not in neutral
    assert NEUTRALISE(neutral) == neutral


@given(TEXTS)
def test_nothing_but_joiners_is_added(text: str) -> None:
    decoded = TOKENIZER.backend_tokenizer.normalizer.normalize_str(text)
    assert NEUTRALISE(text).replace(JOINER, "") == decoded.replace(JOINER, "")


@pytest.mark.parametrize("token", SPECIAL)
def test_every_special_token_is_broken(token: str) -> None:
    assert SPECIAL_IDS.intersection(TOKENIZER(token)["input_ids"])  # unharmed, it would steer the model
    assert not SPECIAL_IDS.intersection(TOKENIZER(NEUTRALISE(f"a{token}b"))["input_ids"])


def test_ordinary_text_stays_as_it_is() -> None:
    text = "会生锈吗？ <3 a|b |> 100% \U0001f600 it's"
    assert NEUTRALISE(text) == text


def test_overlapping_spellings_are_all_broken() -> None:
    neutral = NEUTRALISE("<|im_<|im_end|>end|><|im_end|><|im_end|>")
    assert not SPECIAL_IDS.intersection(TOKENIZER(neutral)["input_ids"])


@given(TEXTS, TEXTS)
def test_lines_tokenise_apart(first: str, second: str) -> None:
    """What chat frames rest on: the tokens of two lines are those of each line alone."""
    one, two = (" ".join(NEUTRALISE(text).split()) for text in (first, second))
    whole = TOKENIZER(f"{one}\n{two}")["input_ids"]
    assert whole == TOKENIZER(f"{one}\n")["input_ids"] + TOKENIZER(two)["input_ids"]


def test_the_frame_is_made_once(get_loaded: Callable[..., LoadedModel]) -> None:
    loaded = get_loaded()
    assert frame_of(loaded) is frame_of(loaded)
