"""The encoders of kdsl by the names that a config calls them. A new one is added here."""

from __future__ import annotations

from functools import lru_cache

from kdsl.encoders.base import TextEncoder
from kdsl.encoders.texts import MultilingualE5, SentenceTransformersEncoder, UniversalSentenceEncoder

TEXT_ENCODERS: tuple[type[UniversalSentenceEncoder | MultilingualE5], ...] = (UniversalSentenceEncoder, MultilingualE5)
"""Those whose weights a package brings, of kdsl or of an extra."""


@lru_cache(maxsize=4)
def text_encoder(name: str) -> TextEncoder:
    """The encoder of texts of that name, or the sentence-transformers model; opened once per process.

    Raises:
        MissingDependency: it cannot run here.
    """
    known = {kind.name: kind for kind in TEXT_ENCODERS}
    return known[name]() if name in known else SentenceTransformersEncoder(name)
