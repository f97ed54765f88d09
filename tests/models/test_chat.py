"""Texts are tokenised as they are; cutting them to length is the prompt's work."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of


def test_a_text_beyond_the_models_length_is_counted_without_a_warning(
    load_tiny: Callable[..., LoadedModel], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_tiny()
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    loaded.tokenizer.model_max_length = 1
    assert frame_of(loaded).count(["会生锈吗"]) > [1]
    assert "indexing errors" not in caplog.text
