"""`answer_log_probs`: how likely a model begins its answer with each of some texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.guard import way_of
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import Prompt


def answer_log_probs(loaded: LoadedModel, prompts: Sequence[Prompt], answers: Sequence[str]) -> np.ndarray:
    """Log-probability that the model answers each prompt with a text that begins with each of some answers, [n, m].

    An answer's end is no part of it: of 'yes' and 'yes, both', the first is never less likely. Answers need not be all
    that there are, so a row's probabilities may sum to less than 1. `Prompt.opening` stands before the answers.

    Raises:
        InputError: a picture cannot be read.
        ConfigError: an answer holds a special token, or the model cannot score answers.
    """
    tree = LabelTree(frame_of(loaded), answers, closed=False).to(loaded.device)
    return way_of(loaded).first_call(loaded, tree, prompts)[0]
