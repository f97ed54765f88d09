"""The objective: what it weighs is the label tree's own distribution."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from kdsl.training.nano.loss import LabelTrie, Targets, weighted_loss

END = 9
ANSWERS = [[1, END], [1, 2, END], [3, 4, END], [5, END]]


def test_rows_allow_what_continues_to_some_label() -> None:
    trie = LabelTrie(10)
    rows = trie.add(ANSWERS)
    masks = trie.masks()
    assert masks[0].all()
    assert masks[rows[0][0]].nonzero()[:, 0].tolist() == [1, 3, 5]
    assert masks[rows[0][1]].nonzero()[:, 0].tolist() == [2, END]
    assert rows[0][1] == rows[1][1] != rows[2][1]


def test_the_sharp_part_sums_to_a_distribution_over_labels() -> None:
    """exp(-loss) of all labels, each answered with logits that depend on its prefix alone, adds up to one."""
    trie = LabelTrie(10)
    rows = trie.add(ANSWERS)
    generator = torch.Generator().manual_seed(0)
    logits = {(): torch.randn(10, generator=generator)}
    for answer in ANSWERS:
        for i in range(1, len(answer)):
            logits.setdefault(tuple(answer[:i]), torch.randn(10, generator=generator))
    total = 0.0
    for answer, row in zip(ANSWERS, rows, strict=True):
        at = torch.stack([logits[tuple(answer[:i])] for i in range(len(answer))])
        n = len(answer)
        targets = Targets(torch.arange(n), torch.tensor(answer), torch.tensor(row), torch.ones(n))
        plain = weighted_loss(at, targets, trie.masks(), sharpness=0.0)
        total += math.exp(-float(weighted_loss(at, targets, trie.masks(), sharpness=1.0) - plain))
    assert total == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("shares", "sharpness"), itertools.product([(1.0, 1.0), (0.5, 0.0)], [0.0, 2.0]))
def test_weights_scale_each_target(shares: tuple[float, float], sharpness: float) -> None:
    trie = LabelTrie(10)
    rows = trie.add(ANSWERS)
    logits = torch.randn(2, 10, generator=torch.Generator().manual_seed(1))
    token, row = torch.tensor([5, 7]), torch.tensor([rows[3][0], 0])
    loss = weighted_loss(logits, Targets(torch.arange(2), token, row, torch.tensor(shares)), trie.masks(), sharpness)
    plain = -logits.log_softmax(-1)[[0, 1], token]
    among = -logits[0, [1, 3, 5]].log_softmax(-1)[2]
    assert float(loss) == pytest.approx(float(plain @ torch.tensor(shares) + sharpness * shares[0] * among), rel=1e-5)
