"""`LabelTree`: the labels of a task as a tree of tokens, so that one forward pass scores all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from kdsl.errors import ConfigError
from kdsl.models.chat import ChatFrame
from kdsl.models.label_rows import RowPass, row_passes


class LabelTree:
    """The trie over the tokens of all labels, each label followed by the end-of-turn token.

    The end-of-turn token distinguishes a label from a longer one that starts with it; models that are trained to answer
    with just the label predict it. A model that was not would go on after an answer: with `closed=False` labels are
    what an answer begins with, and have no end. Only inner nodes are input tokens; the leaves are only predicted.

    Attributes (n inner nodes, e edges, m labels; row 0 of the model's outputs is the prompt's last token, row
    i + 1 is inner node i):
        ids: tokens of the inner nodes, parents first, [n].
        depth: distance of each inner node from the prompt's end, from 0, [n].
        attends: which inner nodes each one attends to, itself and its ancestors, bool [n, n].
        edge_row: the output row that predicts each edge's token, [e].
        edge_token: that token, [e].
        paths: 1 where an edge is on a label's path, [e, m].
        sequences: tokens of each label, with its end-of-turn token.
        n_tokens: output tokens of an answer with each label, including its end-of-turn token.
    """

    def __init__(self, frame: ChatFrame, labels: Sequence[str], *, closed: bool = True) -> None:
        self.labels = tuple(labels)
        texts = frame.ids(self.labels)
        self.sequences = tuple((*ids, frame.end_of_turn) if closed else tuple(ids) for ids in texts)
        for label, ids in zip(self.labels, texts, strict=True):
            if special := frame.special_ids.intersection(ids):
                found = frame.tokenizer.decode(sorted(special)[:1])
                raise ConfigError(f"label '{label}' holds the special token '{found}'; rename it in the task file.")
        self.n_tokens = tuple(len(ids) for ids in self.sequences)
        nodes: dict[tuple[int, ...], int] = {}  # path from the root -> inner node
        edges: dict[tuple[int, ...], int] = {}
        for tokens in self.sequences:
            for end in range(1, len(tokens) + 1):
                path = tokens[:end]
                edges.setdefault(path, len(edges))
                if end < len(tokens):
                    nodes.setdefault(path, len(nodes))
        n = len(nodes)
        self.ids = torch.tensor([path[-1] for path in nodes], dtype=torch.long)  # without a node, too
        self.depth = torch.tensor([len(path) - 1 for path in nodes], dtype=torch.long)
        self.attends = torch.eye(n, dtype=torch.bool)
        for path, node in nodes.items():
            if parent := path[:-1]:
                self.attends[node] |= self.attends[nodes[parent]]
        self.edge_row = torch.tensor([nodes[path[:-1]] + 1 if len(path) > 1 else 0 for path in edges])
        self.edge_token = torch.tensor([path[-1] for path in edges])
        self.paths = torch.zeros(len(edges), len(self.sequences), dtype=torch.float64)
        for column, tokens in enumerate(self.sequences):
            for end in range(1, len(tokens) + 1):
                self.paths[edges[tokens[:end]], column] = 1

    def __len__(self) -> int:
        """Number of inner nodes: the tokens that scoring adds to a prompt."""
        return len(self.ids)

    def positions(self, starts: torch.Tensor) -> torch.Tensor:
        """Positions [b, n] of the inner nodes if labels start at `starts` [b]."""
        return starts[:, None] + self.depth

    def mask(self, real: torch.Tensor, held: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
        """Additive mask [b, 1, s + n, p + s + n] of s text tokens and n nodes over a cached prefix of p tokens; `real`
        [b, s] and `held` [b, p] are False at padding."""
        b, s = real.shape
        p, n = (0 if held is None else held.shape[1]), len(self)
        allowed = torch.zeros(b, s + n, p + s + n, dtype=torch.bool, device=real.device)
        if held is not None:
            allowed[:, :, :p] = held[:, None]
        allowed[:, :, p : p + s] = real[:, None]
        allowed[:, :s, p : p + s] &= torch.ones(s, s, dtype=torch.bool, device=real.device).tril()
        allowed[:, s:, p + s :] = self.attends
        mask = torch.zeros(allowed.shape, dtype=dtype, device=real.device)
        return mask.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Log-probability of each label with its end of turn, [b, m], from logits [b, 1 + n, v]."""
        edges = logits[:, self.edge_row, self.edge_token] - logits.logsumexp(-1)[:, self.edge_row]
        return edges.double() @ self.paths

    @cached_property
    def passes(self) -> tuple[RowPass, ...]:
        """How the inner nodes are run as causal rows, where a tree cannot be."""
        return row_passes(self.attends.cpu())

    def to(self, device: torch.device) -> LabelTree:
        """Move the tensors to a device, in place."""
        for name in ("ids", "depth", "attends", "edge_row", "edge_token", "paths"):
            setattr(self, name, getattr(self, name).to(device))
        return self
