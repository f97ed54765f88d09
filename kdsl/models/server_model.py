"""`ServerModel`: the large model behind a server, with its tokenizer here: prompts and tokens are made in this process.

Before it scores for the first time under a name (the model's or an adapter's), the server is asked what it serves, and
whether what it gives can be trusted: the same tokens as here, and the same log-probability by both of its ways.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kdsl.config import ModelConfig, ModelServer
from kdsl.errors import ConfigError, ServerError, did_you_mean
from kdsl.models.base import VISION_TYPES
from kdsl.models.chat import ChatFrame, frame_of
from kdsl.models.processors import OpenedProcessor
from kdsl.models.roles import SERVED
from kdsl.models.server_client import ServerClient
from kdsl.models.shape import read_shape
from kdsl.runs import digest

log = logging.getLogger(__name__)

CLOSE = 0.25
"""Log-probabilities of one token by two ways differ by less than this; bfloat16 alone makes some difference."""
NEAR = 0.01
"""Share by which numbers of parameters may differ: rounded figures, heads that are not used."""
_FAR_TOKENS = (1, 2)
"""Tokens that are unlikely to be the likeliest ones: a server that gives their log-probabilities was asked for them."""


@dataclass(frozen=True)
class Served:
    """What a server calls the model or adapter that is asked, what it says of it, and the ways that can be trusted."""

    name: str
    described: str
    """For traces, such as 'scene-lora by vllm 0.28.0 at http://localhost:8000/v1'."""
    steps: bool
    """Tokens after a prompt can be asked for."""
    prompts: str | None
    """Why log-probabilities of given prompts cannot be used; None if they can."""


class ServerModel:
    """A large model behind a server; it is no weights, but has what `LoadedModel` has for prompts and budgets.

    Raises:
        ConfigError: the number of parameters is not that of the model in `source`.
        MissingDependency: its tokenizer, its config.json or the package openai is not here.
    """

    def __init__(self, config: ModelConfig, server: ModelServer, opened: OpenedProcessor) -> None:
        self.config = config
        self.server = server
        self.client = ServerClient(server)
        self.model_type = opened.model_type
        self.processor = opened.processor
        self.factor = opened.factor
        self.caches: dict[str, Any] = {}
        self.name = config.source
        self.n_parameters = _counted(config, server)
        self.fingerprint = SERVED + digest([server.model, (opened.folder / "config.json").read_text("utf-8")])
        self._served: dict[str, Served] = {}
        self._lock = threading.Lock()

    @property
    def sees(self) -> bool:
        """Whether the model has a vision tower."""
        return self.model_type in VISION_TYPES

    @property
    def frame(self) -> ChatFrame:
        """The chat frame of its prompts."""
        return frame_of(self)

    @contextmanager
    def using(self, adapter: str | None) -> Iterator[None]:
        """As `LoadedModel.using`, which a server has no need of: each request names what it asks."""
        yield

    def served(self, name: str, longest: int) -> Served:
        """What the server serves under a name; it is asked once.

        Args:
            longest: tokens of the longest prompt with an answer.

        Raises:
            ServerError: no answer, or none that can be used for scores; the message says why.
            ConfigError: it serves nothing of that name, takes shorter prompts, or has another tokenizer or model.
        """
        with self._lock:
            self._check_card(name, longest)
            if name not in self._served:
                self._check_tokenizer(name)
                self._served[name] = self._ways(name)
            return self._served[name]

    @cached_property
    def _cards(self) -> dict[str, dict[str, Any]]:
        return self.client.models()

    def _check_card(self, name: str, longest: int) -> None:
        cards, url = self._cards, self.server.url
        if cards and name not in cards:
            raise ConfigError(
                f"the server at {url} serves no '{name}', but {', '.join(sorted(cards))}.{did_you_mean(name, cards)} "
                "An adapter is loaded when the server starts (docs/gpu.md)."
            )
        base = cards.get(self.server.model, {})
        room = base.get("max_model_len")
        if isinstance(room, int) and room < longest + 1:
            raise ConfigError(
                f"the server at {url} takes {room} tokens, and prompts with their labels may have {longest + 1}. Lower "
                "prompt.max_tokens, or start it with a larger context (max_model_len)."
            )
        meta = base.get("meta")
        told = meta.get("n_params") if isinstance(meta, dict) else None
        if isinstance(told, int):
            _check_count(self.server.parameters, told, f"the server at {url}")

    def _check_tokenizer(self, name: str) -> None:
        text = "图1文字：加入购物车 会生锈吗? Is it new?"
        theirs, ours = self.client.tokenize(name, text), self.frame.ids([text])[0]
        if theirs is not None and theirs != ours:
            raise ConfigError(
                f"the server at {self.server.url} has another tokenizer than {self.config.source}: name the model "
                "that it serves as large.source."
            )

    def _ways(self, name: str) -> Served:
        """Ask for one token by both ways, which must agree."""
        probe = [*self.frame.before, *self.frame.ids(["会生锈吗"])[0], *self.frame.after]
        (after,) = self.client.next_tokens(name, [probe], _FAR_TOKENS)
        likeliest = max(after, key=after.__getitem__)
        steps = all(token in after for token in _FAR_TOKENS)
        fault = None
        try:
            (given,) = self.client.given_tokens(name, [[*probe, likeliest]])
            told = given[-1].get(likeliest) if len(given) == len(probe) else None
            if told is None:
                fault = f"the server at {self.server.url} gives log-probabilities of other tokens than it was sent"
            elif abs(told - after[likeliest]) > CLOSE:
                fault = (
                    f"the server at {self.server.url} gives a token of '{name}' the log-probability {told:.2f} in a "
                    f"prompt, but {after[likeliest]:.2f} when it writes it (vLLM has had such faults with adapters: "
                    "its issues 16668, 51594)"
                )
        except ServerError as error:
            fault = str(error)
        if not steps and fault is not None:
            raise ServerError(f"{fault}. Labels cannot be scored there; try another version of the server.")
        if fault is not None:
            log.warning("%s: pictures cannot be asked about", fault)
        return Served(name, self._described(name), steps, fault)

    def _described(self, name: str) -> str:
        program = str(self._cards.get(name, {}).get("owned_by") or "a server")
        return f"{name} by {program} {self._version}".rstrip() + f" at {self.server.url}"

    @cached_property
    def _version(self) -> str:
        return self.client.version()


def _counted(config: ModelConfig, server: ModelServer) -> int:
    """The number of parameters that the budget counts.

    Raises:
        ConfigError: the setting is far from what config.json describes.
    """
    found = read_shape(config).parameters
    _check_count(server.parameters, found, f"config.json of {config.source}")
    return max(found, server.parameters)


def _check_count(given: int, found: int, whose: str) -> None:
    if abs(given - found) > NEAR * found:
        raise ConfigError(
            f"large.server.parameters is {given:,}, but {whose} says {found:,}: a budget cannot be kept with a wrong "
            "number. Correct it, or name the model that is served as large.source."
        )
