"""`open_processor`: a model's tokenizer and processor from its folder, without its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdsl.config import ModelConfig
from kdsl.errors import MissingDependency
from kdsl.models.base import TEXT_TYPES, load_processor, model_type_of
from kdsl.models.weights import find_tokenizer


@dataclass
class OpenedProcessor:
    """What prompts for a model are made with; `kdsl.models.chat.frame_of` takes it like a loaded model."""

    folder: Path
    model_type: str
    processor: Any
    factor: int
    """Side, in pixels, of the square that one picture token covers; 0 for a text-only model."""
    caches: dict[str, Any] = field(default_factory=dict)


def open_processor(config: ModelConfig) -> OpenedProcessor:
    """The processor of the model that a role's config names; of a text-only model, its tokenizer.

    Raises:
        MissingDependency: the files are missing and cannot be fetched, or are damaged.
        ConfigError: kdsl cannot use this kind of model.
    """
    folder = find_tokenizer(config)
    model_type = model_type_of(folder)
    try:
        processor = load_processor(folder, model_type)
    except (OSError, ValueError) as error:
        raise MissingDependency(f"the tokenizer in {folder} cannot be loaded: {error}.") from error
    pictures = None if model_type in TEXT_TYPES else processor.image_processor
    factor = pictures.patch_size * pictures.merge_size if pictures else 0
    return OpenedProcessor(folder, model_type, processor, factor)
