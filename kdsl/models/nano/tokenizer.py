"""The tokenizer of kdsl-nano: Qwen2's class and special tokens, with merges learned on Chinese shop text.

The vocabulary has a token for every common hanzi (so that OCR text stays short), words that are frequent in shops, and
whole label names (so that scoring a label costs one or two tokens). Everything else falls back to bytes, so there are
no unknown tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""The special tokens of Qwen2-VL in its order; as there, their ids follow those of the text tokens."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
"""Qwen2-VL's chat format without its default system message, which would cost ten tokens per prompt."""

MAX_WORD = 4
"""Maximum length, in hanzi, of a word that becomes one token; longer tokens would be phrases of the training text."""

_HANZI_WEIGHT = 200
"""Count added to each common hanzi, so that its bytes are merged before rare words."""

_UTF8_BYTES = 3
"""Bytes of a hanzi in UTF-8; the trainer measures tokens in bytes."""


def train_tokenizer(texts: Iterable[str], label_names: Sequence[str], vocab_size: int = 8000) -> Qwen2Tokenizer:
    """Learn byte-level merges from `texts` and build Qwen2's tokenizer from them.

    Args:
        texts: the training text; only word counts matter.
        label_names: each sequence of letters in a name becomes one token.
        vocab_size: number of text tokens learned from counts; tokens for label names and special tokens are added.

    Returns:
        A tokenizer with the chat template and special tokens of this module.
    """
    learner = _untrained({}, [])
    learner.train_from_iterator(
        _with_hanzi(texts),
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=8,
            max_token_length=MAX_WORD * _UTF8_BYTES,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    state = json.loads(learner.to_str())["model"]
    vocab: dict[str, int] = state["vocab"]
    merges = [(left, right) for left, right in state["merges"]]
    _merge_names(vocab, merges, label_names)
    return _wrap(vocab, merges)


def common_hanzi() -> str:
    """The 3,755 hanzi of GB2312 level 1, which cover over 99% of ordinary text."""
    rows = (bytes((0xB0 + row, 0xA1 + cell)) for row in range(40) for cell in range(94))
    return "".join(code.decode("gb2312", errors="ignore") for code in rows)


def _with_hanzi(texts: Iterable[str]) -> Iterator[str]:
    yield from texts
    yield from ("user\nassistant\n",) * _HANZI_WEIGHT
    alone = "\n".join(common_hanzi())
    yield from (alone,) * _HANZI_WEIGHT


def _untrained(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """A tokenizer that normalises and splits text as Qwen2's class does."""
    reference = Qwen2Tokenizer(vocab={"<|endoftext|>": 0}, merges=[]).backend_tokenizer
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.normalizer = reference.normalizer
    tokenizer.pre_tokenizer = reference.pre_tokenizer
    tokenizer.decoder = reference.decoder
    return tokenizer


def _merge_names(vocab: dict[str, int], merges: list[tuple[str, str]], names: Sequence[str]) -> None:
    """Append merges, with the lowest priority, that join the tokens of each name from left to right."""
    for name in names:
        tokenizer = _untrained(vocab, merges)
        assert tokenizer.pre_tokenizer is not None
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(name):
            pieces = [token.value for token in tokenizer.model.tokenize(word)]
            while len(pieces) > 1:
                joined = pieces[0] + pieces[1]
                merges.append((pieces[0], pieces[1]))
                vocab.setdefault(joined, len(vocab))
                pieces[:2] = [joined]


def _wrap(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Qwen2Tokenizer:
    return Qwen2Tokenizer(
        vocab={**vocab, **{token: len(vocab) + i for i, token in enumerate(SPECIAL_TOKENS)}},
        merges=merges,
        unk_token="<|endoftext|>",
        bos_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=[t for t in SPECIAL_TOKENS if t not in ("<|endoftext|>", "<|im_end|>")],
        chat_template=CHAT_TEMPLATE,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
