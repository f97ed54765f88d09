"""Evaluating many rules on many evidences: every distinct literal once, as a bit set over the evidences.

A bit set is a Python int whose bit i stands for evidence i; the tree search uses the same bits packed in rows
of 64-bit words, so that one numpy operation evaluates all the children of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from kdsl.rules.literals import RuleLiteral
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When


def literal_bits(literals: Iterable[RuleLiteral], evidences: Sequence[NormalisedEvidence]) -> dict[RuleLiteral, int]:
    """The bit set of each distinct literal over the evidences."""
    return {
        literal: bit_set(
            np.fromiter((literal.sees(evidence) for evidence in evidences), dtype=bool, count=len(evidences))
        )
        for literal in dict.fromkeys(literals)
    }


def bit_set(truths: np.ndarray) -> int:
    """A bit set out of truth values [n], the first one being bit 0."""
    return int.from_bytes(np.packbits(truths, bitorder="little").tobytes(), "little")


def when_bits(when: When, bits: dict[RuleLiteral, int], everything: int) -> int:
    """The bit set on which a condition holds, out of those of its literals; `everything` has a bit an evidence."""
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


def conditions(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> list[int]:
    """The bit set of each condition over the evidences."""
    bits = literal_bits((literal for when in whens for literal in when.literals), evidences)
    everything = (1 << len(evidences)) - 1
    return [when_bits(when, bits, everything) for when in whens]


def fire_matrix(whens: Sequence[When], evidences: Sequence[NormalisedEvidence]) -> np.ndarray:
    """Which condition holds on which evidence: bool [n, r]."""
    return unpack(pack(conditions(whens, evidences), len(evidences)), len(evidences)).T


def vote_matrix(rules: Sequence[Rule], labels: Sequence[str]) -> np.ndarray:
    """Each rule's weight in the column of its label: float [r, m]."""
    votes = np.zeros((len(rules), len(labels)))
    for row, rule in enumerate(rules):
        votes[row, labels.index(rule.label)] = rule.weight
    return votes


def pack(bit_sets: Sequence[int], n: int) -> np.ndarray:
    """Bit sets over n evidences as rows of 64-bit words: uint64 [k, ceil(n / 64)]."""
    words = max(1, -(-n // 64))
    raw = b"".join(bits.to_bytes(words * 8, "little") for bits in bit_sets)
    return np.frombuffer(raw, dtype="<u8").reshape(len(bit_sets), words)


def unpack(packed: np.ndarray, n: int) -> np.ndarray:
    """The inverse of `pack`: bool [k, n]."""
    flat = np.ascontiguousarray(packed).view(np.uint8).reshape(len(packed), packed.shape[1] * 8)
    return np.unpackbits(flat, axis=1, bitorder="little", count=n).astype(bool)
