"""`TreeWay`: one forward pass over prompts with the tree of answers behind each.

A 4-D mask lets every branch attend only to the prompt and to itself, and positions restart at the end of the prompt.
The vocabulary projection and the last layer's feed-forward run only where a token of an answer is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from kdsl.models.base import LoadedModel
from kdsl.models.encode import encode
from kdsl.models.features import picture_inputs
from kdsl.models.feed_forward import last_feed_forward_on
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import ends, text_positions, token_positions, with_tree
from kdsl.models.prompts import Prompt
from kdsl.models.way import PrefixState, Way, read_answers


class TreeWay(Way):
    """For models whose layers all honour the mask."""

    name = "tree"

    def first_call(
        self, loaded: LoadedModel, tree: LabelTree, prompts: Sequence[Prompt], *, keep: bool = False
    ) -> tuple[np.ndarray, list[PrefixState]]:
        # outside of inference mode: training shares these features, and cannot use inference tensors
        pictures = picture_inputs(loaded, prompts)
        with torch.inference_mode():
            batch = encode(loaded, prompts, pixels=False)
            ids, mask = batch.tensors["input_ids"], batch.tensors["attention_mask"]
            positions = token_positions(loaded, ids, mask, batch.tensors.get("image_grid_thw"))
            rows = _tree_rows(mask.sum(1), ids.shape[1], tree)
            # not by the config: a layer with a sliding window would keep its last tokens alone
            cache = DynamicCache() if keep else None
            with _decoding(loaded, rows):
                hidden = loaded.model.model(
                    **with_tree(loaded, tree, ids, mask.bool(), positions),
                    **pictures,
                    past_key_values=cache,
                    use_cache=keep,
                ).last_hidden_state  # [b, l + n, d]
            scores = read_answers(loaded, tree, hidden[_each(rows), rows])
            if cache is None:
                return scores, []
            starts = ends(positions, mask.bool()).tolist()
            return scores, [
                PrefixState(
                    prompt,
                    # copies, so that the batch's own tensors are given back
                    tuple(
                        (layer.keys[i, :, :length].clone(), layer.values[i, :, :length].clone())
                        for layer in cache.layers
                    ),
                    length,
                    # text advances all three axes by one per token: count back from the prompt's end
                    start - (whole - length),
                    loaded.active,
                )
                for i, (prompt, length, whole, start) in enumerate(
                    zip(prompts, batch.prefix_lengths, batch.lengths, starts, strict=True)
                )
            ]

    @torch.inference_mode()
    def further_call(
        self, loaded: LoadedModel, tree: LabelTree, states: Sequence[PrefixState], tails: Sequence[list[int]]
    ) -> np.ndarray:
        device = loaded.device
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(tail) for tail in tails], batch_first=True).to(device)
        lengths = torch.tensor([len(tail) for tail in tails], device=device)
        real = torch.arange(ids.shape[1], device=device) < lengths[:, None]  # [b, s]
        starts = torch.tensor([state.position for state in states], device=device)
        prefix = torch.tensor([state.length for state in states], device=device)
        longest = int(prefix.max())
        held = torch.arange(longest, device=device) < prefix[:, None]  # [b, p]
        cache = DynamicCache()
        for i, layers in enumerate(zip(*(state.memory for state in states), strict=True)):
            keys, values = (torch.stack([_padded(layer[part], longest) for layer in layers]) for part in (0, 1))
            cache.update(keys, values, i)
        rows = _tree_rows(lengths, ids.shape[1], tree)
        positions = text_positions(loaded, starts, ids.shape[1])
        with _decoding(loaded, rows):
            hidden = loaded.model.model(
                **with_tree(loaded, tree, ids, real, positions, held),
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state  # [b, s + n, d]
        return read_answers(loaded, tree, hidden[_each(rows), rows])


@contextmanager
def any_mask(config: Any) -> Iterator[None]:
    """Within the block, attention supports arbitrary masks such as the tree's; flash-attn's kernels do not."""
    before = config._attn_implementation
    if before == "flash_attention_2":
        config._attn_implementation = "sdpa"
    try:
        yield
    finally:
        config._attn_implementation = before


@contextmanager
def _decoding(loaded: LoadedModel, rows: torch.Tensor) -> Iterator[None]:
    """Within the block the decoder takes the tree's mask and ends at `rows` [b, r]."""
    decoder = loaded.decoder
    with last_feed_forward_on(decoder, (_each(rows), rows)), any_mask(decoder.config):
        yield


def _tree_rows(lengths: torch.Tensor, longest: int, tree: LabelTree) -> torch.Tensor:
    """Rows at which tokens of answers are predicted, [b, 1 + n]: each text's last token and the tree's nodes."""
    nodes = torch.arange(longest, longest + len(tree), device=lengths.device)
    return torch.cat([lengths[:, None] - 1, nodes.expand(len(lengths), -1)], 1)


def _padded(tensor: torch.Tensor, longest: int) -> torch.Tensor:
    """Keys or values [heads, tokens, size] with zeros behind, `longest` tokens long."""
    return torch.nn.functional.pad(tensor, (0, 0, 0, longest - tensor.shape[1]))


def _each(rows: torch.Tensor) -> torch.Tensor:
    """Batch indices [b, 1] for indexing with `rows` [b, r]."""
    return torch.arange(len(rows), device=rows.device)[:, None]
