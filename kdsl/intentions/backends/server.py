"""`ServerBackend`: a model behind an OpenAI-compatible server (vLLM, SGLang, llama.cpp), many requests in flight."""

from __future__ import annotations

import asyncio
import base64
import io
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from kdsl.intentions.backends.base import BackendError, Failure, Request, Scores, Usage, Written
from kdsl.machine import require_extra
from kdsl.model_server import ModelAddress

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion
    from PIL.Image import Image

Answer = TypeVar("Answer")

TOP = 20
"""Likeliest first tokens that a server is asked for: the most that vLLM gives by default, and OpenAI at all."""
PATIENCE = 16
"""Requests in a row that may get no answer, with all their retries, before the server counts as gone; or that it may
refuse before it has answered any."""
_JOINER = "\u200d"
_SPECIAL = re.compile(r"<(?=[|/｜]?\w[\w▁ ]{0,40}[|｜]?>)|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|IMG)\])")
"""Where the spelling of a special token of any common tokenizer begins: <|im_end|>, </s>, <image>, [INST]."""


class ServerConfig(ModelAddress):
    """Where the server is, and how it is asked."""

    prefill: bool = True
    """The server continues a last message of the assistant (vLLM, SGLang, llama.cpp). If not, the wording that an
    answer has to begin with is only asked for, and checked."""
    pictures: bool = True
    """The model sees pictures."""
    extra: Mapping[str, Any] = {}
    """Further fields of each request, such as {chat_template_kwargs: {enable_thinking: false}}."""


class ServerBackend:
    """A model behind a server; `Backend` says what its methods do.

    Retries, back-off and time-outs are those of the package `openai`. A request that the server refuses for what it
    holds fails alone.

    Raises:
        MissingDependency: the package openai is not installed.
    """

    def __init__(self, config: ServerConfig) -> None:
        require_extra("mine")
        import openai

        self._openai = openai
        self._config = config
        self.name = config.model
        self.version = f"server:{config.model}"
        self.sees = config.pictures
        self.chats = True

    def write(self, requests: Iterable[Request], max_tokens: int) -> Iterator[tuple[int, Written | Failure]]:
        """Write a text for each request, as they come back."""

        async def write(client: AsyncOpenAI, request: Request) -> Written | Failure:
            answer = await self._ask(client, request, max_tokens)
            text = answer.choices[0].message.content or ""
            if request.opening and text.lstrip().startswith(
                request.opening.strip()
            ):  # it began anew, as it was asked to
                text = text.lstrip()[len(request.opening.strip()) :]
            elif request.opening and not self._config.prefill:
                return Written("", _usage(answer))  # the wording that was asked for is not there
            return Written(text, _usage(answer))

        return self._each(requests, write)

    def score(self, requests: Iterable[Request]) -> Iterator[tuple[int, Scores | Failure]]:
        """Weigh each request's answers by the likeliest first tokens: answers must differ in these."""

        async def score(client: AsyncOpenAI, request: Request) -> Scores | Failure:
            answer = await self._ask(client, request, 1, logprobs=True, top_logprobs=TOP)
            found = answer.choices[0].logprobs
            if found is None or not found.content or not found.content[0].top_logprobs:
                raise BackendError(
                    f"the server at {self._config.url} gives no log-probabilities of first tokens (fields logprobs and "
                    "top_logprobs), so it can write but not judge. vLLM, SGLang and llama.cpp give them."
                )
            first = [(token.token, token.logprob) for token in found.content[0].top_logprobs]
            return weigh(request.answers, first, _usage(answer))

        return self._each(requests, score)

    async def _ask(self, client: AsyncOpenAI, request: Request, max_tokens: int, **fields: Any) -> ChatCompletion:
        content: list[dict[str, Any]] = [{"type": "text", "text": defused(request.text)}]
        if request.picture is not None and self.sees:
            content.insert(0, {"type": "image_url", "image_url": {"url": data_url(request.picture)}})
        messages: list[Any] = [{"role": "user", "content": content if len(content) > 1 else content[0]["text"]}]
        extra = dict(self._config.extra)
        if request.opening and self._config.prefill:
            messages.append({"role": "assistant", "content": defused(request.opening)})
            extra |= {"continue_final_message": True, "add_generation_prompt": False}
        return await client.chat.completions.create(
            model=self._config.model,
            messages=messages,
            max_tokens=max_tokens,
            temperature=0,
            extra_body=extra,
            **fields,
        )

    async def _answer(
        self, client: AsyncOpenAI, request: Request, ask: Callable[[AsyncOpenAI, Request], Awaitable[Answer | Failure]]
    ) -> Answer | Failure:
        """What `ask` gives, or why there is nothing."""
        try:
            return await ask(client, request)
        except self._openai.APIError as error:
            fault = self._config.fault(error)
            if fault.kind == "refused":
                raise BackendError(fault.reason) from error
            return _Silence(fault.reason) if fault.kind == "silent" else Failure(fault.reason)

    def _each(
        self, requests: Iterable[Request], ask: Callable[[AsyncOpenAI, Request], Awaitable[Answer | Failure]]
    ) -> Iterator[tuple[int, Answer | Failure]]:
        """Ask for all requests, `in_flight` at once; the loop runs while the caller waits for the next answer."""
        feed = enumerate(requests)
        tasks: dict[asyncio.Task[Answer | Failure], int] = {}
        in_vain, answered = 0, False
        with asyncio.Runner() as runner:
            client = self._client()
            try:
                while True:
                    for number, request in islice(feed, self._config.in_flight - len(tasks)):
                        tasks[runner.get_loop().create_task(self._answer(client, request, ask))] = number
                    if not tasks:
                        return
                    done, _ = runner.run(_first(tasks))
                    for task in done:
                        number, answer = tasks.pop(task), task.result()
                        answered |= not isinstance(answer, Failure)
                        # once it has answered, a request that it refuses is to blame for that itself
                        at_fault = isinstance(answer, _Silence if answered else Failure)
                        in_vain = in_vain + 1 if at_fault else 0
                        yield number, answer
                        if isinstance(answer, Failure) and in_vain == PATIENCE:
                            raise BackendError(
                                f"the server at {self._config.url} gave no answer to {PATIENCE} requests in a row: "
                                f"{answer.reason}. What is done is kept; mend that, and run the same command again."
                            )
            finally:
                runner.run(_end(client, tasks))

    def _client(self) -> AsyncOpenAI:
        http_client = self._openai.DefaultAsyncHttpxClient(follow_redirects=False)
        return self._openai.AsyncOpenAI(**self._config.client_settings, http_client=http_client)


