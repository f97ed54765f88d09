"""Tiny models of the real classes with random weights, saved as folders that `load_base` takes.

`tiny_folder(folder, 'qwen2_vl')` writes config, safetensors, tokenizer, processor and chat template; it takes
a fraction of a second. Any room's tests may use it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3_5Config,
    Qwen3_5ForCausalLM,
    Qwen3_5ForConditionalGeneration,
    Qwen3_5TextConfig,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from kdsl.data.sample import Sample, Turn
from kdsl.evidence.types import Evidence, OcrLine, Picture, PictureFacts

KINDS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
RECURRENT = "qwen3_5"
"""Qwen3.5: three of four layers are recurrent."""
RECURRENT_TEXT = "qwen3_5_text"
TEXT_KINDS = ("qwen3", "gemma3_text")
"""Text-only kinds: Qwen3 with a chat template; Gemma 3 without one, with a token that begins a text."""
WINDOW = 8
"""Tokens that the first layer of the tiny Gemma 3 attends to."""

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
]

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Like Qwen2-VL's own, default system message included."""

_CORPUS = [
    "用户：这个杯子会生锈吗？",
    "客服：亲，不会生锈的，请放心。",
    "图1文字：加入购物车 立即购买 退款页面 订单详情",
    "对话：问题：参考：可选标签：你要的标签是什么？",
    "user assistant system You are a helpful assistant.",
]


def tiny_tokenizer() -> Qwen2Tokenizer:
    """Qwen2's tokenizer class with byte-level merges from five lines; most hanzi take three tokens."""
    reference = Qwen2Tokenizer(vocab={"<|endoftext|>": 0}, merges=[]).backend_tokenizer
    learner = Tokenizer(models.BPE())
    learner.normalizer, learner.pre_tokenizer = reference.normalizer, reference.pre_tokenizer
    alphabet = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 324)]]
    learner.train_from_iterator(
        _CORPUS * 3, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    )
    vocab = learner.get_vocab()
    ordered = sorted(vocab, key=vocab.__getitem__)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return Qwen2Tokenizer(
        vocab={token: i for i, token in enumerate([*ordered, *SPECIAL])},
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=SPECIAL[1:],
    )


_RECURRENT_LAYERS = {
    "num_hidden_layers": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}


def tiny_model(kind: str, tokenizer: Qwen2Tokenizer, seed: int = 0) -> Any:
    """A random model of one of KINDS or RECURRENT: two layers (of Qwen3.5 four), 32 wide, grouped-query attention, two
    vision blocks."""
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("image_pad", "video_pad")}
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 1, 1]},
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
    }
    shared: dict[str, Any] = {
        "image_token_id": ids["image_pad"],
        "video_token_id": ids["video_pad"],
        "vision_start_token_id": tokenizer.convert_tokens_to_ids("<|vision_start|>"),
        "vision_end_token_id": tokenizer.convert_tokens_to_ids("<|vision_end|>"),
        "tie_word_embeddings": True,
    }
    torch.manual_seed(seed)
    if kind == "qwen2_vl":
        vision: dict[str, Any] = {"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 32}
        model = Qwen2VLForConditionalGeneration(Qwen2VLConfig(text_config=text, vision_config=vision, **shared))
    elif kind == "qwen2_5_vl":
        vision = {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
            "window_size": 56,
        }
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, **shared))
    else:
        text["head_dim"] = 8
        text["rope_parameters"]["mrope_interleaved"] = True
        text.pop("bos_token_id")
        vision = {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "num_position_embeddings": 64,
        }
        if kind == RECURRENT:
            text |= _RECURRENT_LAYERS
            text["rope_parameters"]["partial_rotary_factor"] = 1.0
            model = Qwen3_5ForConditionalGeneration(Qwen3_5Config(text_config=text, vision_config=vision, **shared))
        else:
            vision["deepstack_visual_indexes"] = [0]
            model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=vision, **shared))
    with torch.no_grad():  # the classes' own initialisation is so small that every label scores the same
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
            elif name.endswith("A_log"):  # slow decay: the state of a recurrent layer is to matter
                parameter.uniform_(-4, 0)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.05)
    return model.eval()


