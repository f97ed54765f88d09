"""Word groups found without labels: the phrases of the samples that an encoder of texts puts near each other.

A group is made around each phrase, wider or narrower, and named by its commonest word. The encoder comes as a function,
because rules do not know where it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from kdsl.rules.groups import WordGroup
from kdsl.rules.normalised import spaced_units
from kdsl.words import is_word, units

Embed = Callable[[Sequence[str]], np.ndarray]
"""Unit vectors [n, d] of n texts."""

NEAR, NEAR_ON_SCREEN = (0.8, 0.65, 0.55), (0.8, 0.65)
"""Cosines from which a phrase belongs to the group of another: words of one meaning, and of one topic. Lines of screens
are set phrases of few characters, whose widest groups hold what only shares a character."""
MOST_WORDS = 8
"""Words of a group, so that a person can read it at a glance."""
MOST_PHRASES = 3000
"""Phrases that are compared, the commonest first; each costs a call of the encoder."""


class WordGroups:
    """Makes groups of which no two have the same words or the same name.

    Args:
        taken: names that groups of a person have.
    """

    def __init__(self, embed: Embed, taken: Iterable[str] = ()) -> None:
        self._embed = embed
        self._names = set(taken)

    def around(self, seeds: Iterable[str], phrases: Mapping[str, int], nearness: Sequence[float]) -> list[WordGroup]:
        """Groups around the seeds, each of two words or more, of words or of characters alone as the seed is.

        Args:
            phrases: those that may stand in a group, the seeds among them -> bit set of the samples that hold them.
            nearness: cosines from which a phrase belongs to the group of another; a group is made for each.
        """
        common = sorted(phrases, key=lambda phrase: (-phrases[phrase].bit_count(), phrase))[:MOST_PHRASES]
        at = {phrase: i for i, phrase in enumerate(common)}
        rows = [at[seed] for seed in seeds if seed in at]
        if not rows:
            return []
        vectors = self._embed(common)
        near = vectors[rows] @ vectors.T
        written = np.array([any(map(is_word, units(phrase))) for phrase in common])
        near[written[rows][:, None] != written] = -1.0
        found: dict[frozenset[str], None] = {}
        for level in nearness:
            for row in near:
                nearest = np.argsort(-row, kind="stable")[: int((row >= level).sum())][: 4 * MOST_WORDS]
                words = _needed([common[i] for i in nearest])[:MOST_WORDS]
                if len(words) > 1:
                    found.setdefault(frozenset(words))
        groups = []
        for group in found:
            by_number = sorted(group, key=at.__getitem__)
            name = next((word for word in by_number if word not in self._names), None)
            if name is not None:  # every word names another group already, so this one says little that they do not
                self._names.add(name)
                groups.append(WordGroup(name, tuple(by_number)))
        return groups


def _needed(phrases: Sequence[str]) -> list[str]:
    """The phrases that hold no other of them: who looks for 'size' gains nothing by looking for 'bed size'."""
    spaced = [spaced_units(phrase) for phrase in phrases]
    return [p for p, mine in zip(phrases, spaced, strict=True) if not any(o in mine and o != mine for o in spaced)]
