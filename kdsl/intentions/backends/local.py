"""`LocalBackend`: a base model of this process (`kdsl.models`), with the vision tower of Qwen-VL or for text alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, TypeVar

from kdsl.config import NANO, ModelConfig
from kdsl.errors import ConfigError, KdslError
from kdsl.intentions.backends.base import Failure, Request, Scores, Usage, Written
from kdsl.models.answers import answer_log_probs
from kdsl.models.base import load_base
from kdsl.models.chat import frame_of
from kdsl.models.generation import decode, generate_ids
from kdsl.models.picture_sizes import fit_grid
from kdsl.models.prompts import DrawnPicture, Prompt

if TYPE_CHECKING:
    from PIL.Image import Image

Answer = TypeVar("Answer", Written, Scores)

log = logging.getLogger(__name__)


class LocalBackend:
    """The base model that a config names; `Backend` says what its methods do.

    Args:
        batch_size: requests per forward pass.
        max_pixels: a larger picture is scaled down to this many pixels.

    Raises:
        ConfigError: the model is kdsl-nano, which was not trained to write.
        MissingDependency: the weights are not here and cannot be fetched.
    """

    def __init__(self, config: ModelConfig, *, batch_size: int = 8, max_pixels: int = 401_408) -> None:
        if config.source == NANO:
            raise ConfigError(
                f"{NANO} was not trained to write; name another model, such as Qwen/Qwen2-VL-2B-Instruct, or a server."
            )
        self._loaded = load_base(config)
        self._batch_size = batch_size
        self._max_pixels = max_pixels
        self._frame = frame_of(self._loaded)
        self.name = config.source
        self.version = self._loaded.fingerprint
        self.sees = self._loaded.sees
        self.chats = self.sees or bool(self._loaded.tokenizer.chat_template)

    def write(self, requests: Iterable[Request], max_tokens: int) -> Iterator[tuple[int, Written | Failure]]:
        """Write a text for each request, batch by batch."""
        for numbers, batch in _batches(requests, self._batch_size):
            yield from zip(numbers, _spared(batch, lambda part: self._write(part, max_tokens)), strict=True)

    def score(self, requests: Iterable[Request]) -> Iterator[tuple[int, Scores | Failure]]:
        """Weigh each request's answers by all their tokens; requests with the same answers in a row are one batch."""
        for numbers, batch in _batches(requests, self._batch_size):
            for _, alike in groupby(zip(numbers, batch, strict=True), lambda pair: pair[1].answers):
                own, part = zip(*alike, strict=True)
                yield from zip(own, _spared(part, self._score), strict=True)

    def _write(self, requests: Sequence[Request], max_tokens: int) -> list[Written]:
        prompts = [self._prompt(request, max_tokens) for request in requests]
        ids = generate_ids(self._loaded, prompts, max_tokens, one_line=not self.chats)
        return [
            Written(text, Usage(prompt.n_tokens, len(row)))
            for text, prompt, row in zip(decode(self._loaded, ids), prompts, ids, strict=True)
        ]

    def _score(self, requests: Sequence[Request]) -> list[Scores]:
        """Weigh the answers that these requests have in common."""
        prompts = [self._prompt(request, 0) for request in requests]
        scores = answer_log_probs(self._loaded, prompts, requests[0].answers)
        return [
            Scores(tuple(map(float, row)), Usage(prompt.n_tokens)) for row, prompt in zip(scores, prompts, strict=True)
        ]

    def _prompt(self, request: Request, max_tokens: int) -> Prompt:
        frame = self._frame
        question, opening = frame.neutralise(request.text), frame.neutralise(request.opening)
        tokens = len(frame.before) + len(frame.after) + sum(frame.count([question, opening]))
        pictures: tuple[DrawnPicture, ...] = ()
        if request.picture is not None and self.sees:
            pictures = (self._shown(request.picture),)
            width, height = pictures[0].size
            tokens += width * height // frame.factor**2 + frame.picture_overhead
        room = int(self._loaded.model.config.get_text_config().max_position_embeddings)
        if tokens + max_tokens > room:
            raise ConfigError(f"{tokens} tokens and {max_tokens} to write, where {self.name} takes {room}")
        return Prompt(pictures, "", "", question, tokens, opening=opening)

    def _shown(self, picture: Image) -> DrawnPicture:
        cell = self._frame.factor
        columns, rows = fit_grid(*picture.size, self._max_pixels // cell**2, cell)
        return DrawnPicture(picture, (columns * cell, rows * cell))


def _batches(requests: Iterable[Request], size: int) -> Iterator[tuple[list[int], list[Request]]]:
    """Requests `size` at a time, with their numbers."""
    numbered = enumerate(requests)
    while batch := list(islice(numbered, size)):
        yield [number for number, _ in batch], [request for _, request in batch]


def _spared(batch: Sequence[Request], do: Callable[[Sequence[Request]], list[Answer]]) -> Iterator[Answer | Failure]:
    """What `do` makes of a batch; if it fails, of each request alone, so that only one that fails again is lost."""
    try:
        yield from do(batch)
    except Exception as error:  # whatever a library raises because of one request must not cost the others
        if len(batch) > 1:
            for request in batch:
                yield from _spared([request], do)
            return
        if not isinstance(error, KdslError):
            log.warning("a request failed", exc_info=error)
        yield Failure(str(error) if isinstance(error, KdslError) else f"{type(error).__name__}: {error}")
