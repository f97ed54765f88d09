"""The labels of a task as one tree of tokens, so that a single forward pass scores all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kdsl.errors import ConfigError
from kdsl.models.chat import ChatFrame


class LabelTree:
    """The trie over all labels' tokens, each label closed by the end-of-turn token.

    The closing token tells a label from a longer one that begins with it, and is what a model learns that is
    trained to answer with the label alone. Only inner nodes are fed to the model; the closing tokens, the
    trie's leaves, are but predicted.

    Attributes (n inner nodes, e edges, m labels; row 0 of the model's outputs is the prompt's last token, row
    i + 1 is inner node i):
        ids: tokens of the inner nodes, parents first, [n].
        depth: distance of each inner node from the prompt's end, from 0, [n].
        sees: which inner nodes each one attends to, itself and its ancestors, bool [n, n].
        edge_row: the output row that predicts each edge's token, [e].
        edge_token: that token, [e].
        paths: 1 where an edge lies on a label's path, [e, m].
        n_tokens: output tokens that answering with each label takes, its closing token included.
    """

    def __init__(self, frame: ChatFrame, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        sequences = [[*ids, frame.end_of_turn] for ids in frame.ids(self.labels)]
        for label, ids in zip(self.labels, sequences, strict=True):
            if special := frame.special_ids.intersection(ids[:-1]):
                found = frame.tokenizer.decode(sorted(special)[:1])
                raise ConfigError(f"label '{label}' holds the special token '{found}'; rename it in the task file.")
        self.n_tokens = tuple(len(ids) for ids in sequences)
        nodes: dict[tuple[int, ...], int] = {}  # path from the root -> inner node
        edges: dict[tuple[int, ...], int] = {}
        for ids in sequences:
            for end in range(1, len(ids) + 1):
                path = tuple(ids[:end])
                edges.setdefault(path, len(edges))
                if end < len(ids):
                    nodes.setdefault(path, len(nodes))
        n = len(nodes)
        self.ids = torch.tensor([path[-1] for path in nodes])
        self.depth = torch.tensor([len(path) - 1 for path in nodes])
        self.sees = torch.eye(n, dtype=torch.bool)
        for path, node in nodes.items():
            if parent := path[:-1]:
                self.sees[node] |= self.sees[nodes[parent]]
        self.edge_row = torch.tensor([nodes[path[:-1]] + 1 if len(path) > 1 else 0 for path in edges])
        self.edge_token = torch.tensor([path[-1] for path in edges])
        self.paths = torch.zeros(len(edges), len(sequences), dtype=torch.float64)
        for column, ids in enumerate(sequences):
            for end in range(1, len(ids) + 1):
                self.paths[edges[tuple(ids[:end])], column] = 1

    def __len__(self) -> int:
        """Inner nodes: the tokens that scoring adds to a prompt."""
        return len(self.ids)

    def positions(self, starts: torch.Tensor) -> torch.Tensor:
        """Positions [3, b, n] of the inner nodes when labels begin at `starts` [b]."""
        return (starts[:, None] + self.depth).expand(3, -1, -1)

    def mask(self, real: torch.Tensor, held: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
        """Additive mask [b, 1, s + n, p + s + n]: s text tokens (`real` [b, s] where not padding) and the n nodes
        over a cached prefix (`held` [b, p] where not padding)."""
        b, s = real.shape
        p, n = (0 if held is None else held.shape[1]), len(self)
        allowed = torch.zeros(b, s + n, p + s + n, dtype=torch.bool, device=real.device)
        if held is not None:
            allowed[:, :, :p] = held[:, None]
        allowed[:, :, p : p + s] = real[:, None]
        allowed[:, :s, p : p + s] &= torch.ones(s, s, dtype=torch.bool, device=real.device).tril()
        allowed[:, s:, p + s :] = self.sees
        mask = torch.zeros(allowed.shape, dtype=dtype, device=real.device)
        return mask.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Log-probability of writing each label and closing its turn, [b, m], from logits [b, 1 + n, v]."""
        edges = logits[:, self.edge_row, self.edge_token] - logits.logsumexp(-1)[:, self.edge_row]
        return edges.double() @ self.paths

    def to(self, device: torch.device) -> LabelTree:
        """Move the tensors to a device, in place."""
        for name in ("ids", "depth", "sees", "edge_row", "edge_token", "paths"):
            setattr(self, name, getattr(self, name).to(device))
        return self
