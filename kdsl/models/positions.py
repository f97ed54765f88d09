"""Positions and attention masks of a prompt, and of the label tree behind it, as each kind of decoder expects them.

Qwen-VL's decoders count positions on three axes ([3, b, l]: time, height and width of pictures; text advances all of
them), text-only decoders on one ([b, l]). Gemma 3 has layers with a sliding window, in which a token attends only to
the latest tokens, so that the tree needs a mask for each kind of layer. Positions decide what is within the window: all
labels begin at the prompt's end, however far from it they stand in the row.
"""

from __future__ import annotations

from typing import Any

import torch

from kdsl.models.base import LoadedModel
from kdsl.models.label_tree import LabelTree


def token_positions(
    loaded: LoadedModel, ids: torch.Tensor, mask: torch.Tensor, grids: torch.Tensor | None = None
) -> torch.Tensor:
    """The position of each token of padded prompts, [3, b, l] or [b, l].

    Args:
        ids, mask: token ids [b, l], and 0 where they are padding.
        grids: of all pictures of the batch in order, [pictures, 3]: frames, rows and columns of patches.
    """
    if not loaded.sees:
        return (mask.cumsum(-1) - 1).clamp_min(0)
    is_picture = (ids == loaded.model.config.image_token_id) & (mask == 1)
    positions: torch.Tensor = loaded.model.model.get_rope_index(
        ids, mm_token_type_ids=is_picture.int(), image_grid_thw=grids, attention_mask=mask
    )[0]
    return positions


def text_positions(loaded: LoadedModel, starts: torch.Tensor, length: int) -> torch.Tensor:
    """Positions of `length` tokens of text from `starts` [b] on, [3, b, length] or [b, length]."""
    positions = starts[:, None] + torch.arange(length, device=starts.device)
    return positions.expand(3, -1, -1) if loaded.sees else positions


def ends(positions: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """The position after the last real token of each prompt, [b]; `real` [b, l] is False at padding."""
    last = positions.masked_fill(~real, 0).amax(-1)
    return (last.amax(0) if last.ndim == 2 else last) + 1


def with_tree(
    loaded: LoadedModel,
    tree: LabelTree,
    ids: torch.Tensor,
    real: torch.Tensor,
    positions: torch.Tensor,
    held: torch.Tensor | None = None,
) -> dict[str, Any]:
    """The decoder's inputs for prompts with the label tree behind them: `input_ids`, `position_ids`, `attention_mask`.

    The mask is additive, [b, 1, queries, keys]; for a text-only decoder there is one for each kind of layer.

    Args:
        ids, real: the prompts' tokens [b, s]; `real` is False at padding.
        positions: their positions, [3, b, s] or [b, s].
        held: which of the p cached tokens before them are real, [b, p].
    """
    nodes = tree.positions(ends(positions, real))  # [b, n]
    positions = torch.cat([positions, nodes.expand(*positions.shape[:-1], -1)], -1)
    mask = tree.mask(real, held, loaded.dtype)
    return {
        "input_ids": torch.cat([ids, tree.ids.expand(len(ids), -1)], 1),
        "position_ids": positions,
        "attention_mask": mask if loaded.sees else _by_layer(loaded, mask, positions),
    }


def _by_layer(loaded: LoadedModel, mask: torch.Tensor, positions: torch.Tensor) -> dict[str, torch.Tensor]:
    """The mask for each kind of layer of a text-only decoder, whose cached tokens have the positions from 0 on."""
    config = loaded.decoder.config
    masks = {"full_attention": mask}
    if "sliding_attention" in config.layer_types:
        cached = mask.shape[-1] - positions.shape[-1]
        before = torch.arange(cached, device=positions.device).expand(len(positions), -1)
        keys = torch.cat([before, positions], 1)
        beyond = positions[:, :, None] - keys[:, None] >= config.sliding_window  # [b, queries, keys]
        masks["sliding_attention"] = mask.masked_fill(beyond[:, None], torch.finfo(mask.dtype).min)
    return masks
