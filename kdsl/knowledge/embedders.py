"""`Embedder`: maps texts to unit vectors; either fitted to the corpus, or a pretrained encoder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from kdsl.encoders.base import TextEncoder
from kdsl.encoders.registry import text_encoder
from kdsl.errors import BundleError
from kdsl.runs import write_json

CHAR_NGRAM = "char-ngram"


class Embedder(Protocol):
    """Maps texts to vectors whose inner product is the similarity of the texts."""

    name: str
    """The name that `open_embedder` takes."""
    dim: int

    def fit(self, texts: Sequence[str]) -> None:
        """Fit to a corpus before it is embedded (a pretrained embedder does nothing)."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [n, dim]; rows have length 1, or 0 for a text without known content."""

    def save(self, folder: Path) -> None:
        """Write the state that `open_embedder` needs in addition to the name."""


class CharNgramEmbedder:
    """TF-IDF over character 1- to 3-grams, sketched to a fixed size.

    Characters need no word segmentation and are robust to OCR errors. N-grams are hashed, weighted by 1 + ln(tf) and by
    idf over the corpus (0 for n-grams that are not in the corpus), and folded to `dim` columns with random signs: the
    count sketch of Charikar, Chen & Farach-Colton (2002), which preserves inner products up to an error of about
    1 / sqrt(dim). All digits count as the same character, because prices and dates do not depend on the label.
    """

    name = CHAR_NGRAM

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


class EncoderEmbedder:
    """A pretrained text encoder (`kdsl.encoders`) as an embedder."""

    def __init__(self, encoder: TextEncoder) -> None:
        self.name = encoder.name
        self.dim = encoder.dim
        self._encoder = encoder

    def fit(self, texts: Sequence[str]) -> None:
        """Does nothing: the encoder is pretrained."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [n, dim], rows of length 1; 0 where a text is empty."""
        return self._encoder.encode(texts)

    def save(self, folder: Path) -> None:
        """Write `encoder.json`, the version: vectors of different versions cannot be compared."""
        write_json(folder / "encoder.json", {"version": self._encoder.version})

    @classmethod
    def load(cls, name: str, folder: Path) -> EncoderEmbedder:
        """The encoder with that name.

        Raises:
            MissingDependency: its package or weights are not installed.
            BundleError: `folder` was written with another version of the encoder.
        """
        encoder = text_encoder(name)
        try:
            version = json.loads((folder / "encoder.json").read_text("utf-8"))["version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"{folder}: the embedder cannot be read ({error!r}); build it again.") from error
        if version != encoder.version:
            raise BundleError(
                f"{folder}: made with encoder '{name}' {version}, but {encoder.version} is installed; "
                "install that version, or build it again."
            )
        return cls(encoder)


def open_embedder(name: str, folder: Path | None = None) -> Embedder:
    """A new embedder by its name in the config or, with `folder`, the one that was saved there.

    Raises:
        MissingDependency: its package or weights are not installed.
        BundleError: the saved state is damaged.
    """
    if name == CHAR_NGRAM:
        return CharNgramEmbedder.load(folder) if folder else CharNgramEmbedder()
    return EncoderEmbedder.load(name, folder) if folder else EncoderEmbedder(text_encoder(name))
