"""`Backend`: what a language model can be asked, wherever it runs: to write a text, or to weigh given answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kdsl.errors import KdslError

if TYPE_CHECKING:
    from PIL.Image import Image


class BackendError(KdslError):
    """A model or server cannot do what was asked, whatever the request: a run ends, and may go on later."""

    exit_code = 6


@dataclass(frozen=True, slots=True)
class Request:
    """One message to a model. Texts in it are data: a backend sees to it that no special token is read from them."""

    text: str
    picture: Image | None = None
    opening: str = ""
    """What the answer begins with: it is given, and the model continues it."""
    answers: tuple[str, ...] = ()
    """What `score` weighs."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that one request took: those read, and those written (none where answers were only weighed)."""

    read: int
    written: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote after the request's opening."""

    text: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Scores:
    """For each of the request's answers, the log-probability that the model's answer begins with it."""

    log_probs: tuple[float, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one request got no answer; the others are not affected."""

    reason: str


class Backend(Protocol):
    """A language model. Requests are taken as they are needed, and answers come in any order, each with its number.

    Greedy decoding everywhere: a run that is continued writes what an undisturbed one would have written.
    """

    name: str
    """What people call the model."""
    version: str
    """What its answers depend on, such as the fingerprint of its weights: others must not continue its work."""
    sees: bool
    """Whether pictures are shown to it."""
    chats: bool
    """Whether it was trained to follow instructions; if not, it continues texts."""

    def write(self, requests: Iterable[Request], max_tokens: int) -> Iterator[tuple[int, Written | Failure]]:
        """Write a text of at most `max_tokens` tokens for each request.

        Raises:
            BackendError: the model cannot answer any request.
        """

    def score(self, requests: Iterable[Request]) -> Iterator[tuple[int, Scores | Failure]]:
        """Weigh each request's answers; an answer's end is no part of it.

        Raises:
            BackendError: the model cannot answer any request, or gives no log-probabilities.
        """
