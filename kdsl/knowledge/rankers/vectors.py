"""Rankers that compare vectors: by characters, by the meaning of texts, by what pictures look like."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kdsl.encoders.pictures import PictureEncoder, looks_of
from kdsl.encoders.registry import picture_encoder, text_encoder
from kdsl.errors import BundleError
from kdsl.files import write_json
from kdsl.knowledge.embedders import CharNgramEmbedder, passage_vectors
from kdsl.knowledge.rankers.base import Item, Ranker

_ADVICE = "build it again"


class VectorRanker(Ranker):
    """Cosines of unit vectors; a subclass says how items become vectors."""

    relative: ClassVar[bool]
    """Whether a query's median similarity counts as none: an encoder finds any two things somewhat alike."""
    _vectors: np.ndarray
    """Unit vectors [k, dim] of the items that have any."""
    _rows: np.ndarray
    """Of which items, [k]."""
    _items: int

    def fit(self, items: Sequence[Item]) -> Self:
        self._learn(items)
        # half precision: half the size on disk, and the same similarities when it is read again
        self._hold(self._embed(items).astype(np.float16))
        return self

    @property
    def items(self) -> int:
        return self._items

    @property
    def known(self) -> int:
        return len(self._rows)

    def similarities(self, queries: Sequence[Item]) -> np.ndarray:
        found = np.zeros((len(queries), self._items), np.float32)
        if len(queries) and self.known:
            cosines = self._embed(queries) @ self._vectors.T
            typical = np.median(cosines, axis=1, keepdims=True) if self.relative else 0
            found[:, self._rows] = np.maximum(cosines - typical, 0)
        return found

    @property
    @abstractmethod
    def embedder(self) -> str:
        """Name and version of what makes the vectors, separated by a space."""

    @property
    def vectors(self) -> np.ndarray:
        """Unit vectors [n, dim] of all items, 0 where an item has none."""
        found = np.zeros((self._items, self._vectors.shape[1]), np.float32)
        found[self._rows] = self._vectors
        return found

    def save(self, folder: Path, *, vectors: bool = True) -> None:
        """Write `vectors.safetensors`, unless the vectors are kept elsewhere, and what the subclass adds."""
        folder.mkdir(parents=True)
        if vectors:
            arrays = {"vectors": self._vectors.astype(np.float16), "rows": self._rows, "items": np.array([self._items])}
            save_file(arrays, folder / "vectors.safetensors")
        self._save(folder)

    @classmethod
    def load(cls, folder: Path, vectors: np.ndarray | None = None) -> Self:
        """Read what `save` wrote.

        Args:
            vectors: what the property of this name gave, where they are kept elsewhere.
        """
        ranker = cls._open(folder)
        if vectors is not None:
            ranker._hold(vectors)
            return ranker
        try:
            arrays = load_file(folder / "vectors.safetensors")
            ranker._vectors, ranker._rows = arrays["vectors"].astype(np.float32), arrays["rows"]
            ranker._items = int(arrays["items"][0])
        except (OSError, KeyError, SafetensorError) as error:
            raise BundleError(f"{folder}: the vectors cannot be read ({error!r}); {_ADVICE}.") from error
        return ranker

    def _hold(self, vectors: np.ndarray) -> None:
        self._items = len(vectors)
        self._rows = np.flatnonzero(vectors.any(axis=1))
        self._vectors = vectors[self._rows].astype(np.float32)

    def _learn(self, items: Sequence[Item]) -> None:
        """Fit what turns items into vectors; encoders are pretrained."""

    @abstractmethod
    def _embed(self, items: Sequence[Item]) -> np.ndarray:
        """float32 [n, dim]; rows of length 1, or 0 where an item has nothing to compare."""

    @abstractmethod
    def _save(self, folder: Path) -> None:
        """Write what `_open` reads."""

    @classmethod
    @abstractmethod
    def _open(cls, folder: Path) -> Self:
        """The ranker, without vectors."""


