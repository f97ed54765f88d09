"""The loss of kdsl-nano's pretraining: classification among the labels plus language modelling.

For an answer that is a label, the cross-entropy of a token is taken twice: over the whole vocabulary, which
keeps free generation right, and over those tokens alone that can continue to some label at that place. The
second is the log-loss of the label tree's own distribution (the product of its branches' softmaxes), the one
that `kdsl.models.scorer` ranks labels by; it costs nothing beyond the logits that are there anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


class LabelTrie:
    """Which tokens may follow at each place of a label's answer, as rows of a mask over the vocabulary.

    Row 0 allows every token: it stands for places that are no label's.
    """

    def __init__(self, vocab_size: int) -> None:
        self._rows: list[Tensor] = [torch.ones(vocab_size, dtype=torch.bool)]
        self._vocab_size = vocab_size

    def add(self, answers: Sequence[Sequence[int]]) -> list[list[int]]:
        """Enter a task's answers (token ids, the end of the turn included); the row of each of their tokens."""
        row_of: dict[tuple[int, ...], int] = {}
        for answer in answers:
            for i, token in enumerate(answer):
                prefix = tuple(answer[:i])
                if prefix not in row_of:
                    row_of[prefix] = len(self._rows)
                    self._rows.append(torch.zeros(self._vocab_size, dtype=torch.bool))
                self._rows[row_of[prefix]][token] = True
        return [[row_of[tuple(answer[:i])] for i in range(len(answer))] for answer in answers]

    def masks(self) -> Tensor:
        """All rows, [rows, vocabulary]."""
        return torch.stack(self._rows)


@dataclass(frozen=True, slots=True)
class Targets:
    """Which hidden states of a batch predict which tokens; every tensor is [n].

    `place` indexes the flattened batch (row * length + position), `token` is what comes next there, `trie` the
    row of the label trie (0 outside of labels), `weight` the share of the token in the loss.
    """

    place: Tensor
    token: Tensor
    trie: Tensor
    weight: Tensor


def weighted_loss(logits: Tensor, targets: Targets, masks: Tensor, sharpness: float) -> Tensor:
    """The weighted sum of token losses; `sharpness` weighs the loss among a label's alternatives.

    Args:
        logits: [n, vocabulary] at `targets.place`.
        masks: [rows, vocabulary], `LabelTrie.masks`.
    """
    plain = cross_entropy(logits, targets.token, reduction="none")
    loss = (plain * targets.weight).sum()
    labels = targets.trie.nonzero()[:, 0]
    if len(labels):
        allowed = logits[labels].masked_fill(~masks[targets.trie[labels]], float("-inf"))
        among = cross_entropy(allowed, targets.token[labels], reduction="none")
        loss = loss + sharpness * (among * targets.weight[labels]).sum()
    return loss
