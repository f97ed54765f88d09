"""Skips the last decoder layer's feed-forward at positions whose output is not used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def last_feed_forward_on(language_model: Any, rows: tuple[Any, Any]) -> Iterator[None]:
    """Within the block, the last decoder layer's feed-forward is computed only at `rows` and is 0 elsewhere.

    This is exact as long as only logits at `rows` are used, because the layer's keys and values do not depend on it. A
    backward pass that recomputes activations (gradient checkpointing) must be within the block.

    Args:
        language_model: a module with `layers`, each with an `mlp`.
        rows: an index into the hidden states [b, t] that selects [b, r].
    """
    shape: torch.Size | None = None

    def gather(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        nonlocal shape
        shape = inputs[0].shape
        return (inputs[0][rows],)

    def scatter(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        assert shape is not None
        full = output.new_zeros(shape)
        full[rows] = output
        return full

    mlp = language_model.layers[-1].mlp
    hooks = [mlp.register_forward_pre_hook(gather), mlp.register_forward_hook(scatter)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