class CharacterRanker(VectorRanker):
    """Characters in common: robust to OCR errors and misspelling, in every script."""

    name = "characters"
    relative = False

    def __init__(self, embedder: CharNgramEmbedder | None = None) -> None:
        self._embedder = embedder or CharNgramEmbedder()

    @property
    def embedder(self) -> str:
        return f"{self.name} 1"

    def _learn(self, items: Sequence[Item]) -> None:
        self._embedder.fit(["\n".join((item.document.title, item.document.text)) for item in items])

    def _embed(self, items: Sequence[Item]) -> np.ndarray:
        return passage_vectors([item.document for item in items], self._embedder.embed, self._embedder.dim)

    def _save(self, folder: Path) -> None:
        self._embedder.save(folder)

    @classmethod
    def _open(cls, folder: Path) -> Self:
        return cls(CharNgramEmbedder.load(folder))


class MeaningRanker(VectorRanker):
    """What pretrained encoders make of the texts: alike in meaning, whatever the words.

    The similarity of several encoders is the mean of theirs.
    """

    name = "meaning"
    relative = True

    def __init__(self, encoders: Sequence[str]) -> None:
        self._encoders = [text_encoder(name) for name in encoders]

    @property
    def embedder(self) -> str:
        return " and ".join(f"{encoder.name} {encoder.version}" for encoder in self._encoders)

    def _embed(self, items: Sequence[Item]) -> np.ndarray:
        documents = [item.document for item in items]
        parts = [passage_vectors(documents, encoder.encode, encoder.dim) for encoder in self._encoders]
        return np.hstack(parts) / np.float32(np.sqrt(len(parts)))

    def _save(self, folder: Path) -> None:
        write_json(folder / "encoders.json", {encoder.name: encoder.version for encoder in self._encoders})

    @classmethod
    def _open(cls, folder: Path) -> Self:
        versions = _versions(folder)
        ranker = cls(list(versions))
        for encoder in ranker._encoders:
            _check_version(folder, encoder.name, encoder.version, versions[encoder.name])
        return ranker


class PictureRanker(VectorRanker):
    """What a pretrained encoder makes of the pictures: similar screens, similar photos.

    They are shown, and do not vote: the visual expert is fitted on the same vectors. Out of fold, photos of one shelf
    are each other's neighbours, so that votes seem to be right more often than they are on new photos, and fusion
    trusted them in its place (docs/experiments.md, 2026-11-27).
    """

    name = "pictures"
    votes = False
    relative = True

    def __init__(self, encoder: str) -> None:
        self._encoder: PictureEncoder = picture_encoder(encoder)

    @property
    def embedder(self) -> str:
        return f"{self._encoder.name} {self._encoder.version}"

    def _embed(self, items: Sequence[Item]) -> np.ndarray:
        vectors = np.zeros((len(items), 2 * self._encoder.dim), np.float32)
        for row, item in enumerate(items):
            if item.pictures:
                vectors[row] = np.mean([looks_of(picture, self._encoder) for picture in item.pictures], axis=0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def _save(self, folder: Path) -> None:
        write_json(folder / "encoders.json", {self._encoder.name: self._encoder.version})

    @classmethod
    def _open(cls, folder: Path) -> Self:
        [(name, version)] = _versions(folder).items()
        ranker = cls(name)
        _check_version(folder, name, ranker._encoder.version, version)
        return ranker


def _versions(folder: Path) -> dict[str, str]:
    try:
        versions: dict[str, str] = json.loads((folder / "encoders.json").read_text("utf-8"))
        if not versions:
            raise ValueError("it names none")
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: the encoders' versions cannot be read ({error!r}); {_ADVICE}.") from error
    return versions


def _check_version(folder: Path, name: str, here: str, fitted: str) -> None:
    if fitted != here:
        raise BundleError(
            f"{folder}: made with encoder '{name}' {fitted}, but {here} is installed; install that version, or "
            f"{_ADVICE}."
        )
