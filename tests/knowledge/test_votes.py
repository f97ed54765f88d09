"""Neighbours and votes: who is put forward, what a vote weighs, and weights that fit what rankers tell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kdsl.knowledge.votes import (
    PRIOR_POWER,
    PRIOR_WEIGHT,
    SMOOTHING,
    joined,
    learn_weights,
    log_votes,
    neighbours,
)


def test_each_ranker_puts_its_first_forward_and_nothing_hidden_or_unlike() -> None:
    similarities = np.array([[[0.9, 0.5, 0.0, 0.1]], [[0.0, 0.2, 0.0, 0.8]]])  # [2 rankers, 1 query, 4 documents]
    near = neighbours(similarities, np.array([[True, True, True, True]]), each=1)
    assert near.rows.tolist() == [[0, 3]]
    assert near.nominated.tolist() == [[[True, False], [False, True]]]
    np.testing.assert_array_equal(near.similarities[0], [[0.9, 0.0], [0.1, 0.8]])
    hidden = neighbours(similarities, np.array([[False, True, True, True]]), each=1)
    assert hidden.rows.tolist() == [[1, 3]]
    assert neighbours(similarities, np.array([[False, False, True, False]]), each=2).rows.shape == (1, 0)


def test_documents_as_alike_as_the_last_are_put_forward_too() -> None:
    near = neighbours(np.full((1, 1, 5), 0.5), np.ones((1, 5), bool), each=2)
    assert near.rows.tolist() == [[0, 1, 2, 3, 4]]


def test_a_vote_falls_with_distance_and_with_the_size_of_its_label() -> None:
    near = neighbours(np.array([[[0.9, 0.8, 0.8]]]), np.ones((1, 3), bool))
    labels, counts = np.array([0, 1, 1]), np.array([1, 2, 0])
    found = np.exp(log_votes(near, np.array([10.0]), labels, counts))[0]
    ratio = 2 * np.exp(-1) / 2**PRIOR_POWER
    share = (1 - SMOOTHING) / (1 + ratio)
    np.testing.assert_allclose(found, [share + SMOOTHING / 3, share * ratio + SMOOTHING / 3, SMOOTHING / 3], atol=1e-9)


def test_a_query_without_neighbours_abstains() -> None:
    near = neighbours(np.array([[[0.9], [0.0]]]), np.ones((2, 1), bool))
    found = log_votes(near, np.array([5.0]), np.array([1]), np.array([0, 1]))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_blocks_of_different_width_join() -> None:
    wide = neighbours(np.array([[[0.9, 0.8]]]), np.ones((1, 2), bool))
    narrow = neighbours(np.array([[[0.9, 0.0]]]), np.ones((1, 2), bool))
    both = joined([narrow, wide])
    assert both.rows.tolist() == [[0, -1], [0, 1]]
    labels, counts, weights = np.array([0, 1]), np.array([1, 1]), np.array([3.0])
    apart = np.concatenate([log_votes(part, weights, labels, counts) for part in (narrow, wide)])
    np.testing.assert_array_equal(log_votes(both, weights, labels, counts), apart)


def test_a_ranker_that_tells_gets_weight_and_noise_loses_it() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    gold = rng.integers(0, 3, 80)
    telling = rng.random((80, 60)) * 0.5 + 0.5 * (labels[None] == gold[:, None])
    noise = rng.random((80, 60))
    near = neighbours(np.stack([telling, noise]), np.ones((80, 60), bool))
    telling_weight, noise_weight = learn_weights(near, labels, np.bincount(labels), gold)
    assert noise_weight < PRIOR_WEIGHT
    assert telling_weight > 1.5 * PRIOR_WEIGHT


def test_nothing_to_learn_from_keeps_the_prior() -> None:
    near = neighbours(np.zeros((2, 3, 4)), np.ones((3, 4), bool))
    learned = learn_weights(near, np.zeros(4, int), np.array([4, 0]), np.zeros(3, int))
    np.testing.assert_allclose(learned, PRIOR_WEIGHT)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 9))
def test_votes_are_probabilities_of_whatever_is_near(seed: int, rankers: int, documents: int) -> None:
    rng = np.random.default_rng(seed)
    near = neighbours(
        rng.random((rankers, 5, documents)) * (rng.random((rankers, 5, documents)) < 0.5),
        rng.random((5, documents)) < 0.7,
        2,
    )
    labels = rng.integers(0, 3, documents)
    found = log_votes(near, rng.random(rankers) * 40, labels, np.bincount(labels, minlength=3))
    said = ~np.isnan(found).any(axis=1)
    assert said.tolist() == (near.rows >= 0).any(axis=1).tolist()
    np.testing.assert_allclose(np.exp(found[said]).sum(axis=1), 1)
    assert found[said].min(initial=0) >= np.log(SMOOTHING / 3) - 1e-9


def test_learning_ends_at_a_minimum_of_what_it_minimises() -> None:
    """Weights a little off in any direction fit no better: the gradient is that of the loss."""
    rng = np.random.default_rng(1)
    labels, gold = rng.integers(0, 4, 30), rng.integers(0, 4, 40)
    similarities = rng.random((3, 40, 30)) + 0.3 * (labels == gold[:, None])
    near, counts = neighbours(similarities, np.ones((40, 30), bool)), np.bincount(labels, minlength=4)

    def loss(weights: np.ndarray) -> float:
        told = log_votes(near, weights, labels, counts)[np.arange(40), gold]
        return float(-told.sum() + (np.log(weights / PRIOR_WEIGHT) ** 2).sum())

    best = learn_weights(near, labels, counts, gold)
    for ranker in range(3):
        for factor in (0.97, 1.03):
            moved = best.copy()
            moved[ranker] *= factor
            assert loss(moved) > loss(best) - 1e-6
    assert loss(best) < loss(np.full(3, PRIOR_WEIGHT))
