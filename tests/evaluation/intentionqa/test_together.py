"""Learned weights see no product on both sides."""

from __future__ import annotations

import numpy as np

from kdsl.evaluation.intentionqa.answers import Answers
from kdsl.evaluation.intentionqa.items import Item
from kdsl.evaluation.intentionqa.together import features_of, learned, product_groups


def made(n: int, products: int) -> list[Item]:
    return [
        Item(str(i), 1, ("a", "b"), (f"a{i % products}", f"b{i % products}"), "", ("w", "x", "y", "z"), i % 4)
        for i in range(n)
    ]


def test_items_that_share_a_product_through_others_are_one_group() -> None:
    pairs = [("a", "b"), ("c", "d"), ("b", "e"), ("f", "g"), ("e", "c")]
    items = [Item(str(i), 1, ("", ""), pair, "", ("w", "x", "y", "z"), 0) for i, pair in enumerate(pairs)]
    groups = product_groups(items).tolist()
    assert groups[0] == groups[1] == groups[2] == groups[4] != groups[3]


def test_what_tells_the_answer_is_weighed_and_noise_is_not() -> None:
    items = made(200, 40)
    rng = np.random.default_rng(0)
    gold = np.eye(4)[[item.gold for item in items]]
    told = gold + rng.normal(0, 0.4, (200, 4))
    scores = learned(np.stack([rng.normal(0, 9, (200, 4)), told], -1), items)
    assert (scores.argmax(1) == gold.argmax(1)).mean() > (told.argmax(1) == gold.argmax(1)).mean() - 0.02


def test_a_product_learned_by_heart_is_worth_nothing() -> None:
    """A feature per product that points at its own items' answers: useless for products that were not seen."""
    items = made(160, 8)
    features = np.zeros((160, 4, 8))
    for number, item in enumerate(items):
        features[number, item.gold, number % 8] = 1
    scores = learned(features, items)
    assert np.abs(scores).max() < 1e-6


def test_priors_alone_hold_no_fit() -> None:
    fit, prior = np.ones((2, 4)), np.arange(8.0).reshape(2, 4)
    answers = [
        Answers("a", fit, prior, np.zeros(2, bool)),
        Answers("b", 2 * fit, np.zeros((2, 4)), np.zeros(2, bool)),
    ]
    assert features_of(answers).shape == (2, 4, 3)
    np.testing.assert_array_equal(features_of(answers, priors_alone=True)[..., 0], prior)
