"""`ServerScorer`: scores all labels of a task like `LabelScorer`, with a model behind a server.

The score of a label is the sum of the log-probabilities of its tokens and the end of turn after the prompt, as in this
process. One sample is one model call, in however many requests it is asked:

- a prompt of text is sent as tokens. Each inner node of the label tree is one prompt that asks for the tokens of its
  branches (the server's prefix cache holds what they share); an older server is sent one prompt per label.
- a prompt with pictures is one message per label, since pictures go through the server's own chat template. Every
  token that the server made of it is compared with what it should be.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL.Image import Image

from kdsl.config import PromptConfig
from kdsl.errors import ServerError
from kdsl.evidence.types import Evidence
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import CONTEXT_SHARE, Prompt, ask, build_prompt, fit_context, read_of
from kdsl.models.scorer import LabelScores
from kdsl.models.server_client import ServerClient
from kdsl.models.server_model import ServerModel
from kdsl.tasks import Task

MOST_TOKENS = 100
"""Tokens that one request asks for after its prompts; vLLM takes 128."""
PROMPTS = 256
"""Prompts in one request; vLLM takes 1024."""


class ServerScorer:
    """Scores a task's labels; the same methods as `LabelScorer`.

    Args:
        name: what the server calls the model or adapter.
        shifts: label -> the value to subtract from its log-probability (logit adjustment of the adapter).

    Raises:
        ServerError, ConfigError: as `ServerModel.served` raises them.
    """

    def __init__(
        self,
        model: ServerModel,
        task: Task,
        prompt_config: PromptConfig,
        name: str,
        shifts: Mapping[str, float],
    ) -> None:
        self.model = model
        self.task = task
        self.prompt_config = prompt_config
        self.name = name
        self.shifts = shifts
        self.frame = model.frame
        self.tree = LabelTree(self.frame, task.names)
        context = int(prompt_config.max_tokens * CONTEXT_SHARE)
        self.served = model.served(name, prompt_config.limit(task) + context + max(self.tree.n_tokens))
        if task.input == "picture" and model.sees and self.served.prompts is not None:
            raise ServerError(f"{self.served.prompts}. Pictures of task '{task.name}' cannot be asked about there.")

    def viewed(self, prompt_config: PromptConfig) -> ServerScorer:
        """The same with other prompts."""
        return ServerScorer(self.model, self.task, prompt_config, self.name, self.shifts)

    def prompt(self, evidence: Evidence, context: Sequence[str] = ()) -> Prompt:
        """The prompt that `score` uses for a sample."""
        return build_prompt(evidence, self.task, self.prompt_config, self.frame, context=context)

    def score(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities over the task's labels, [n, m]: one model call per sample."""
        return self.score_prompts([self.prompt(evidence) for evidence in evidences]).log_probs

    def score_prompts(self, prompts: Sequence[Prompt], *, keep: bool = False) -> LabelScores:
        """Score prompts; with `keep`, keep them for `rescore` (keys and values stay at the server)."""
        scores = self._scores(self.tree, prompts)
        return replace(scores, states=tuple(prompts)) if keep else scores

    def rescore(
        self, states: Sequence[Prompt], contexts: Sequence[Sequence[str]], labels: Sequence[str] | None = None
    ) -> LabelScores:
        """A further call for samples: the same prompts, with a context and perhaps a shortlist of labels.

        Args:
            states: from `score_prompts(..., keep=True)`.
            contexts: per sample, snippets or rules to put before the question (may be empty).
            labels: a shortlist, which gives the order of columns; all labels by default.
        """
        for label in labels or ():
            self.task.index(label)
        tree = self.tree if labels is None else LabelTree(self.frame, labels)
        question = self.frame.neutralise(ask(self.task, self.prompt_config, tree.labels))
        given = [fit_context(context, self.prompt_config, self.frame) for context in contexts]
        prompts = [replace(s, context=text, question=question) for s, (text, *_) in zip(states, given, strict=True)]
        return replace(self._scores(tree, prompts), read=read_of(contexts, given))

    def _scores(self, tree: LabelTree, prompts: Sequence[Prompt]) -> LabelScores:
        raw = np.zeros((len(prompts), len(tree.labels)))
        jobs = [(row, job) for row, prompt in enumerate(prompts) for job in self._jobs(tree, prompt)]
        with ThreadPoolExecutor(self.model.server.in_flight) as pool:
            for row, part in pool.map(lambda job: (job[0], job[1]()), jobs):
                raw[row] += part
        scores = raw - np.array([self.shifts.get(label, 0.0) for label in tree.labels])
        log_probs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return LabelScores(tree.labels, log_probs, raw, tuple(prompts))

    def _jobs(self, tree: LabelTree, prompt: Prompt) -> Iterator[Callable[[], np.ndarray]]:
        """The requests for one prompt; the sum of what they give is the log-probability of each label [m]."""
        client, ids = self.model.client, self._ids(prompt)
        if prompt.pictures:
            pictures = [_data_url(picture) for picture in prompt.images]
            yield from (_OneMessage(self, tree, prompt, ids, pictures, column) for column in range(len(tree.labels)))
        elif self.served.steps:
            yield from (_Steps(client, self.name, tree, ids, edges) for edges in _parts(tree))
        else:
            for start in range(0, len(tree.labels), PROMPTS):
                columns = range(start, min(start + PROMPTS, len(tree.labels)))
                yield _Prompts(client, self.name, tree, ids, columns)

    def _ids(self, prompt: Prompt) -> list[int]:
        """The tokens of a prompt, as `kdsl.models.encode` makes them."""
        frame = self.frame
        pictures = [frame.picture_ids(p.size[0] * p.size[1] // self.model.factor**2) for p in prompt.pictures]
        prefix, tail = frame.ids([prompt.prefix, prompt.context + prompt.question])
        return [*frame.before, *(token for ids in pictures for token in ids), *prefix, *tail, *frame.after]


@dataclass(frozen=True)
class _Steps:
    """Edges of the tree, each asked for at its node."""

    client: ServerClient
    name: str
    tree: LabelTree
    ids: Sequence[int]
    edges: Sequence[int]

    def __call__(self) -> np.ndarray:
        rows = [int(self.tree.edge_row[edge]) for edge in self.edges]
        tokens = [int(self.tree.edge_token[edge]) for edge in self.edges]
        asked = sorted(set(rows))
        prompts = [[*self.ids, *path_of(self.tree, row)] for row in asked]
        found = dict(zip(asked, self.client.next_tokens(self.name, prompts, sorted(set(tokens))), strict=True))
        try:
            values = np.array([found[row][token] for row, token in zip(rows, tokens, strict=True)])
        except KeyError as error:
            raise ServerError(
                f"the server at {self.client.server.url} gave no log-probability of token {error}, though it was asked"
            ) from error
        return np.asarray(values @ self.tree.paths[list(self.edges)].numpy())


@dataclass(frozen=True)
class _Prompts:
    """Labels, each at the end of a prompt of tokens."""

    client: ServerClient
    name: str
    tree: LabelTree
    ids: Sequence[int]
    columns: Sequence[int]

    def __call__(self) -> np.ndarray:
        answers = [self.tree.sequences[column] for column in self.columns]
        found = self.client.given_tokens(self.name, [[*self.ids, *answer] for answer in answers])
        raw = np.zeros(len(self.tree.labels))
        for column, answer, positions in zip(self.columns, answers, found, strict=True):
            raw[column] = _tail(positions, [*self.ids, *answer], len(answer), self.client.server.url)
        return raw


@dataclass(frozen=True)
class _OneMessage:
    """One label as the answer to a message with pictures."""

    scorer: ServerScorer
    tree: LabelTree
    prompt: Prompt
    ids: Sequence[int]
    pictures: Sequence[str]
    column: int

    def __call__(self) -> np.ndarray:
        scorer, prompt = self.scorer, self.prompt
        if scorer.served.prompts is not None:
            raise ServerError(f"{scorer.served.prompts}. Pictures cannot be asked about there.")
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in self.pictures]
        content.append({"type": "text", "text": prompt.prefix + prompt.context + prompt.question})
        label = self.tree.labels[self.column]
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}, {"role": "assistant", "content": label}]
        positions = scorer.model.client.given_messages(scorer.name, messages)
        answer = self.tree.sequences[self.column]
        expected = [*self.ids, *answer]
        raw = np.zeros(len(self.tree.labels))
        # the template may write a line break after the end of turn
        raw[self.column] = _tail(positions[: len(expected) - 1], expected, len(answer), scorer.model.server.url)
        return raw


