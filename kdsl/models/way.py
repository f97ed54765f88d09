"""`Way`: how the answers of a tree are scored behind prompts, and the state that a further call reuses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from kdsl.models.base import LoadedModel
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import Prompt

_ROWS = 512
"""Output rows projected to the vocabulary at a time, which limits memory with a vocabulary of 150,000 tokens."""

Memory = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""What a model keeps of the tokens that it has read, per decoder layer: keys and values [b, heads, tokens, size], or a
recurrent layer's states, that of its convolution [b, channels, kernel] and its own [b, heads, key size, value size]. Of
one sample, without the first axis."""


@dataclass(frozen=True)
class PrefixState:
    """The state that call 1 keeps for calls 2 and 3 of a sample.

    `memory` is the model's of the prefix, which has `length` tokens; `position` is the position of the first token
    after it; `adapter` must be active when the state is used.
    """

    prompt: Prompt
    memory: Memory
    length: int
    position: int
    adapter: str | None


class Way(ABC):
    """Stateless: a model's own things are kept on the model."""

    name: ClassVar[str]

    @abstractmethod
    def first_call(
        self, loaded: LoadedModel, tree: LabelTree, prompts: Sequence[Prompt], *, keep: bool = False
    ) -> tuple[np.ndarray, list[PrefixState]]:
        """Log-probability of each answer [b, m] behind one batch of prompts, and what `keep` asks to keep of them.

        Raises:
            InputError: a picture cannot be read.
        """

    @abstractmethod
    def further_call(
        self, loaded: LoadedModel, tree: LabelTree, states: Sequence[PrefixState], tails: Sequence[list[int]]
    ) -> np.ndarray:
        """Log-probability of each answer [b, m] behind kept prefixes with the token ids `tails` after them."""


def read_answers(loaded: LoadedModel, tree: LabelTree, hidden: torch.Tensor) -> np.ndarray:
    """Log-probability of each answer [b, m] from the hidden states [b, 1 + n, d] of prompts' ends and nodes."""
    scores = []
    for part in hidden.split(max(1, _ROWS // hidden.shape[1])):
        scores.append(tree.log_probabilities(loaded.model.lm_head(part).float()))
    return torch.cat(scores).cpu().numpy()
