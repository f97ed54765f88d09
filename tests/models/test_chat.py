"""Texts are tokenised as they are; cutting them to length is the prompt's work."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from helpers.tiny_models import RECURRENT

from kdsl.errors import ConfigError
from kdsl.models.base import LoadedModel
from kdsl.models.chat import ChatFrame, frame_of


def test_a_text_beyond_the_models_length_is_counted_without_a_warning(
    load_tiny: Callable[..., LoadedModel], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_tiny()
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    loaded.tokenizer.model_max_length = 1
    assert frame_of(loaded).count(["会生锈吗"]) > [1]
    assert "indexing errors" not in caplog.text


def test_a_text_only_models_template_must_show_the_message_once(load_tiny: Callable[..., LoadedModel]) -> None:
    tokenizer = load_tiny("qwen3").tokenizer
    tokenizer.chat_template = "{{ messages[0]['content'] }}{{ messages[0]['content'] }}"
    with pytest.raises(ConfigError, match="chat template is not one"):
        ChatFrame(tokenizer, 0)


def test_qwen3_is_asked_not_to_think(load_tiny: Callable[..., LoadedModel]) -> None:
    tokenizer = load_tiny("qwen3").tokenizer
    tokenizer.chat_template += "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    assert tokenizer.decode(ChatFrame(tokenizer, 0).after).endswith("assistant\n<think>\n\n</think>\n\n")


def test_a_processor_is_asked_not_to_think_where_its_template_knows_how(
    load_tiny: Callable[..., LoadedModel], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_tiny(RECURRENT)
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    assert loaded.tokenizer.decode(ChatFrame(loaded.processor, loaded.factor).after).endswith("assistant\n")
    assert "kwargs" not in caplog.text.casefold()
    loaded.processor.chat_template += "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    frame = ChatFrame(loaded.processor, loaded.factor)
    assert loaded.tokenizer.decode(frame.after).endswith("assistant\n<think>\n\n</think>\n\n")
    assert frame.end_of_turn == loaded.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_without_a_template_a_text_ends_by_the_token_that_ends_texts(load_tiny: Callable[..., LoadedModel]) -> None:
    tokenizer = load_tiny("gemma3_text").tokenizer
    frame = ChatFrame(tokenizer, 0)
    assert frame.before == [tokenizer.bos_token_id]
    assert tokenizer.decode(frame.after) == "\n"
    assert frame.end_of_turn == tokenizer.eos_token_id
