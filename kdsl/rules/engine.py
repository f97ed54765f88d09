"""Evaluation of many rules on many samples: each distinct literal is evaluated once, as a bit set over the samples.

A bit set is a Python int whose bit i stands for sample i. The tree search uses the same bits packed into rows of
64-bit words, so one numpy operation evaluates all children of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from kdsl.rules.literals import RuleLiteral
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When


def literal_bits(literals: Iterable[RuleLiteral], evidences: Sequence[NormalisedEvidence]) -> dict[RuleLiteral, int]:
    """Each distinct literal -> the bit set of the samples on which it holds."""
    return {
        literal: bit_set(
            np.fromiter((literal.matches(evidence) for evidence in evidences), dtype=bool, count=len(evidences))
        )
        for literal in dict.fromkeys(literals)
    }


def bit_set(truths: np.ndarray) -> int:
    """A bit set from truth values [n]; the first is bit 0."""
    return int.from_bytes(np.packbits(truths, bitorder="little").tobytes(), "little")


def when_bits(when: When, bits: dict[RuleLiteral, int], everything: int) -> int:
    """The bit set of a condition, from those of its literals; `everything` has one bit per sample."""
    hold = everything
    for literal in when.all:
        hold &= bits[literal]
    if when.any:
        either = 0
        for literal in when.any:
            either |= bits[literal]
        hold &= either
    for literal in when.none:
        hold &= ~bits[literal]
    return hold


def condition_bits(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> list[int]:
    """For each condition, the bit set of the samples on which it holds."""
    bits = literal_bits((literal for when in whens for literal in when.literals), evidences)
    everything = (1 << len(evidences)) - 1
    return [when_bits(when, bits, everything) for when in whens]


def fire_matrix(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> np.ndarray:
    """Whether each of r conditions holds on each of n samples: bool [n, r]."""
    return unpack(pack(condition_bits(whens, evidences), len(evidences)), len(evidences)).T


def vote_matrix(rules: Sequence[Rule], labels: Sequence[str]) -> np.ndarray:
    """Each rule's weight in the column of its label: float [r, m]."""
    votes = np.zeros((len(rules), len(labels)))
    for row, rule in enumerate(rules):
        votes[row, labels.index(rule.label)] = rule.weight
    return votes


def pack(bit_sets: Sequence[int], n: int) -> np.ndarray:
    """Bit sets over n samples as rows of 64-bit words: uint64 [k, ceil(n / 64)]."""
    words = max(1, -(-n // 64))
    raw = b"".join(bits.to_bytes(words * 8, "little") for bits in bit_sets)
    return np.frombuffer(raw, dtype="<u8").reshape(len(bit_sets), words)


def unpack(packed: np.ndarray, n: int) -> np.ndarray:
    """The inverse of `pack`: bool [k, n]."""
    flat = np.ascontiguousarray(packed).view(np.uint8).reshape(len(packed), packed.shape[1] * 8)
    return np.unpackbits(flat, axis=1, bitorder="little", count=n).astype(bool)
