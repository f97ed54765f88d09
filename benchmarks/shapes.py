"""Qwen2-VL models of named shapes with random weights: time and memory do not ask what the weights are.

The numbers are those of the published config.json files; `thirteenth` keeps the 2B's proportions (vision tower and
vocabulary to language model) at a size that a CPU trains. Tokenizer and processor are kdsl-nano's, whose token ids
lie below every vocabulary here, but for nano's tokens that are whole label names: a label takes several tokens, as
those of Qwen's own tokenizer do.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, Qwen2VLConfig

from kdsl.models.base import LoadedModel, wrap
from kdsl.models.weights import NANO_FOLDER

_TEXT: dict[str, dict[str, Any]] = {
    "thirteenth": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 23_424,
        "tie_word_embeddings": True,
    },
    "qwen2-vl-2b": {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
        "tie_word_embeddings": True,
    },
    "qwen2-vl-7b": {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152_064,
        "tie_word_embeddings": False,
    },
}
_QWEN_TOWER = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4}
_TOWER: dict[str, dict[str, int]] = {
    "thirteenth": {"depth": 16, "embed_dim": 512, "num_heads": 8, "mlp_ratio": 4},
    "qwen2-vl-2b": _QWEN_TOWER,
    "qwen2-vl-7b": _QWEN_TOWER,
}
SHAPES = tuple(_TEXT)
_WORDS = 8000  # nano's tokens learned from text; those of label names have the ids after them


def write_shape(name: str, folder: Path) -> Path:
    """Write config.json of one of SHAPES beside nano's tokenizer and processor files; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in NANO_FOLDER.iterdir():
        if file.suffix in (".json", ".jinja") and file.name != "manifest.json":
            shutil.copy(file, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids, merges = tokenizer["model"]["vocab"], tokenizer["model"]["merges"]
    tokenizer["model"]["merges"] = [pair for pair in merges if ids["".join(pair)] < _WORDS]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
    nano = json.loads((folder / "config.json").read_text("utf-8"))
    text = _TEXT[name]
    eighth = text["hidden_size"] // text["num_attention_heads"] // 16  # Qwen2-VL's split: 2, 3 and 3 eighths
    config = Qwen2VLConfig(
        text_config={
            **text,
            "max_position_embeddings": 32_768,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [2 * eighth, 3 * eighth, 3 * eighth],
            },
            **{key: nano["text_config"][key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")},
        },
        vision_config={**_TOWER[name], "hidden_size": text["hidden_size"]},
        tie_word_embeddings=text["tie_word_embeddings"],
        **{key: nano[key] for key in nano if key.endswith("_token_id")},
    )
    config.save_pretrained(folder)
    return folder


def random_model(folder: Path, dtype: str, device: str, seed: int = 0) -> LoadedModel:
    """A model of the shape in `folder`/config.json with random weights; `device` auto takes the first GPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    torch.manual_seed(seed)
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(config, dtype=getattr(torch, dtype), attn_implementation="sdpa")
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    return wrap(model.requires_grad_(False), processor, name=f"random weights, shape of {folder.name}", fingerprint="")
