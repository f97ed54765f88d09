"""Initial embeddings from co-occurrence counts: words that occur together get similar vectors, as do their labels.

A few thousand steps are too few to learn the meaning of eight thousand tokens from nothing. Counts have it at
once: the embeddings start as the truncated SVD of the positive pointwise mutual information between tokens of
the world (Levy & Goldberg 2014, 'Neural word embedding as implicit matrix factorization', with their smoothed
contexts). The label's own tokens count as neighbours of every token of its sample; as input and output
embeddings are tied, a label then starts as the answer to the words that go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.extmath import randomized_svd

WINDOW = 5
"""Tokens to either side that count as neighbours."""
SMOOTHING = 0.75
"""Exponent of the contexts' counts."""


def count_neighbours(texts: Iterable[tuple[Sequence[int], Sequence[int]]], vocab_size: int) -> sp.csr_matrix:
    """How often tokens stand together, [vocabulary, vocabulary], symmetric.

    Args:
        texts: token ids of a short text, and those of the label that it tells (may be empty).
    """
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    for ids, label in texts:
        row = np.asarray(ids, np.int32)
        for gap in range(1, min(WINDOW, len(row) - 1) + 1):
            left.append(row[:-gap])
            right.append(row[gap:])
        for token in label:
            left.append(row)
            right.append(np.full_like(row, token))
    rows, columns = np.concatenate(left), np.concatenate(right)
    counts = sp.coo_matrix((np.ones(len(rows)), (rows, columns)), (vocab_size, vocab_size)).tocsr()
    return sp.csr_matrix(counts + counts.T)


def embeddings_from(counts: sp.csr_matrix, width: int, scale: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows [tokens seen, width] whose entries are `scale` in the mean, and the ids [tokens seen] they are for."""
    total = counts.sum()
    each = np.asarray(counts.sum(1)).ravel()
    context = each**SMOOTHING
    pairs = counts.tocoo()
    expected = each[pairs.row] / total * context[pairs.col] / context.sum()
    information = np.maximum(np.log(pairs.data / total / expected), 0.0)
    matrix = sp.csr_matrix((information, (pairs.row, pairs.col)), counts.shape)
    left, values, _ = randomized_svd(matrix, width, n_iter=3, random_state=seed)
    seen = np.flatnonzero(each)
    rows = (left * np.sqrt(values))[seen]
    rows *= scale * np.sqrt(width) / np.linalg.norm(rows, axis=1).mean()
    return torch.from_numpy(rows).float(), torch.from_numpy(seen)