def path_of(tree: LabelTree, row: int) -> list[int]:
    """The tokens from the prompt's end to the node whose outputs are row `row`; none for row 0."""
    if row == 0:
        return []
    ids: list[int] = tree.ids[tree.attends[row - 1]].tolist()  # parents stand before their children
    return ids


def _parts(tree: LabelTree) -> Iterator[list[int]]:
    """The edges, as many at a time as one request may ask for."""
    part: list[int] = []
    rows: set[int] = set()
    tokens: set[int] = set()
    for edge in np.argsort(tree.edge_row.numpy(), kind="stable").tolist():
        row, token = int(tree.edge_row[edge]), int(tree.edge_token[edge])
        if len(tokens | {token}) > MOST_TOKENS or len(rows | {row}) > PROMPTS:
            yield part
            part, rows, tokens = [], set(), set()
        part.append(edge)
        rows.add(row)
        tokens.add(token)
    yield part


def _tail(positions: Sequence[Mapping[int, float]], expected: Sequence[int], n: int, url: str) -> float:
    """The sum of the last n tokens' log-probabilities, if the prompt consisted of the expected tokens.

    Raises:
        ServerError: it did not.
    """
    wrong = next((i for i, token in enumerate(expected[1:]) if i >= len(positions) or token not in positions[i]), None)
    if wrong is not None or len(positions) != len(expected) - 1:
        raise ServerError(
            f"the server at {url} made other tokens of a prompt than kdsl (from token {wrong} of {len(expected)}): its "
            "chat template, its tokenizer or the size to which it scales pictures is another. It must serve the "
            "model's own files (docs/gpu.md)."
        )
    return sum(entry[token] for entry, token in zip(positions[-n:], expected[-n:], strict=True))


def _data_url(picture: Image) -> str:
    """A picture as the `data:` address of a PNG, which loses nothing."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
