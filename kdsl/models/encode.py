"""`encode`: turns prompts into tensors: token ids with placeholders for pictures, pixel values, padded batches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from kdsl.errors import InputError
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.prompts import DrawnPicture, Prompt, PromptPicture

PIXEL_CACHE_BYTES = 256 << 20


@dataclass(frozen=True)
class Encoded:
    """A batch of prompts on the model's device.

    `tensors` are the arguments of the model's forward: `input_ids` and `attention_mask` [b, l]; for a model that sees
    also `mm_token_type_ids` [b, l], and with pictures `pixel_values` [patches, d] and `image_grid_thw` [pictures, 3].
    `lengths` are the numbers of tokens of the prompts without padding, `prefix_lengths` those of the part that all
    calls of a sample share.
    """

    tensors: dict[str, torch.Tensor]
    lengths: list[int]
    prefix_lengths: list[int]


def encode(
    loaded: LoadedModel,
    prompts: Sequence[Prompt],
    padding: Literal["right", "left"] = "right",
    *,
    pixels: bool = True,
) -> Encoded:
    """Encode prompts as one batch, exactly as the model's processor encodes their messages and images.

    Args:
        pixels: if False, pictures are not opened and `pixel_values` is left out, for callers that have their features.

    Raises:
        InputError: a picture cannot be read, or the number of picture tokens is not the one that the model expects.
    """
    frame = frame_of(loaded)
    prefixes = frame.ids([prompt.prefix for prompt in prompts])
    tails = frame.ids([prompt.context + prompt.question for prompt in prompts])
    openings = frame.ids([prompt.opening for prompt in prompts])
    cell = loaded.factor
    rows, prefix_lengths, values, grids = [], [], [], []
    for prompt, prefix, tail, opening in zip(prompts, prefixes, tails, openings, strict=True):
        row = list(frame.before)
        for picture in prompt.pictures:
            row += frame.picture_ids(picture.size[0] * picture.size[1] // cell**2)
            if pixels:
                patches, grid = _pixel_values(loaded, picture)
                values.append(patches)
            else:
                grid = _grid(loaded, picture)
            grids.append(grid)
        row += prefix
        prefix_lengths.append(len(row))
        rows.append(row + tail + frame.after + opening)
    lengths = [len(row) for row in rows]
    longest = max(lengths)
    pad = loaded.tokenizer.pad_token_id or 0
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        at = slice(0, len(row)) if padding == "right" else slice(longest - len(row), longest)
        ids[i, at] = torch.tensor(row)
        mask[i, at] = 1
    is_picture = (ids == frame.picture_token) & (mask == 1)
    tensors = {"input_ids": ids, "attention_mask": mask}
    if loaded.sees:
        tensors["mm_token_type_ids"] = is_picture.int()
    expected = 0
    if grids:
        if values:
            tensors["pixel_values"] = torch.cat(values)
        tensors["image_grid_thw"] = torch.cat(grids)
        merge = loaded.model.config.vision_config.spatial_merge_size
        expected = int(tensors["image_grid_thw"].prod(-1).sum()) // merge**2
    found = int(is_picture.sum())
    if found != expected:
        raise InputError(
            f"{len(rows)} prompts hold {found} picture tokens where their {len(grids)} pictures need "
            f"{expected}. Text must enter prompts by build_prompt, which neutralises picture tokens in it."
        )
    tensors = {name: tensor.to(loaded.device) for name, tensor in tensors.items()}
    return Encoded(tensors, lengths, prefix_lengths)


def _grid(loaded: LoadedModel, picture: PromptPicture | DrawnPicture) -> torch.Tensor:
    """[1, 3]: frames, rows and columns of a picture's patches."""
    patch = loaded.model.config.vision_config.patch_size
    return torch.tensor([[1, picture.size[1] // patch, picture.size[0] // patch]])


def _pixel_values(loaded: LoadedModel, shown: PromptPicture | DrawnPicture) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches and grid of one picture; recent results are cached by its key."""
    cache: _ByteLru = loaded.caches.setdefault("pixels", _ByteLru(PIXEL_CACHE_BYTES))
    key = shown.key()
    if key is not None and (held := cache.get(key)) is not None:
        return held
    batch = loaded.processor.image_processor([shown.open()], do_resize=False, return_tensors="pt")
    made = (batch["pixel_values"].to(loaded.dtype), batch["image_grid_thw"])
    if key is not None:
        cache.put(key, made)
    return made


class _ByteLru:
    """A least-recently-used cache of pixel values with a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self._items: OrderedDict[Any, tuple[torch.Tensor, torch.Tensor]] = OrderedDict()

    def get(self, key: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def put(self, key: Any, value: tuple[torch.Tensor, torch.Tensor]) -> None:
        self._items[key] = value
        self._bytes += value[0].nbytes
        while self._bytes > self._limit:
            _, (dropped, _) = self._items.popitem(last=False)
            self._bytes -= dropped.nbytes
