"""Batches of exercises as tensors, built by a worker process in an order determined by seed and step."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.tasks import Task
from kdsl.training.nano.exercises import FIRST_MIXTURE, MIXTURE, Author, Exercise
from kdsl.training.nano.loss import LabelTrie, Targets
from kdsl.world.rows import World

GROUP = 512
"""Exercises that are drawn together and sorted by length, so that little is padded."""
FIRST_GROUPS = 24
"""Groups of the first mixture."""
LM_TOKENS = 4
"""Text tokens of each prompt that the language model's loss is taken on."""
LM_WEIGHT = 0.25
"""Weight of that loss beside the answers'."""


_PIXELS = ("pixel_values", "image_grid_thw")


@dataclass(frozen=True, slots=True)
class Batch:
    """What the model's forward takes, what it should predict, and where each label's answer stands.

    `answers` are rows (exercise, task name), `answer_rows` [n] the exercise of each target, -1 for those of
    the language model.
    """

    tensors: dict[str, Tensor]
    targets: Targets
    answer_rows: Tensor
    tasks: tuple[str | None, ...]


class Collator:
    """Turns exercises into a batch: answers appended, targets laid out, tokens of the prompt sampled."""

    def __init__(self, loaded: LoadedModel, tasks: Sequence[Task]) -> None:
        self._loaded = loaded
        self._frame = frame_of(loaded)
        trie = LabelTrie(loaded.model.config.text_config.vocab_size)
        self._tries: dict[tuple[str, str], list[int]] = {}
        for task in tasks:
            rows = trie.add([self.answer_ids(name) for name in task.names])
            self._tries.update({(task.name, name): row for name, row in zip(task.names, rows, strict=True)})
        self.masks = trie.masks()

    def answer_ids(self, answer: str) -> list[int]:
        """An answer's tokens with the end of the turn."""
        return [*self._frame.ids([answer])[0], self._frame.end_of_turn]

    def __call__(self, exercises: Sequence[Exercise], rng: random.Random, lm_tokens: int = LM_TOKENS) -> Batch:
        """One right-padded batch."""
        encoded = encode(self._loaded, [exercise.prompt for exercise in exercises])
        answers = [self.answer_ids(exercise.answer) for exercise in exercises]
        width = max(n + len(ids) - 1 for n, ids in zip(encoded.lengths, answers, strict=True))
        tensors = {name: _widen(tensor, width) for name, tensor in encoded.tensors.items() if name not in _PIXELS}
        targets: list[tuple[int, int, int, float]] = []
        rows: list[int] = []
        for i, (exercise, ids, length) in enumerate(zip(exercises, answers, encoded.lengths, strict=True)):
            tensors["input_ids"][i, length : length + len(ids) - 1] = torch.tensor(ids[:-1])
            tensors["attention_mask"][i, length : length + len(ids) - 1] = 1
            trie = self._tries[exercise.task, exercise.answer] if exercise.task else [0] * len(ids)
            weight = 1 / len(exercises) / (1 if exercise.task else len(ids))
            for k, (token, node) in enumerate(zip(ids, trie, strict=True)):
                targets.append((i * width + length - 1 + k, token, node, weight))
                rows.append(i)
        if lm_tokens:
            sampled = self._language_model(tensors["input_ids"], encoded.lengths, rng, lm_tokens)
            weight = LM_WEIGHT / max(len(sampled), 1)
            targets += [(place, token, 0, weight) for place, token in sampled]
            rows += [-1] * len(sampled)
        places, tokens, nodes, shares = zip(*targets, strict=True)
        tensors |= {name: encoded.tensors[name] for name in _PIXELS if name in encoded.tensors}
        return Batch(
            tensors,
            Targets(torch.tensor(places), torch.tensor(tokens), torch.tensor(nodes), torch.tensor(shares)),
            torch.tensor(rows),
            tuple(exercise.task for exercise in exercises),
        )

    def _language_model(
        self, ids: Tensor, lengths: Sequence[int], rng: random.Random, count: int
    ) -> list[tuple[int, int]]:
        """Places and next tokens of sampled text tokens of each prompt."""
        special, before = self._frame.special_ids, len(self._frame.before)
        sampled = []
        for i, length in enumerate(lengths):
            row = ids[i].tolist()
            text = [at for at in range(before, length - len(self._frame.after) - 1) if row[at + 1] not in special]
            sampled += [(i * len(row) + at, row[at + 1]) for at in rng.sample(text, min(count, len(text)))]
        return sampled


class _Groups(Dataset[list[Batch]]):
    """Group g of a run: batches of its exercises, the same for the same seed whatever was drawn before."""

    def __init__(self, world: World, author: Author, collate: Collator, seed: int, budget: int) -> None:
        self._world, self._author, self._collate = world, author, collate
        self._seed, self._budget = seed, budget

    def __getitem__(self, index: int) -> list[Batch]:
        rng = random.Random(f"{self._seed}/group/{index}")
        mixture = FIRST_MIXTURE if index < FIRST_GROUPS else MIXTURE
        exercises = [self._author.draw(self._world.dialogues, self._world.screens, rng, mixture) for _ in range(GROUP)]
        exercises.sort(key=lambda exercise: exercise.prompt.n_tokens)
        batches: list[list[Exercise]] = [[]]
        for exercise in exercises:
            if (len(batches[-1]) + 1) * exercise.prompt.n_tokens > self._budget and batches[-1]:
                batches.append([])
            batches[-1].append(exercise)
        rng.shuffle(batches)
        return [self._collate(batch, rng) for batch in batches]


def stream(
    world: World,
    author: Author,
    collate: Collator,
    *,
    seed: int,
    budget: int,
    place: tuple[int, int],
    workers: int,
) -> Iterator[tuple[tuple[int, int], Batch]]:
    """Batches without end, each with the place (group, batch) of the one after it.

    Args:
        budget: tokens of a batch, padding included: many short exercises or a few long ones.
        place: where to begin.
        workers: processes that make batches ahead; 0 makes them in this one.
    """
    groups = _Groups(world, author, collate, seed, budget)
    first, skip = place
    loader: Any = DataLoader(
        groups,
        batch_size=None,
        sampler=itertools.count(first),
        num_workers=workers,
        prefetch_factor=2 if workers else None,
    )
    for index, group in zip(itertools.count(first), loader, strict=False):
        for i in range(skip, len(group)):
            yield ((index, i + 1) if i + 1 < len(group) else (index + 1, 0)), group[i]
        skip = 0


def _widen(tensor: Tensor, width: int) -> Tensor:
    """[b, l] padded with zeros on the right."""
    return torch.nn.functional.pad(tensor, (0, width - tensor.shape[1]))
