"""Experts vote where held-out samples gain by it."""

from __future__ import annotations

import numpy as np

from kdsl.config import EnsembleConfig
from kdsl.ensemble.router import ENOUGH, fit_router
from kdsl.ensemble.selection import voting_experts
from kdsl.scores import OutOfFold, log_softmax

RNG = np.random.default_rng(0)
GOLD = RNG.integers(0, 6, 300)


def _scores(strength: float, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(len(GOLD), 6))
    logits[np.arange(len(GOLD)), GOLD] += strength
    return log_softmax(logits)


def test_who_only_repeats_another_or_knows_nothing_has_no_vote() -> None:
    best = _scores(3.0, 1)
    echo = log_softmax(0.5 * best + np.random.default_rng(2).normal(size=best.shape) * 0.5)
    scores = {"echo": echo, "noise": _scores(0.0, 3), "best": best}
    assert voting_experts(scores, GOLD, seed=0) == ["best"]


def test_who_knows_something_else_votes_too_the_best_first() -> None:
    scores = {"other": _scores(1.5, 4), "best": _scores(3.0, 1)}
    assert voting_experts(scores, GOLD, seed=0) == ["best", "other"]


def test_who_knows_labels_without_a_sample_votes() -> None:
    shown, unseen = GOLD % 5, 5
    said = np.log(np.full((len(GOLD), 6), 0.1))
    said[:, unseen] = np.log(0.5)  # worse than any other where only labels with samples are asked about
    ignorant = _scores(3.0, 1)[:, :5]
    full = np.hstack([log_softmax(ignorant), np.full((len(GOLD), 1), -9.0)])
    chosen = voting_experts({"ignorant": full, "describes": log_softmax(said)}, shown, seed=0, unlabelled=[unseen])
    assert chosen[0] == "describes"


def test_a_fit_asks_only_those_who_vote_and_few_samples_leave_nobody_out() -> None:
    best = _scores(3.0, 1)
    scores = {"best": best, "echo": log_softmax(0.5 * best + np.random.default_rng(2).normal(size=best.shape) * 0.5)}
    ids = tuple(map(str, range(len(GOLD))))
    asked: list[str] = []
    whole = OutOfFold(ids, GOLD, scores)
    router = fit_router(whole, lambda names, fused, rows: asked.extend(names) or {}, EnsembleConfig(), seed=0)
    assert router.names == {"best"}
    assert asked == ["best"]
    few = OutOfFold(ids[: ENOUGH - 1], GOLD[: ENOUGH - 1], {k: v[: ENOUGH - 1] for k, v in scores.items()})
    assert fit_router(few, lambda *_: {}, EnsembleConfig(), seed=0).names == {"best", "echo"}


def test_where_all_mislead_every_label_is_as_likely() -> None:
    scores = {name: _scores(-2.0, seed) for name, seed in (("one", 5), ("other", 6))}
    router = fit_router(OutOfFold(tuple(map(str, range(len(GOLD)))), GOLD, scores), lambda *_: {}, EnsembleConfig(), 0)
    np.testing.assert_allclose(router.first.log_probabilities(scores), -np.log(6))
