"""`Scorer`: what gives each option of an item a score: word overlap, an encoder of texts, or a language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from kdsl.encoders.base import TextEncoder
from kdsl.evaluation.intentionqa.items import Item, plain
from kdsl.evaluation.intentionqa.known import KnownIntentions
from kdsl.evaluation.intentionqa.prompts import bare, by_letter, by_wording
from kdsl.intentions.backends.base import Backend, Failure, Scores

TEMPERATURE = 0.03
"""What a cosine is divided by, so that differences are like those of log-probabilities; chosen on 500 items among 0.02
to 0.05, which differ by at most 0.04 in accuracy (docs/experiments.md)."""
_CHUNK = 64
"""Items that are scored between two looks at which priors are still missing."""
_TOGETHER = 16
"""Options whose priors are asked for in one request."""

Ask = Literal["letter", "wording"]
"""The official prompt, or how an option's own words go on."""


@dataclass(frozen=True)
class OptionScores:
    """How well each option fits what is known, and how well it fits when nothing is: both like log-probabilities.

    Their difference is the option's pointwise mutual information with what is known. Without it, options that are
    likely anywhere win (Holtzman et al. 2021, Surface Form Competition, arXiv 2104.08315).
    """

    fit: tuple[float, ...]
    prior: tuple[float, ...]


class Scorer(Protocol):
    """Scores items; one that cannot be scored is a `Failure`, and the others go on."""

    name: str
    version: str
    """What its scores depend on: others must not continue its work."""

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        """The scores of each item, in any order."""


class OverlapScorer:
    """The share of an option's content words that occur in what is known. No model."""

    name = "word overlap"
    version = "1"

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        for item in items:
            yield item, OptionScores(item.shared, (0.0,) * len(item.options))


class EncoderScorer:
    """Cosine of an option with what is known; its prior is its mean fit to what is known of all items of the file.

    The mean is that of exponentials, as in the contrastive losses that such encoders are trained with. No gold answer
    is used, but the products of all items are: say so where the figure stands.

    Args:
        everything: all items of the file.
    """

    def __init__(self, encoder: TextEncoder, everything: Sequence[Item]) -> None:
        self.name = _short(encoder.name)
        self.version = f"{encoder.version} at {TEMPERATURE}"
        self._encoder = encoder
        self._situations = sorted({item.situation for item in everything})

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        others: np.ndarray | None = None
        for start in range(0, len(items), _CHUNK):
            chunk = items[start : start + _CHUNK]
            known = self._encoder.encode([item.situation for item in chunk])
            options = self._encoder.encode([plain(option) for item in chunk for option in item.options])
            if others is None:
                others = self._encoder.encode(self._situations)
            for item, vector, own in zip(chunk, known, np.split(options, len(chunk)), strict=True):
                anywhere = own @ others.T / TEMPERATURE  # [4, situations]
                means = np.logaddexp.reduce(anywhere, axis=1) - np.log(len(others))
                yield item, OptionScores(_floats(own @ vector / TEMPERATURE), _floats(means))


class WordingScorer:
    """Log-probability of each option's own wording after what is known; its prior is that where nothing is known."""

    def __init__(self, backend: Backend, known: KnownIntentions | None = None) -> None:
        self.name = _named(backend, known)
        self.version = f"{backend.version} wording {known.version if known else ''}"
        self._backend = backend
        self._known = known
        self._priors: dict[str, float | Failure] = {}

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        for start in range(0, len(items), _CHUNK):
            chunk = items[start : start + _CHUNK]
            self._add_priors(chunk)
            chats = self._backend.chats
            requests = [by_wording(item, chats, self._known(item) if self._known else ()) for item in chunk]
            for number, answer in self._backend.score(requests):
                yield chunk[number], self._paired(chunk[number], answer)

    def _paired(self, item: Item, answer: Scores | Failure) -> OptionScores | Failure:
        if isinstance(answer, Failure):
            return answer
        found = [self._priors[option] for option in item.options]
        for value in found:
            if isinstance(value, Failure):
                return value
        return OptionScores(answer.log_probs, tuple(value for value in found if not isinstance(value, Failure)))

    def _add_priors(self, items: Sequence[Item]) -> None:
        missing = sorted({option for item in items for option in item.options} - self._priors.keys())
        parts = [missing[at : at + _TOGETHER] for at in range(0, len(missing), _TOGETHER)]
        failed = self._ask_priors(items[0].task, parts)
        self._ask_priors(items[0].task, [[option] for part in failed for option in part])  # one may spoil the others

    def _ask_priors(self, task: int, parts: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """Ask for the priors of the options of each part; the parts that failed."""
        failed = []
        requests = [bare(task, part, self._backend.chats) for part in parts]
        for number, answer in self._backend.score(requests):
            if isinstance(answer, Failure):
                failed.append(parts[number])
                self._priors.update(dict.fromkeys(parts[number], answer))
            else:
                self._priors.update(zip(parts[number], answer.log_probs, strict=True))
        return failed


class LetterScorer:
    """Log-probability of each letter as the answer to the official prompt; a letter has no prior."""

    def __init__(self, backend: Backend, known: KnownIntentions | None = None) -> None:
        self.name = f"{_named(backend, known)}, official prompt"
        self.version = f"{backend.version} letter{known.version if known else ''}"
        self._backend = backend
        self._known = known

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        requests = (by_letter(item, self._known(item) if self._known else ()) for item in items)
        for number, answer in self._backend.score(requests):
            if isinstance(answer, Failure):
                yield items[number], answer
            else:
                yield items[number], OptionScores(answer.log_probs, (0.0,) * len(answer.log_probs))


def _short(name: str) -> str:
    """A model's name without the folders or the owner before it."""
    return name.rstrip("/").rsplit("/", 1)[-1]


def _named(backend: Backend, known: KnownIntentions | None) -> str:
    return _short(backend.name) + (" with mined intentions" if known else "")


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