class _Silence(Failure):
    """No answer, after all retries: the fault may be the server's, and not the request's."""


async def _first(tasks: Iterable[asyncio.Task[Answer]]) -> tuple[set[asyncio.Task[Answer]], set[asyncio.Task[Answer]]]:
    return await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _end(client: AsyncOpenAI, tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


def weigh(answers: Sequence[str], first: Sequence[tuple[str, float]], usage: Usage) -> Scores | Failure:
    """Answers by a server's likeliest first tokens with their log-probabilities.

    A token counts for the answer that it begins, in any case and spacing ('Y', ' yes', 'Yes'), if it begins no other.
    An answer that none of them begins is less likely than all of them: it gets the least one's log-probability.
    """
    mass = [0.0] * len(answers)
    for token, log_prob in first:
        begun = token.strip().casefold()
        own = [i for i, answer in enumerate(answers) if begun and answer.strip().casefold().startswith(begun)]
        if len(own) == 1:
            mass[own[0]] += math.exp(log_prob)
    if not any(mass):
        shown = ", ".join(repr(token) for token, _ in first[:5])
        return Failure(f"none of {', '.join(answers)} is among the likeliest first tokens ({shown}, ...)")
    least = min(log_prob for _, log_prob in first)
    return Scores(tuple(math.log(found) if found else least for found in mass), usage)


def defused(text: str) -> str:
    """A text in which no spelling of a special token is left whole: a zero-width joiner parts it.

    The tokenizer is the server's and unknown here, so all that looks like a special token is taken for one.
    """
    return _SPECIAL.sub(lambda match: match[0] + _JOINER, text)


def data_url(picture: Image) -> str:
    """A picture as the `data:` address of a JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _usage(answer: ChatCompletion) -> Usage:
    """The tokens that a server has counted; none where it counts none."""
    usage = answer.usage
    return Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(0)
