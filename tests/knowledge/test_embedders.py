"""Vectors by characters: lengths, neighbours, what is kept of digits and of what a corpus lacks, saved state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kdsl.errors import BundleError
from kdsl.knowledge.embedders import CharNgramEmbedder

CORPUS = ["这个杯子会不会生锈", "退款什么时候到账", "Does the blue one fade?", "尺寸 30x40 厘米", "", "会生锈吗"]


@pytest.fixture
def embedder() -> CharNgramEmbedder:
    made = CharNgramEmbedder(1024)
    made.fit(CORPUS)
    return made


def test_vectors_have_length_one_and_empty_texts_none(embedder: CharNgramEmbedder) -> None:
    vectors = embedder.embed(CORPUS)
    assert vectors.shape == (len(CORPUS), embedder.dim)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 0, 1], atol=1e-5)
    assert embedder.embed([]).shape == (0, embedder.dim)


def test_a_text_is_nearest_to_itself_alone_or_in_company(embedder: CharNgramEmbedder) -> None:
    vectors = embedder.embed(CORPUS)
    assert ((vectors @ vectors.T).argmax(1) == np.arange(len(CORPUS)))[[0, 1, 2, 3, 5]].all()
    np.testing.assert_allclose(embedder.embed(CORPUS[1:2])[0], vectors[1], atol=1e-5)


def test_a_saved_embedder_embeds_the_same(embedder: CharNgramEmbedder, tmp_path: Path) -> None:
    embedder.save(tmp_path / "state")
    again = CharNgramEmbedder.load(tmp_path / "state")
    np.testing.assert_allclose(again.embed(CORPUS), embedder.embed(CORPUS), atol=1e-6)


def test_char_ngram_similarity_is_close_to_that_of_whole_tf_idf_vectors() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    corpus = [f"{a}{b}{c}" for a in ("这个", "那款", "新买的") for b in ("杯子", "锅") for c in ("会生锈吗", "掉色不")]
    whole = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit_transform(corpus)
    sketch = CharNgramEmbedder(4096)
    sketch.fit(corpus)
    vectors = sketch.embed(corpus)
    exact = (whole @ whole.T).toarray()
    error = vectors @ vectors.T - exact
    assert np.sqrt((error**2).mean()) < 2 / np.sqrt(4096)


def test_char_ngram_knows_no_digit_from_another_and_nothing_the_corpus_lacks() -> None:
    embedder = CharNgramEmbedder(1024)
    embedder.fit(CORPUS)
    first, second, alien = embedder.embed(["尺寸 12x99", "尺寸 34x56", "ξψ"])
    np.testing.assert_array_equal(first, second)
    assert not alien.any()


def test_damaged_state_is_refused(tmp_path: Path) -> None:
    embedder = CharNgramEmbedder(256)
    embedder.fit(CORPUS)
    embedder.save(tmp_path)
    (tmp_path / "embedder.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BundleError, match="embedder cannot be read"):
        CharNgramEmbedder.load(tmp_path)
