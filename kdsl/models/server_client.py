"""`ServerClient`: asks an OpenAI-compatible server (vLLM) for the log-probabilities of given tokens.

Two ways, since neither serves everything:

- *steps* (`next_tokens`): the server writes one token after each prompt and gives the log-probabilities of the tokens
  that it is asked about (`logprob_token_ids`, vLLM since 2026). It uses the server's prefix cache.
- *prompt* (`given_tokens`, `given_messages`): the server reads a prompt that holds the tokens already
  (`prompt_logprobs`). vLLM computes each such prompt anew, without its prefix cache; but it is the only way for
  messages with pictures, and for older servers.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kdsl.config import ModelServer
from kdsl.errors import ServerError
from kdsl.machine import require_extra
from kdsl.model_server import cut

if TYPE_CHECKING:
    from openai import OpenAI

REST = 30.0
"""Seconds after a request that got no answer in which further ones are tried once: a server that is gone must not cost
each of many samples all its retries."""
_ID = "token_id:"
"""How vLLM spells a token in answers, if asked for ids."""

Ids = Sequence[int]


class ServerClient:
    """The requests; each is made with the retries, back-off and time-out of `server`.

    Raises:
        MissingDependency: the package openai is not installed.
    """

    def __init__(self, server: ModelServer) -> None:
        require_extra("mine")
        self.server = server
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def models(self) -> dict[str, dict[str, Any]]:
        """Name -> what the server says of each model and adapter; empty if it lists none.

        Raises:
            ServerError: it gives no answer, or refuses the key.
        """
        found = self._call("GET", "/models").get("data")
        listed = found if isinstance(found, list) else []
        return {str(card["id"]): card for card in listed if isinstance(card, dict) and "id" in card}

    def version(self) -> str:
        """The version of the server's program; '' if it does not tell."""
        try:
            return str(self._call("GET", f"{self._root}/version").get("version") or "")
        except ServerError:
            return ""

    def tokenize(self, model: str, text: str) -> list[int] | None:
        """The server's own tokens of a text; None if it does not tell."""
        body = {"model": model, "prompt": text, "add_special_tokens": False}
        try:
            found = self._call("POST", f"{self._root}/tokenize", body).get("tokens")
        except ServerError:
            return None
        return list(found) if isinstance(found, list) else None

    def next_tokens(self, model: str, prompts: Sequence[Ids], tokens: Ids) -> list[dict[int, float]]:
        """After each prompt, the log-probability of each of `tokens` and of the likeliest one, by token.

        A server that does not know `logprob_token_ids` gives the likeliest one alone.

        Raises:
            ServerError: it gives no answer, or no log-probabilities.
        """
        body = {
            "model": model,
            "prompt": [list(ids) for ids in prompts],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": 1,
            "logprob_token_ids": list(tokens),
            "return_tokens_as_token_ids": True,
        }
        return [self._first_step(choice) for choice in self._choices(body, len(prompts))]

    def given_tokens(self, model: str, prompts: Sequence[Ids]) -> list[list[dict[int, float]]]:
        """For each position of each prompt but the first, the log-probability of the token there, by token.

        Raises:
            ServerError: it gives no answer, or no log-probabilities of prompts.
        """
        body = {
            "model": model,
            "prompt": [list(ids) for ids in prompts],
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 0,
        }
        return [self._positions(choice) for choice in self._choices(body, len(prompts))]

    def given_messages(self, model: str, messages: Sequence[Mapping[str, Any]]) -> list[dict[int, float]]:
        """As `given_tokens`, for messages of which the last is the answer; the server's chat template is applied.

        Raises:
            ServerError: as `given_tokens`.
        """
        body = {
            "model": model,
            "messages": list(messages),
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 0,
            "add_generation_prompt": False,
        }
        return self._positions(self._call("POST", "/chat/completions", body))

    @property
    def _root(self) -> str:
        """Where what is no part of OpenAI's interface lies."""
        return self.server.url.rstrip("/").removesuffix("/v1")

    @cached_property
    def _client(self) -> OpenAI:
        import openai

        return openai.OpenAI(
            **self.server.client_settings, http_client=openai.DefaultHttpxClient(follow_redirects=False)
        )

    def _choices(self, body: dict[str, Any], n: int) -> list[dict[str, Any]]:
        """The answer to each of n prompts."""
        listed = self._call("POST", "/completions", body).get("choices")
        choices = [choice for choice in listed if isinstance(choice, dict)] if isinstance(listed, list) else []
        found = {choice.get("index"): choice for choice in choices}
        if set(found) != set(range(n)):
            raise ServerError(f"the server at {self.server.url} answered {len(found)} of {n} prompts")
        return [found[i] for i in range(n)]

    def _first_step(self, choice: Mapping[str, Any]) -> dict[int, float]:
        """The log-probabilities of tokens after a prompt."""
        try:
            first = choice["logprobs"]["top_logprobs"][0]
            return {int(key.removeprefix(_ID)): _finite(p) for key, p in first.items()}
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(
                f"the server at {self.server.url} gives no log-probabilities of the tokens that it writes (fields "
                "logprobs and return_tokens_as_token_ids), so it cannot score labels. vLLM gives them."
            ) from error

    def _positions(self, answer: Mapping[str, Any]) -> list[dict[int, float]]:
        """The log-probabilities of a prompt's tokens, from the second on."""
        try:
            listed = answer["prompt_logprobs"][1:]
            return [{int(token): _finite(said["logprob"]) for token, said in entry.items()} for entry in listed]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(
                f"the server at {self.server.url} gives no log-probabilities of prompts (field prompt_logprobs), so it "
                "can write but not score labels. vLLM gives them."
            ) from error

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx
        import openai

        with self._lock:
            resting = time.monotonic() < self._silent_until
        client = self._client.with_options(max_retries=0) if resting else self._client
        try:
            if method == "GET":
                response = client.get(path, cast_to=httpx.Response)
            else:
                response = client.post(path, cast_to=httpx.Response, body=body)
            answer = response.json()
        except openai.APIError as error:
            fault = self.server.fault(error)
            if fault.kind == "silent":
                self._rest_until(time.monotonic() + REST)
            raise ServerError(f"{self.server.url}: {fault.reason}") from error
        except ValueError as error:
            raise ServerError(f"{self.server.url}: the answer is no JSON: {cut(str(error))}") from error
        if not isinstance(answer, dict):
            raise ServerError(f"{self.server.url}: the answer is no JSON object")
        self._rest_until(0.0)
        return answer

    def _rest_until(self, when: float) -> None:
        with self._lock:
            self._silent_until = when


def _finite(value: Any) -> float:
    """A log-probability.

    Raises:
        ValueError: it is none.
    """
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value} is no log-probability")
    return found
