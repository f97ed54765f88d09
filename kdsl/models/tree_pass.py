"""One forward pass over prompts with a tree of answers behind each: what `LabelScorer` and `answer_log_probs` share.

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
from kdsl.models.chat import frame_of
from kdsl.models.encode import Encoded, encode
from kdsl.models.features import Features, encoder_outputs, picture_features
from kdsl.models.feed_forward import last_feed_forward_on
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import ends, token_positions, with_tree
from kdsl.models.prompts import Prompt

_ROWS = 512
"""Output rows projected to the vocabulary at a time, which limits memory with a vocabulary of 150,000 tokens."""


def answer_log_probs(loaded: LoadedModel, prompts: Sequence[Prompt], answers: Sequence[str]) -> np.ndarray:
    """Log-probability that the model answers each prompt with a text that begins with each of some answers, [n, m].

    An answer's end is no part of it: of 'yes' and 'yes, both', the first is never less likely. Answers need not be all
    that there are, so a row's probabilities may sum to less than 1. `Prompt.opening` stands before the answers.

    Raises:
        InputError: a picture cannot be read.
        ConfigError: an answer holds a special token.
    """
    tree = LabelTree(frame_of(loaded), answers, closed=False).to(loaded.device)
    seen = [picture_features(loaded).of(prompt) for prompt in prompts if prompt.pictures]
    return first_pass(loaded, tree, encode(loaded, prompts, pixels=False), seen)[0]


@torch.inference_mode()
def first_pass(
    loaded: LoadedModel, tree: LabelTree, batch: Encoded, seen: Sequence[Features], cache: DynamicCache | None = None
) -> tuple[np.ndarray, torch.Tensor]:
    """Log-probability of each answer of the tree [b, m], and the position at which answers begin [b].

    Args:
        seen: the features of the pictures of those prompts that have any.
        cache: to be filled with the keys and values of prompts and answers.
    """
    ids, mask = batch.tensors["input_ids"], batch.tensors["attention_mask"]
    positions = token_positions(loaded, ids, mask, batch.tensors.get("image_grid_thw"))
    rows = tree_rows(mask.sum(1), ids.shape[1], tree)
    with decoding(loaded, rows):
        hidden = loaded.model.model(
            **with_tree(loaded, tree, ids, mask.bool(), positions),
            **({"mm_encoder_outputs": encoder_outputs(seen, loaded.device)} if seen else {}),
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state  # [b, l + n, d]
    return read_tree(loaded, tree, hidden, rows), ends(positions, mask.bool())


def tree_rows(lengths: torch.Tensor, longest: int, tree: LabelTree) -> torch.Tensor:
    """Rows at which tokens of answers are predicted, [b, 1 + n]: each text's last token and the tree's nodes."""
    nodes = torch.arange(longest, longest + len(tree), device=lengths.device)
    return torch.cat([lengths[:, None] - 1, nodes.expand(len(lengths), -1)], 1)


@contextmanager
def decoding(loaded: LoadedModel, rows: torch.Tensor) -> Iterator[None]:
    """Within the block the decoder takes the tree's mask and ends at `rows` [b, r]."""
    decoder = loaded.decoder
    with last_feed_forward_on(decoder, (_each(rows), rows)), any_mask(decoder.config):
        yield


def read_tree(loaded: LoadedModel, tree: LabelTree, hidden: torch.Tensor, rows: torch.Tensor) -> np.ndarray:
    """Log-probability of each answer [b, m] from the hidden states [b, s + n, d] at `rows` [b, 1 + n]."""
    scores = []
    for part in hidden[_each(rows), rows].split(max(1, _ROWS // rows.shape[1])):
        scores.append(tree.log_probabilities(loaded.model.lm_head(part).float()))
    return torch.cat(scores).cpu().numpy()


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


def _each(rows: torch.Tensor) -> torch.Tensor:
    """Batch indices [b, 1] for indexing with `rows` [b, r]."""
    return torch.arange(len(rows), device=rows.device)[:, None]
