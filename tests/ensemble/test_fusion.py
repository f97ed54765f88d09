"""Fusion finds the expert that knows, ignores noise, bears abstention and calibrates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kdsl.ensemble.fusion import Fusion, fit_fusion, fit_weights
from kdsl.scores import fit_temperature, log_softmax


def scores_of(gold: np.ndarray, labels: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    logits = rng.normal(size=(len(gold), labels))
    logits[np.arange(len(gold)), gold] += strength
    return log_softmax(logits)


def test_the_expert_that_knows_gets_the_weight() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 5, 400)
    weights = fit_weights({"good": scores_of(gold, 5, 3.0, rng), "noise": scores_of(gold, 5, 0.0, rng)}, gold)
    assert weights["good"] > 0.8
    assert weights["noise"] < 0.1


def test_two_independent_experts_beat_each_alone() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 8, 1200)
    scores = {"a": scores_of(gold, 8, 1.5, rng), "b": scores_of(gold, 8, 1.5, rng)}
    train, test = slice(0, 600), slice(600, None)
    fusion, held_out = fit_fusion({k: v[train] for k, v in scores.items()}, gold[train], seed=0)
    fused = fusion.log_probabilities({k: v[test] for k, v in scores.items()}).argmax(1)
    accuracy = (fused == gold[test]).mean()
    assert accuracy > max((v[test].argmax(1) == gold[test]).mean() for v in scores.values()) + 0.05
    assert held_out.shape == (600, 8)


def test_an_abstaining_expert_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    a = scores_of(np.zeros(6, int), 4, 2.0, rng)
    silent = np.full_like(a, np.nan)
    both = Fusion({"a": 1.0, "b": 5.0}).log_probabilities({"a": a, "b": silent})
    assert np.allclose(both, Fusion({"a": 1.0}).log_probabilities({"a": a}))


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(3)
    honest = log_softmax(rng.normal(size=(4000, 6)) * 2)
    gold = np.array([rng.choice(6, p=np.exp(row)) for row in honest])
    assert abs(fit_temperature(honest * 3, gold) - 3) < 0.3


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_fused_rows_are_distributions(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = {"a": rng.normal(size=(4, labels)) * 20, "b": np.full((4, labels), np.nan)}
    fused = Fusion({"a": 2.0, "b": 1.0}, temperature=0.5).log_probabilities(scores)
    assert np.allclose(np.exp(fused).sum(axis=1), 1)


def test_an_expert_that_never_saw_a_label_leaves_its_share_to_those_that_know_it() -> None:
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 4, 400)  # label 4 has no sample
    reads = scores_of(gold, 5, 2.0, rng)
    counts = np.hstack([scores_of(gold, 4, 2.0, rng), np.full((400, 1), -9.0)])
    fusion, _ = fit_fusion({"reads": reads, "counts": counts}, gold, seed=0, unlabelled=[4])
    assert fusion.ignorant == ("counts",)
    alone = Fusion({"reads": fusion.weights["reads"]}).log_probabilities({"reads": reads})
    fused = replace(fusion, temperature=1.0).log_probabilities({"reads": reads, "counts": counts})
    assert np.allclose(fused[:, 4], alone[:, 4])
    assert (fused[:, :4].argmax(1) == gold).mean() > (alone[:, :4].argmax(1) == gold).mean() + 0.05


def test_where_no_expert_knows_a_label_fusion_stays_as_it_is() -> None:
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 4, 100)
    counts = np.hstack([scores_of(gold, 4, 2.0, rng), np.full((100, 1), -9.0)])
    with_it, _ = fit_fusion({"counts": counts}, gold, seed=0, unlabelled=[4])
    without, _ = fit_fusion({"counts": counts}, gold, seed=0)
    assert with_it == without
