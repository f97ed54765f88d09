"""`Context`: what all searches for the rules of one task share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kdsl.config import RulesConfig
from kdsl.evidence.types import Evidence
from kdsl.rules.cues import Vocabulary
from kdsl.rules.engine import bit_set
from kdsl.rules.literals import RuleLiteral
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.occlusion import Drops
from kdsl.rules.rule import When
from kdsl.tasks import Task


@dataclass(frozen=True)
class Context:
    """The samples (labelled ones first), the vocabulary, and what is known of it before any search."""

    task: Task
    config: RulesConfig
    evidences: Sequence[Evidence]
    normalised: Sequence[NormalisedEvidence]
    gold: np.ndarray
    """[n labelled], column of each sample's label."""
    vocabulary: Vocabulary
    weights: np.ndarray
    """[literals of the vocabulary, m], how near each is to what a label is called and described as; their mean is 1."""
    embedded: bool
    """Whether an encoder told how near; else all weights are 1."""
    teacher_probs: Mapping[int, np.ndarray]
    """Sample -> the small model's probabilities [m], for the samples that it scored."""
    drops: Drops

    @property
    def labelled(self) -> int:
        """Bit set of the labelled samples."""
        return (1 << len(self.gold)) - 1

    def label_bits(self, column: int) -> int:
        """Bit set of the labelled samples of one label."""
        return bit_set(self.gold == column)

    def signed(self, when: When, column: int) -> list[tuple[int, float, bool]]:
        """For each literal of a mined condition: the samples on which it holds (a negated one: does not hold), its
        weight for a label, and whether it is positive."""
        everything = (1 << len(self.normalised)) - 1
        rows = [self._rows[literal] for literal in (*when.all, *when.none)]
        bits = [int.from_bytes(self.vocabulary.bits[row].tobytes(), "little") for row in rows]
        positive = len(when.all)
        return [(bits[i], float(self.weights[row, column]), True) for i, row in enumerate(rows[:positive])] + [
            (everything & ~held, 1.0, False) for held in bits[positive:]
        ]

    @cached_property
    def _rows(self) -> dict[RuleLiteral, int]:
        return {literal: row for row, literal in enumerate(self.vocabulary.literals)}
