"""The last decoder layer's feed-forward, computed where its output is read and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def last_feed_forward_on(language_model: Any, rows: tuple[Any, Any]) -> Iterator[None]:
    """Within the block, the last decoder layer's feed-forward adds nothing outside `rows`.

    No logit of another row is read, and the layer's keys and values were made before it. A backward pass that computes
    activations again (gradient checkpointing) belongs within the block.

    Args:
        language_model: what has `layers`, each with an `mlp`.
        rows: an index of [b, t] hidden states that gives [b, r] of them.
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
