"""`PictureFeatures`: a cache of the vision tower's output, which depends neither on prompts nor on adapters.

Every call on a sample, every epoch of training and every fold of a fit needs the features of the same pictures.
"""

from __future__ import annotations

import logging
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

from kdsl.machine import GIB, free_memory
from kdsl.models.base import LoadedModel
from kdsl.models.encode import encode
from kdsl.models.prompts import Prompt

log = logging.getLogger(__name__)

FEATURE_BYTES = 2 << 30
"""Default size of the cache per model, in bytes; features that do not fit are computed again."""
_SHARE = 0.5
"""Share of the free memory that may be reserved."""

Features = tuple[torch.Tensor, tuple[torch.Tensor, ...]]
"""Features of a prompt's pictures: embeddings [t, d], and for Qwen3-VL one more [t, d] per deepstack layer."""


class PictureFeatures:
    """The vision tower's output by picture, view and size; the least recently used entries are dropped first."""

    def __init__(self, loaded: LoadedModel, limit: int = FEATURE_BYTES) -> None:
        # weak, because the model refers to this cache: memory of an unused model must be freed at once
        self.loaded: LoadedModel = weakref.proxy(loaded)
        self.limit = limit
        self._bytes = 0
        self._held: OrderedDict[Any, Features] = OrderedDict()

    def reserve(self, prompts: Sequence[Prompt]) -> None:
        """Enlarge the cache for the pictures of all these prompts, which every epoch needs.

        If there is not enough free memory, it is enlarged as far as possible, with a warning.
        """
        shown = {prompt.pictures for prompt in prompts}
        pixels = sum(picture.size[0] * picture.size[1] for pictures in shown for picture in pictures)
        if not pixels:
            return
        config = self.loaded.model.config
        layers = 1 + len(getattr(config.vision_config, "deepstack_visual_indexes", ()))
        token = layers * config.text_config.hidden_size * self.loaded.dtype.itemsize
        asked, room = pixels // self.loaded.factor**2 * token, int(_SHARE * free_memory()) + self._bytes
        self.limit = max(self.limit, min(asked, room))
        if asked > self.limit:
            log.warning(
                "picture features take %.1f GiB, and memory has %.1f GiB to spare: those of some pictures are computed "
                "anew in every epoch. A smaller prompt.max_pixels takes less.",
                asked / GIB,
                self.limit / GIB,
            )

    @torch.no_grad()
    def of(self, prompt: Prompt) -> Features:
        """The features of a prompt's pictures, concatenated, on the CPU.

        Raises:
            InputError: a picture cannot be read.
        """
        shown = tuple(picture.key() for picture in prompt.pictures)
        key = None if None in shown else (*self._tower(), *shown)
        if key is not None and key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        tensors = encode(self.loaded, [prompt]).tensors
        output = self.loaded.model.model.get_image_features(
            tensors["pixel_values"], tensors["image_grid_thw"], return_dict=True
        )
        deep = getattr(output, "deepstack_features", None) or ()
        made: Features = (
            torch.cat(output.pooler_output).cpu(),
            tuple(torch.cat(layer).cpu() for layer in deep),
        )
        if key is None:
            return made
        self._held[key] = made
        self._bytes += _size(made)
        while self._bytes > self.limit and len(self._held) > 1:
            self._bytes -= _size(self._held.popitem(last=False)[1])
        return made

    def _tower(self) -> tuple[int, str | None]:
        """The current version of the vision tower, which pretraining and adapters from elsewhere may change."""
        weights = dict(self.loaded.model.model.visual.named_parameters())
        adapted = any(".lora_" in name for name in weights)
        return sum(p._version for p in weights.values()), self.loaded.active if adapted else None


def picture_features(loaded: LoadedModel) -> PictureFeatures:
    """The model's cache of picture features, created on first use and shared by all training runs."""
    if "picture_features" not in loaded.caches:
        loaded.caches["picture_features"] = PictureFeatures(loaded)
    store: PictureFeatures = loaded.caches["picture_features"]
    return store


def picture_inputs(loaded: LoadedModel, prompts: Sequence[Prompt]) -> dict[str, Any]:
    """The features of a batch of prompts as the model's argument `mm_encoder_outputs`; none without pictures.

    Raises:
        InputError: a picture cannot be read.
    """
    features = [picture_features(loaded).of(prompt) for prompt in prompts if prompt.pictures]
    if not features:
        return {}
    deep = [torch.cat(layer).to(loaded.device) for layer in zip(*(layers for _, layers in features), strict=True)]
    image = BaseModelOutputWithDeepstackFeatures(
        pooler_output=(torch.cat([embeds for embeds, _ in features]).to(loaded.device),),
        deepstack_features=[(layer,) for layer in deep],
    )
    return {"mm_encoder_outputs": {"image": image}}


def _size(features: Features) -> int:
    return features[0].nbytes + sum(layer.nbytes for layer in features[1])
