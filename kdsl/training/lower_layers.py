"""`LowerLayers`: what frozen decoder layers make of an example, computed once and kept for later epochs.

Layers below the first trained one make the same of an example in every epoch. With half of the layers trained, an
epoch takes half of the time: neither the forward nor the backward pass runs the other half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from kdsl.machine import free_memory
from kdsl.models.base import LoadedModel

_SHARE = 0.5
"""Share of the free memory that may be taken; examples beyond it are computed anew in every epoch."""


class LowerLayers:
    """The first `n` decoder layers of a text-only model, which a training leaves as they are.

    Args:
        limit: bytes that may be kept; by default half of the free memory.
    """

    def __init__(self, loaded: LoadedModel, n: int, limit: int | None = None) -> None:
        self.loaded = loaded
        self.n = n
        self._room = int(_SHARE * free_memory()) if limit is None else limit
        self._held: dict[int, torch.Tensor] = {}

    def states(
        self, numbers: Sequence[int], ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """What the first layer above is given, [b, t, d], on the CPU; 0 at padding.

        Args:
            numbers: the examples' numbers, by which they are kept; an example has the same tokens each time.
            ids, mask, positions: their tokens flush right, [b, t].
        """
        lengths = mask.sum(-1).tolist()
        rows = {number: self._held[number] for number in numbers if number in self._held}
        new = [i for i, number in enumerate(numbers) if number not in rows]
        if new:
            made = self._run(ids[new], mask[new], positions[new])
            for i, row in zip(new, made, strict=True):
                rows[numbers[i]] = row[-lengths[i] :].clone()  # without its padding
                self._keep(numbers[i], rows[numbers[i]])
        states = torch.zeros(*ids.shape, rows[numbers[0]].shape[-1], dtype=self.loaded.dtype)
        for i, number in enumerate(numbers):
            states[i, -lengths[i] :] = rows[number]
        return states

    def _keep(self, number: int, row: torch.Tensor) -> None:
        if row.nbytes <= self._room:
            self._room -= row.nbytes
            self._held[number] = row

    @contextmanager
    def skipped(self) -> Iterator[None]:
        """Within the block the model takes `states` as its embedded inputs: these layers hand them on.

        A backward pass that recomputes activations (gradient checkpointing) must be within the block.
        """
        with _handing_on(self.loaded.decoder.layers[: self.n]):
            yield

    @torch.no_grad()
    def _run(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        decoder, device = self.loaded.decoder, self.loaded.device
        reached: list[torch.Tensor] = []
        above = decoder.layers[self.n]
        handle = above.register_forward_pre_hook(lambda _, inputs: reached.append(inputs[0]))
        try:
            with _handing_on(decoder.layers[self.n :]):
                decoder(
                    input_ids=ids.to(device),
                    attention_mask=mask.to(device),
                    position_ids=positions.to(device),
                    use_cache=False,
                )
        finally:
            handle.remove()
        return reached[0].to(self.loaded.dtype).cpu()


@contextmanager
def _handing_on(layers: Iterable[Any]) -> Iterator[None]:
    """Within the block, these decoder layers return the hidden states that they are given."""
    changed = list(layers)
    for layer in changed:
        layer.forward = lambda hidden_states, *_, **__: hidden_states
    try:
        yield
    finally:
        for layer in changed:
            del layer.forward
