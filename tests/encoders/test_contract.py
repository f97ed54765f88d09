"""One suite over every encoder that can run here: what experts and indexes may rely on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_models import tiny_sentence_model

from kdsl.encoders.base import TextEncoder
from kdsl.encoders.registry import TEXT_ENCODERS, text_encoder
from kdsl.encoders.texts import MultilingualE5
from kdsl.machine import has_avx2

TEXTS = ["这个杯子会不会生锈", "退款什么时候到账", "Does the blue one fade?", "尺寸 30x40 厘米", "", "会生锈吗", " \n "]
FILLED = [0, 1, 2, 3, 5]


@pytest.fixture(scope="module", params=[*(kind.name for kind in TEXT_ENCODERS), "sentence-transformers"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    name = request.param
    if name == "sentence-transformers":
        name = str(tiny_sentence_model(tmp_path_factory.mktemp("sentence"), TEXTS))
    if name == MultilingualE5.name:
        pytest.importorskip(MultilingualE5.package)
        if not has_avx2():
            pytest.skip("this CPU has no AVX2")
    return text_encoder(name)


def test_vectors_have_length_one_and_empty_texts_none(encoder: TextEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 1, 0, 1, 0], atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_alone_or_in_company_a_text_has_the_same_vector(
    encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = encoder.encode(TEXTS)
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))  # nothing is there yet
    for row in FILLED:
        np.testing.assert_allclose(encoder.encode([TEXTS[row]])[0], together[row], atol=1e-5)
    np.testing.assert_allclose(encoder.encode(["\t会生锈吗 "])[0], together[5], atol=1e-5)


def test_name_version_and_size_are_told(encoder: TextEncoder) -> None:
    assert encoder.name
    assert encoder.version
    assert encoder.dim > 0
    assert text_encoder(encoder.name) is encoder


def test_a_text_is_computed_once(encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    first = encoder.encode(TEXTS)
    monkeypatch.setattr(encoder, "_vectors", lambda items: pytest.fail(f"computed again: {items}"))
    np.testing.assert_array_equal(encoder.encode(TEXTS[::-1])[::-1], first)


def test_an_unusable_cache_costs_nothing_but_time(
    encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = encoder.encode(TEXTS)
    (tmp_path / "vectors").write_text("a file where the folder should be", "utf-8")
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-5)
    assert "vectors are not cached" in caplog.text
