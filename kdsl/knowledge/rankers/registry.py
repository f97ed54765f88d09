"""The rankers of an index: new ones by the settings, and saved ones by their names. A new kind is added here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdsl.config import AUTO, EncodersConfig
from kdsl.encoders.registry import TEXT_ENCODERS
from kdsl.errors import BundleError
from kdsl.knowledge.rankers.base import Ranker
from kdsl.knowledge.rankers.vectors import CharacterRanker, MeaningRanker, PictureRanker, VectorRanker
from kdsl.knowledge.rankers.words import WordRanker

RANKERS: tuple[type[Ranker], ...] = (CharacterRanker, WordRanker, MeaningRanker, PictureRanker)


def new_rankers(encoders: EncodersConfig) -> list[Ranker]:
    """Rankers to fit; by meaning and by pictures where there are encoders of them.

    Raises:
        MissingDependency: an encoder is not installed.
        ConfigError: there is no such encoder of pictures.
    """
    texts = (TEXT_ENCODERS[0].name,) if encoders.text == (AUTO,) else encoders.text
    found: list[Ranker] = [CharacterRanker(), WordRanker()]
    found += [MeaningRanker(texts)] if texts else []
    return found + ([PictureRanker(encoders.picture)] if encoders.picture else [])


def load_ranker(name: str, folder: Path, vectors: np.ndarray | None = None) -> Ranker:
    """The ranker of that name, as it was saved to a folder.

    Args:
        vectors: its vectors, where they were not saved there.

    Raises:
        BundleError: there is no such ranker, or its state is damaged.
        MissingDependency: an encoder is not installed.
    """
    known = {kind.name: kind for kind in RANKERS}
    if name not in known:
        raise BundleError(f"{folder}: '{name}' is no ranker of this kdsl; there are {', '.join(known)}.")
    kind = known[name]
    return kind.load(folder, vectors) if issubclass(kind, VectorRanker) else kind.load(folder)
