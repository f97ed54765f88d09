"""`RowsWay`: labels as causal rows behind copies of the prompt's state, for models with layers that no mask reaches.

The prompts of a batch stand flush right: zeros before its first token leave a recurrent layer's state as it is, zeros
behind its last would not. With `keep` the prefix is read first, and its state is put aside before the question is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from kdsl.models.base import LoadedModel
from kdsl.models.encode import encode
from kdsl.models.features import picture_inputs
from kdsl.models.feed_forward import last_feed_forward_on
from kdsl.models.label_rows import RowPass
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import ends, text_positions, token_positions
from kdsl.models.prompts import Prompt
from kdsl.models.way import Memory, PrefixState, Way, read_answers

COPIES = 1 << 30
"""Bytes that the copies of prompts' states may take in one forward pass; of a single row, what it takes."""
RECURRENT = "linear_attention"
"""What transformers' configs call a recurrent layer."""


class RowsWay(Way):
    """For every causal model; about one forward pass more than a tree takes."""

    name = "rows"

    def __init__(self, copies: int = COPIES) -> None:
        self.copies = copies

    def first_call(
        self, loaded: LoadedModel, tree: LabelTree, prompts: Sequence[Prompt], *, keep: bool = False
    ) -> tuple[np.ndarray, list[PrefixState]]:
        # outside of inference mode: training shares these features, and cannot use inference tensors
        pictures = picture_inputs(loaded, prompts)
        with torch.inference_mode():
            batch = encode(loaded, prompts, "left", pixels=False)
            tails = {whole - length for whole, length in zip(batch.lengths, batch.prefix_lengths, strict=True)}
            if keep and len(tails) > 1:
                return self._one_by_one(loaded, tree, prompts)
            ids, mask = batch.tensors["input_ids"], batch.tensors["attention_mask"]
            positions = token_positions(loaded, ids, mask, batch.tensors.get("image_grid_thw"))
            starts = ends(positions, mask.bool())
            cache = _empty(loaded)
            if not keep:
                last = _read(loaded, cache, ids, mask, positions, **pictures)[:, -1]
                return self._answers(loaded, tree, cache, mask, starts, last), []
            cut = ids.shape[1] - tails.pop()
            _read(loaded, cache, ids[:, :cut], mask[:, :cut], positions[..., :cut], **pictures)
            states = [
                PrefixState(prompt, _of_sample(cache, i, length), length, start - (ids.shape[1] - cut), loaded.active)
                for i, (prompt, length, start) in enumerate(
                    zip(prompts, batch.prefix_lengths, starts.tolist(), strict=True)
                )
            ]
            last = _read(loaded, cache, ids[:, cut:], mask, positions[..., cut:])[:, -1]
            return self._answers(loaded, tree, cache, mask, starts, last), states

    def _one_by_one(
        self, loaded: LoadedModel, tree: LabelTree, prompts: Sequence[Prompt]
    ) -> tuple[np.ndarray, list[PrefixState]]:
        """Prompts whose prefixes do not end at the same distance from the right."""
        found = [self.first_call(loaded, tree, [prompt], keep=True) for prompt in prompts]
        return np.concatenate([scores for scores, _ in found]), [state for _, [state] in found]

    @torch.inference_mode()
    def further_call(
        self, loaded: LoadedModel, tree: LabelTree, states: Sequence[PrefixState], tails: Sequence[list[int]]
    ) -> np.ndarray:
        if len({len(tail) for tail in tails}) > 1:  # padding between prefix and question would change states
            return np.concatenate(
                [self.further_call(loaded, tree, [state], [tail]) for state, tail in zip(states, tails, strict=True)]
            )
        device, longest = loaded.device, max(state.length for state in states)
        padded = [
            [
                tuple(_flush_right(part, longest) if _grows(loaded, i) else part for part in layer)
                for i, layer in enumerate(state.memory)
            ]
            for state in states
        ]
        cache = _filled(loaded, tuple(_stacked(layers) for layers in zip(*padded, strict=True)))
        ids = torch.tensor(tails, device=device)
        lengths = torch.tensor([state.length for state in states], device=device)
        held = torch.arange(longest, device=device) >= longest - lengths[:, None]  # [b, p]
        mask = torch.cat([held, torch.ones_like(ids, dtype=torch.bool)], 1).long()
        starts = torch.tensor([state.position for state in states], device=device)
        last = _read(loaded, cache, ids, mask, text_positions(loaded, starts, ids.shape[1]))[:, -1]
        return self._answers(loaded, tree, cache, mask, starts + ids.shape[1], last)

    def _answers(
        self,
        loaded: LoadedModel,
        tree: LabelTree,
        cache: DynamicCache,
        mask: torch.Tensor,
        starts: torch.Tensor,
        last: torch.Tensor,
    ) -> np.ndarray:
        """Log-probability of each answer [b, m].

        Args:
            cache: what was read of the prompts; `mask` [b, p] is 0 at its padding.
            starts: the positions [b] at which answers begin.
            last: the hidden states [b, d] of the prompts' last tokens.
        """
        hidden = last.new_zeros(len(last), 1 + len(tree), last.shape[-1])
        hidden[:, 0] = last
        memory = _memory(cache)
        for i, one in enumerate(tree.passes):
            memory = self._labels(loaded, tree, one, memory, mask, starts, hidden[:, 1:], i + 1 < len(tree.passes))
            mask = torch.cat([mask, mask.new_ones(len(mask), one.nodes.shape[1])], 1)
        return read_answers(loaded, tree, hidden)

    def _labels(
        self,
        loaded: LoadedModel,
        tree: LabelTree,
        one: RowPass,
        memory: Memory,
        mask: torch.Tensor,
        starts: torch.Tensor,
        hidden: torch.Tensor,
        go_on: bool,
    ) -> Memory:
        """Run the rows of one pass for all samples, and write the nodes' hidden states [b, n, d].

        Returns:
            What the rows have read, if the next pass goes on from them.
        """
        device, b, r = mask.device, len(mask), len(one.parents)
        before = len(memory[0][0]) // b  # rows of a sample in the pass before
        sample = torch.arange(b * r, device=device) // r
        parent = sample * before + one.parents.to(device).repeat(b)
        nodes = one.nodes.to(device).repeat(b, 1)
        at_once = max(1, self.copies // sum(part[0].nbytes for layer in memory for part in layer))
        kept = []
        for rows in torch.arange(b * r, device=device).split(at_once):
            own, which = nodes[rows], sample[rows]
            cache = _filled(loaded, tuple(_picked(layer, parent[rows]) for layer in memory))
            real = torch.cat([mask[which], mask.new_ones(own.shape)], 1)
            positions = starts[which, None] + tree.depth[own[:, :1]] + torch.arange(own.shape[1], device=device)
            if loaded.sees:
                positions = positions.expand(3, -1, -1)
            found = _read(loaded, cache, tree.ids[own.clamp_min(0)], real, positions, everywhere=True)
            i, j = (own >= 0).nonzero(as_tuple=True)
            hidden[which[i], own[i, j]] = found[i, j]
            if go_on:
                kept.append(_memory(cache))
        return tuple(
            (torch.cat([keys for keys, _ in parts]), torch.cat([values for _, values in parts]))
            for parts in zip(*kept, strict=True)
        )


def _read(
    loaded: LoadedModel,
    cache: DynamicCache,
    ids: torch.Tensor,
    mask: torch.Tensor,
    positions: torch.Tensor,
    *,
    everywhere: bool = False,
    **pictures: Any,
) -> torch.Tensor:
    """Let the model read tokens [b, t] after what is in the cache; the hidden states of the last ones [b, 1, d].

    Args:
        mask: 0 at padding, of the cache's tokens and of these, [b, p + t].
        everywhere: the hidden states of all tokens [b, t, d].
    """
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    inputs |= {"past_key_values": cache, "use_cache": True} | pictures
    if ids.shape[1] < _CHUNK and loaded.device.type == "cpu" and RECURRENT in _layer_types(loaded):
        # transformers' own code of recurrent layers pads every row to this many tokens; kernels of GPUs do not
        inputs["chunk_size"] = 1 << (ids.shape[1] - 1).bit_length()
    if everywhere:
        return loaded.model.model(**inputs).last_hidden_state
    with last_feed_forward_on(loaded.decoder, (slice(None), slice(-1, None))):
        return loaded.model.model(**inputs).last_hidden_state[:, -1:]


_CHUNK = 64
"""Tokens of a row that recurrent layers take at a time."""


def _layer_types(loaded: LoadedModel) -> Sequence[str]:
    return getattr(loaded.decoder.config, "layer_types", None) or ()


def _grows(loaded: LoadedModel, layer: int) -> bool:
    """Whether a layer keeps something of each token, and not a state."""
    types = _layer_types(loaded)
    return not types or types[layer] != RECURRENT


def _empty(loaded: LoadedModel) -> DynamicCache:
    """A cache for a model; of layers with a sliding window it keeps all tokens, so that their numbers agree."""
    recurrent = RECURRENT in _layer_types(loaded)
    return DynamicCache(config=loaded.decoder.config) if recurrent else DynamicCache()


def _filled(loaded: LoadedModel, memory: Memory) -> DynamicCache:
    """A cache that holds copies of a memory."""
    cache = _empty(loaded)
    for i, (first, second) in enumerate(memory):
        if _grows(loaded, i):
            cache.update(first, second, i)
        else:
            cache.update_conv_state(first, i, conv_kernel_size=first.shape[-1])
            cache.update_recurrent_state(second, i)
    return cache


def _memory(cache: DynamicCache) -> Memory:
    """What is in a cache, as its own tensors."""
    return tuple(
        (layer.keys, layer.values) if hasattr(layer, "keys") else (layer.conv_states[0], layer.recurrent_states[0])
        for layer in cache.layers
    )


def _of_sample(cache: DynamicCache, i: int, length: int) -> Memory:
    """Copies of what a cache holds of sample `i`, whose `length` tokens stand flush right."""
    return tuple(
        (_last(layer.keys[i], length), _last(layer.values[i], length))
        if hasattr(layer, "keys")
        else (layer.conv_states[0][i].clone(), layer.recurrent_states[0][i].clone())
        for layer in cache.layers
    )


def _last(tensor: torch.Tensor, length: int) -> torch.Tensor:
    """A copy of the last tokens of keys or values [heads, tokens, size]."""
    return tensor[:, tensor.shape[1] - length :].clone()


def _picked(layer: tuple[torch.Tensor, torch.Tensor], rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return layer[0][rows], layer[1][rows]


def _stacked(layers: Sequence[Sequence[torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([first for first, _ in layers]), torch.stack([second for _, second in layers])


def _flush_right(tensor: torch.Tensor, longest: int) -> torch.Tensor:
    """Keys or values [heads, tokens, size] with zeros before them, `longest` tokens long."""
    return torch.nn.functional.pad(tensor, (0, 0, longest - tensor.shape[1], 0))
