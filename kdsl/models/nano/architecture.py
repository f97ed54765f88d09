"""The architecture of kdsl-nano: a Qwen2-VL with seven million weights, built from transformers' classes.

Its sizes were chosen for the speed of a LoRA fit on a few hundred samples with two CPU cores (docs/nano.md has the
measurements). The rest is as in Qwen2-VL: patches of 14 pixels merged two by two, multimodal rotary positions,
grouped-query attention, one special token per picture token.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

MAX_PIXELS = 47_040
"""Maximum pixels of a picture: 60 picture tokens of 28 x 28."""

_VOCAB_MULTIPLE = 64


@dataclass(frozen=True, slots=True)
class NanoShape:
    """Sizes of the two towers; the vocabulary's size is the tokenizer's."""

    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    vision_depth: int = 3
    vision_width: int = 160
    vision_heads: int = 4


def build_model(
    tokenizer: Qwen2Tokenizer, shape: NanoShape = NanoShape(), seed: int = 0
) -> Qwen2VLForConditionalGeneration:
    """A randomly initialised model in float32 for the vocabulary of `tokenizer`."""
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in _SPECIAL}
    half_head = shape.hidden_size // shape.num_attention_heads // 2
    height = width = half_head * 3 // 8  # Qwen2-VL's split of the rotary frequencies: 16 + 24 + 24 of 64
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": -(-len(tokenizer) // _VOCAB_MULTIPLE) * _VOCAB_MULTIPLE,
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size,
            "num_hidden_layers": shape.num_hidden_layers,
            "num_attention_heads": shape.num_attention_heads,
            "num_key_value_heads": shape.num_key_value_heads,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [half_head - height - width, height, width],
            },
            "bos_token_id": None,
            "eos_token_id": ids["im_end"],
            "pad_token_id": ids["endoftext"],
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": shape.vision_depth,
            "embed_dim": shape.vision_width,
            "num_heads": shape.vision_heads,
            "hidden_size": shape.hidden_size,
        },
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = [ids["im_end"], ids["endoftext"]]
    model.generation_config.pad_token_id = ids["endoftext"]
    return model


def build_processor(tokenizer: Qwen2Tokenizer) -> Qwen2VLProcessor:
    """Qwen2-VL's processor with `tokenizer` and nano's limit on pixels."""
    size = {"shortest_edge": 28 * 28, "longest_edge": MAX_PIXELS}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=size),
        chat_template=tokenizer.chat_template,
    )


def save(model: Qwen2VLForConditionalGeneration, processor: Qwen2VLProcessor, folder: Path) -> None:
    """Write a model folder that transformers' Auto classes can load; weights are stored in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(model).half().save_pretrained(folder)
    processor.save_pretrained(folder)


_SPECIAL = ("endoftext", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
