"""What a label's name and description say about literals: how near they are in meaning, and which words stand there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdsl.rules.literals import OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.neighbours import Embed
from kdsl.rules.normalised import spaced_units
from kdsl.tasks import Label, Task
from kdsl.words import normalise

SHARPNESS = 6.0
"""How much faster than linearly a literal's weight grows with its nearness to the label."""


def words_of_literal(literal: RuleLiteral) -> tuple[str, ...]:
    """The texts that a literal looks for; none for facts and measures."""
    if isinstance(literal, OcrGroup | TurnGroup):
        return literal.group.words
    return (literal.text,) if isinstance(literal, OcrText | TurnText) else ()


def meaning_weights(literals: Sequence[RuleLiteral], task: Task, embed: Embed | None) -> np.ndarray:
    """A weight for each literal and label, [L, m], by what the label is called and described as; columns have mean 1.

    Without an encoder, or for a literal without text, all weights are equal. No sample's label is looked at.
    """
    if embed is None or not literals:
        return np.ones((len(literals), len(task.labels)))
    texts = [", ".join(words_of_literal(literal)) for literal in literals]
    distinct = list(dict.fromkeys(texts))
    at = {text: i for i, text in enumerate(distinct)}
    vectors = embed(distinct)[[at[text] for text in texts]]
    nearness = np.stack([(vectors @ embed(label.texts).T).max(axis=1) for label in task.labels], axis=1)
    weights = np.exp(SHARPNESS * nearness)
    return np.asarray(weights / weights.mean(axis=0))


def described(literals: Sequence[RuleLiteral], label: Label) -> bool:
    """Whether a text of one of the literals stands in the label's name or description."""
    said = [spaced_units(normalise(text)) for text in label.texts]
    return any(spaced_units(word) in text for one in literals for word in words_of_literal(one) for text in said)
