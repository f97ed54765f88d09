"""Greedy text generation; used to name cues and to mine intentions, never to classify.

Calls and tokens are not booked here; the caller must book them first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from kdsl.config import NANO
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.models.prompts import Prompt

AT_ONCE = 8
"""Requests that a `writer` answers together, so that a model's weights are read once per token of all of them."""


def text_prompt(loaded: LoadedModel, text: str) -> Prompt:
    """A prompt of only text, such as a request to name cues; special tokens in it are neutralised."""
    frame = frame_of(loaded)
    question = frame.neutralise(text)
    tokens = len(frame.before) + len(frame.after) + frame.count([question])[0]
    return Prompt((), "", "", question, tokens)


def generate(loaded: LoadedModel, prompts: Sequence[Prompt], max_new_tokens: int) -> list[str]:
    """The greedily generated text for each prompt, without special tokens."""
    return decode(loaded, generate_ids(loaded, prompts, max_new_tokens))


def decode(loaded: LoadedModel, written: Sequence[Sequence[int]]) -> list[str]:
    """Generated tokens as texts, without special tokens."""
    return [str(loaded.tokenizer.decode(list(ids), skip_special_tokens=True)) for ids in written]


@torch.inference_mode()
def generate_ids(
    loaded: LoadedModel, prompts: Sequence[Prompt], max_new_tokens: int, *, one_line: bool = False
) -> list[list[int]]:
    """The greedily generated tokens for each prompt, up to the one that ends the turn, which is the last.

    Args:
        one_line: a line break ends the turn as well; for models that were not trained to end one.
    """
    if not prompts:
        return []
    batch = encode(loaded, prompts, padding="left").tensors
    frame = frame_of(loaded)
    breaks = frame.ids(["\n", "\n\n"]) if one_line else []
    ends = [frame.end_of_turn, *(ids[0] for ids in breaks if len(ids) == 1)]
    written = loaded.model.generate(
        **batch,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        temperature=None,
        top_p=None,
        top_k=None,
        repetition_penalty=1.0,
        eos_token_id=ends,
        pad_token_id=loaded.tokenizer.pad_token_id,
    )
    rows: list[list[int]] = written[:, batch["input_ids"].shape[1] :].tolist()
    lengths = [next((i + 1 for i, token in enumerate(row) if token in ends), len(row)) for row in rows]
    return [row[:length] for row, length in zip(rows, lengths, strict=True)]


def writer(loaded: LoadedModel, max_new_tokens: int = 120) -> Callable[[Sequence[str]], Iterator[str]] | None:
    """A function that generates an answer to each request; None for nano, which was not trained to generate text."""
    if loaded.name == NANO:
        return None

    def write(requests: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(requests), AT_ONCE):
            prompts = [text_prompt(loaded, request) for request in requests[start : start + AT_ONCE]]
            yield from generate(loaded, prompts, max_new_tokens)

    return write
