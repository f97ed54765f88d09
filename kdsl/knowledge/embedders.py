"""`CharNgramEmbedder`: maps texts to unit vectors by their characters; `passage_vectors`: documents to vectors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from kdsl.errors import BundleError
from kdsl.files import write_json
from kdsl.knowledge.documents import Document


class CharNgramEmbedder:
    """TF-IDF over character 1- to 3-grams, sketched to a fixed size.

    Characters need no word segmentation and are robust to OCR errors. N-grams are hashed, weighted by 1 + ln(tf) and by
    idf over the corpus (0 for n-grams that are not in the corpus), and folded to `dim` columns with random signs: the
    count sketch of Charikar, Chen & Farach-Colton (2002), which preserves inner products up to an error of about
    1 / sqrt(dim). All digits count as the same character, because prices and dates do not depend on the label.
    """

    def __init__(self, dim: int = 2048) -> None:
        self.dim = dim
        self._hashing = HashingVectorizer(
            analyzer="char", ngram_range=(1, 3), n_features=1 << 18, alternate_sign=False, norm=None
        )

    def fit(self, texts: Sequence[str]) -> None:
        """Compute the inverse document frequencies of a corpus."""
        frequency = np.bincount(self._counts(texts).indices, minlength=1 << 18)  # a row names a column once
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        self.idf_ = np.where(frequency > 0, idf, 0).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [n, dim], rows of length 1; 0 where no n-gram of a text was in the corpus."""
        if not texts:  # scikit-learn cannot transform an empty list
            return np.zeros((0, self.dim), np.float32)
        counts = self._counts(texts).tocoo()
        values = (1 + np.log(counts.data)) * self.idf_[counts.col]
        signs = 1 - 2 * ((counts.col // self.dim) & 1)  # a bit of the hash that the column does not use
        sketch = csr_matrix((values * signs, (counts.row, counts.col % self.dim)), (len(texts), self.dim))
        return normalize(sketch).toarray().astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `embedder.json` and `embedder.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"idf": self.idf_}, folder / "embedder.safetensors")
        write_json(folder / "embedder.json", {"dim": self.dim})

    @classmethod
    def load(cls, folder: Path) -> CharNgramEmbedder:
        """Read what `save` wrote.

        Raises:
            BundleError: the state is missing or damaged.
        """
        try:
            embedder = cls(int(json.loads((folder / "embedder.json").read_text("utf-8"))["dim"]))
            embedder.idf_ = load_file(folder / "embedder.safetensors")["idf"]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise BundleError(f"{folder}: the embedder cannot be read ({error!r}); build it again.") from error
        return embedder

    def _counts(self, texts: Sequence[str]) -> csr_matrix:
        return self._hashing.transform([re.sub(r"\d", "0", " ".join(text.split())) for text in texts])


def passage_vectors(
    documents: Sequence[Document], embed: Callable[[Sequence[str]], np.ndarray], dim: int
) -> np.ndarray:
    """Unit vectors [n, dim] of documents, float32: the weighted sum of their passages'; 0 without known content.

    Args:
        embed: maps texts to vectors [t, dim].
    """
    passages = [(row, text, weight) for row, one in enumerate(documents) for text, weight in one.passages]
    vectors = np.zeros((len(documents), dim), np.float32)
    if passages:
        rows, texts, weights = zip(*passages, strict=True)
        np.add.at(vectors, np.asarray(rows), embed(texts) * np.asarray(weights, np.float32)[:, None])
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