def tiny_text_model(kind: str, tokenizer: Qwen2Tokenizer, seed: int = 0) -> Any:
    """A random model of one of TEXT_KINDS: two layers, 32 wide; Gemma's first layer has a sliding window."""
    shared: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(seed)
    if kind == "qwen3":
        model: Any = Qwen3ForCausalLM(Qwen3Config(**shared))
    elif kind == RECURRENT_TEXT:
        rope = {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "mrope_section": [2, 1, 1],
            "partial_rotary_factor": 1.0,
        }
        model = Qwen3_5ForCausalLM(Qwen3_5TextConfig(**shared | _RECURRENT_LAYERS, rope_parameters=rope))
    else:
        layers = ["sliding_attention", "full_attention"]
        model = Gemma3ForCausalLM(
            Gemma3TextConfig(**shared, layer_types=layers, sliding_window=WINDOW, query_pre_attn_scalar=8)
        )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
            elif name.endswith("A_log"):
                parameter.uniform_(-4, 0)
    return model.eval()


def _tiny_text_folder(folder: Path, kind: str, seed: int) -> Path:
    tokenizer = tiny_tokenizer()
    if kind != "gemma3_text":
        tokenizer.chat_template = CHAT_TEMPLATE
    else:
        tokenizer.bos_token = "<|endoftext|>"
    tiny_text_model(kind, tokenizer, seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_processor(kind: str, tokenizer: Qwen2Tokenizer) -> Any:
    """The processor that belongs to a kind of model."""
    classes = {
        "qwen2_vl": (Qwen2VLProcessor, Qwen2VLVideoProcessor, 14),
        "qwen2_5_vl": (Qwen2_5_VLProcessor, Qwen2VLVideoProcessor, 14),
        "qwen3_vl": (Qwen3VLProcessor, Qwen3VLVideoProcessor, 16),
        RECURRENT: (Qwen3VLProcessor, Qwen3VLVideoProcessor, 16),
    }
    processor, video, patch = classes[kind]
    return processor(
        image_processor=Qwen2VLImageProcessor(patch_size=patch),
        tokenizer=tokenizer,
        video_processor=video(),
        chat_template=CHAT_TEMPLATE,
    )


def tiny_folder(folder: Path, kind: str = "qwen2_vl", seed: int = 0, tokenizer: Qwen2Tokenizer | None = None) -> Path:
    """Write a tiny model of one of KINDS, RECURRENT or TEXT_KINDS with all its files; returns `folder`.

    Args:
        tokenizer: of a kind that sees, in place of the tiny one.
    """
    if kind in (*TEXT_KINDS, RECURRENT_TEXT):
        return _tiny_text_folder(folder, kind, seed)
    tokenizer = tokenizer or tiny_tokenizer()
    tiny_model(kind, tokenizer, seed).save_pretrained(folder)
    tiny_processor(kind, tokenizer).save_pretrained(folder)
    return folder


def tiny_evidence(
    folder: Path,
    id: str = "a",
    *,
    sizes: tuple[tuple[int, int], ...] = ((90, 180),),
    lines: tuple[str, ...] = (),
    turns: tuple[tuple[str, str], ...] = (),
    label: str | None = None,
    task: str = "intent",
) -> Evidence:
    """Evidence with real picture files of the given sizes in `folder`; `lines` stand in the first picture."""
    white = (0.0,) * 10 + (1.0,)
    facts = PictureFacts("screenshot", bool(lines), False, False, 2.0, 0.2, 0.8, 0.1, 0.1, white, (0.5,) * 96)
    pictures = []
    for i, (width, height) in enumerate(sizes):
        path = folder / f"{id}-{i}.png"
        gradient = Image.linear_gradient("L").resize((width, height))
        Image.merge("RGB", (gradient, gradient.rotate(90 * (i + 1)), gradient.transpose(1))).save(path)
        boxes = (OcrLine(text, 0.9, (5.0, 10.0 * j, width - 5.0, 10.0 * j + 9)) for j, text in enumerate(lines))
        pictures.append(Picture(path.name, path, width, height, tuple(boxes) if i == 0 else (), facts))
    sample = Sample(
        id=id,
        task=task,
        images=tuple(picture.name for picture in pictures),
        turns=tuple(Turn(role, text, text) for role, text in turns),  # type: ignore[arg-type]
        label=label,
    )
    return Evidence(sample, tuple(pictures))


def tiny_sentence_model(folder: Path, texts: Sequence[str]) -> Path:
    """A random BERT of two layers over the characters of some texts, saved as a sentence-transformers folder."""
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    characters = sorted({c for text in texts for c in text if not c.isspace()})
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]), "utf-8")
    bert = folder / "bert"
    BertTokenizer(str(vocabulary)).save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(characters) + 5,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(bert)
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(32)]).save(str(folder / "model"))
    return folder / "model"
