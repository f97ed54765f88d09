"""Greedy text generation; used to name cues, never to classify.

Calls and tokens are not booked here; the caller must book them first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from kdsl.config import NANO
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.models.prompts import Prompt


def text_prompt(loaded: LoadedModel, text: str) -> Prompt:
    """A prompt of only text, such as a request to name cues; special tokens in it are neutralised."""
    frame = frame_of(loaded)
    question = frame.neutralise(text)
    tokens = len(frame.before) + len(frame.after) + frame.count([question])[0]
    return Prompt((), "", "", question, tokens)


@torch.inference_mode()
def generate(loaded: LoadedModel, prompts: Sequence[Prompt], max_new_tokens: int) -> list[str]:
    """The greedily generated text for each prompt, without special tokens."""
    if not prompts:
        return []
    batch = encode(loaded, prompts, padding="left").tensors
    frame = frame_of(loaded)
    written = loaded.model.generate(
        **batch,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        temperature=None,
        top_p=None,
        top_k=None,
        repetition_penalty=1.0,
        eos_token_id=frame.end_of_turn,
        pad_token_id=loaded.tokenizer.pad_token_id,
    )
    return list(loaded.tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True))


def writer(loaded: LoadedModel, max_new_tokens: int = 120) -> Callable[[str], str] | None:
    """A function that generates an answer to a request; None for nano, which was not trained to generate text."""
    if loaded.name == NANO:
        return None
    return lambda text: generate(loaded, [text_prompt(loaded, text)], max_new_tokens)[0]
