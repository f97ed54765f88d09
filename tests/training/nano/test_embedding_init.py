"""First embeddings: tokens that keep the same company lie together, and a label lies with the words that tell it."""

from __future__ import annotations

import random

import numpy as np
import torch

from kdsl.training.nano.embedding_init import count_neighbours, embeddings_from

RUST, FADE = 20, 21
WORDS = {RUST: (1, 2, 3, 4), FADE: (5, 6, 7, 8)}
FILLER = (10, 11, 12)


def test_counts_are_symmetric_and_keep_to_the_window() -> None:
    counts = count_neighbours([([1, 2, 3], [9]), ([4], [])], vocab_size=12).toarray()
    assert (counts == counts.T).all()
    assert counts[1, 2] == counts[1, 3] == counts[2, 9] == 1
    assert counts[4].sum() == 0
    far = count_neighbours([(list(range(8)), [])], vocab_size=8).toarray()
    assert far[0, 5] == 1
    assert far[0, 6] == 0


def test_labels_lie_with_the_words_that_tell_them() -> None:
    rng = random.Random(0)
    texts = []
    for i in range(600):
        label = (RUST, FADE)[i % 2]
        texts.append((rng.sample(WORDS[label], 3) + rng.sample(FILLER, 2), [label]))
    rows, seen = embeddings_from(count_neighbours(texts, 24), width=4, scale=0.02, seed=0)
    assert seen.tolist() == sorted([*WORDS[RUST], *WORDS[FADE], *FILLER, RUST, FADE])
    assert np.isclose(float(rows.norm(dim=1).mean()), 0.02 * 2)
    unit = {token: row / row.norm() for token, row in zip(seen.tolist(), rows, strict=True)}

    def near(token: int, label: int) -> float:
        return float(torch.dot(unit[token], unit[label]))

    for label, other in ((RUST, FADE), (FADE, RUST)):
        assert min(near(word, label) for word in WORDS[label]) > max(near(word, other) for word in WORDS[label])
