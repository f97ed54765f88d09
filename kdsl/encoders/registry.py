"""The encoders of kdsl by the names that a config calls them. A new one is added here."""

from __future__ import annotations

from functools import lru_cache

from kdsl.encoders.base import TextEncoder
from kdsl.encoders.minilm import MiniLM
from kdsl.encoders.pictures import EfficientNetLite2, PictureEncoder
from kdsl.encoders.texts import MultilingualE5, SentenceTransformersEncoder, UniversalSentenceEncoder
from kdsl.errors import ConfigError

TEXT_ENCODERS: tuple[type[UniversalSentenceEncoder | MiniLM | MultilingualE5], ...] = (
    UniversalSentenceEncoder,
    MiniLM,
    MultilingualE5,
)
"""Those whose weights a package brings, of kdsl or of an extra; the fastest first."""


@lru_cache(maxsize=4)
def text_encoder(name: str) -> TextEncoder:
    """The encoder of texts of that name, or the sentence-transformers model; opened once per process.

    Raises:
        MissingDependency: it cannot run here.
    """
    known = {kind.name: kind for kind in TEXT_ENCODERS}
    return known[name]() if name in known else SentenceTransformersEncoder(name)


@lru_cache(maxsize=4)
def picture_encoder(name: str) -> PictureEncoder:
    """The encoder of pictures of that name; opened once per process.

    Raises:
        ConfigError: there is none of that name.
        MissingDependency: it cannot run here.
    """
    if name != EfficientNetLite2.name:
        raise ConfigError(f"encoders.picture: '{name}' is no encoder of pictures; there is '{EfficientNetLite2.name}'.")
    return EfficientNetLite2()
