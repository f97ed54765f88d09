"""How the labels of a tree are run as causal rows: in few forward passes, and shared tokens once where that pays.

A layer that keeps a state instead of keys and values sees every token before it in its row, whatever a mask says. So
each label is a row of its own, behind a copy of the prompt's state. Rows that continue from one pass to the next all
have the same length: what pads a row would change its state.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

FORWARD = 32
"""What one more forward pass costs, in tokens: it reads all weights again. Assumed: less on a CPU, more on a GPU."""


@dataclass(frozen=True)
class RowPass:
    """The rows of one forward pass over a sample's labels.

    `parents` [r] say which row of the pass before each row continues (of the first pass: 0, the prompt), `nodes` [r, t]
    which inner nodes of the tree its tokens are, -1 behind the end of a label.
    """

    parents: torch.Tensor
    nodes: torch.Tensor


def row_passes(attends: torch.Tensor, forward: float = FORWARD) -> tuple[RowPass, ...]:
    """The passes that together run each inner node of a tree at least once, at the least cost in tokens.

    Args:
        attends: which nodes each node attends to, itself and its ancestors, parents first, bool [n, n].
        forward: the cost of one more pass.
    """
    last = attends.sum(0) == 1  # nobody but itself attends to it
    chains = [tuple(row.nonzero().flatten().tolist()) for row in attends[last]]
    longest = max(map(len, chains), default=0)
    # from a depth on: the cost, and where passes end
    cheapest: dict[int, tuple[float, list[int]]] = {longest: (0.0, [])}
    for start in range(longest - 1, -1, -1):
        ways = []
        for end in range(start + 1, longest + 1):
            tokens = sum(len(row) - start for row in _rows(chains, start, end))
            cost, ends = cheapest[end]
            ways.append((forward + tokens + cost, [end, *ends]))
        cheapest[start] = min(ways)
    passes: list[RowPass] = []
    before: list[tuple[int, ...]] = [()]
    start = 0
    for end in cheapest[0][1]:
        rows = _rows(chains, start, end)
        nodes = torch.full((len(rows), max(map(len, rows)) - start), -1)
        for i, row in enumerate(rows):
            nodes[i, : len(row) - start] = torch.tensor(row[start:])
        number = {row: i for i, row in enumerate(before)}
        passes.append(RowPass(torch.tensor([number[row[:start]] for row in rows]), nodes))
        before, start = rows, end
    return tuple(passes)


def _rows(chains: list[tuple[int, ...]], start: int, end: int) -> list[tuple[int, ...]]:
    """What of the chains that go beyond `start` is within `end`, each beginning once, in order."""
    return list(dict.fromkeys(chain[:end] for chain in chains if len(chain) > start))
