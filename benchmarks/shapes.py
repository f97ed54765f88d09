"""Models of named shapes with random weights: time and memory do not ask what the weights are.

The numbers are those of the published config.json files of Qwen2-VL; `thirteenth` keeps the 2B's proportions (vision
tower and vocabulary to language model) at a size that a CPU trains. `small-*` are of the families that kdsl scores
labels with, all of one width and depth, at a size that a CPU compares in seconds. Tokenizer and processor are
kdsl-nano's, whose token ids lie below every vocabulary here, but for nano's tokens that are whole label names: a label
takes several tokens, as those of Qwen's own tokenizer do.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
    Qwen2VLImageProcessor,
    Qwen3_5Config,
    Qwen3VLConfig,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

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
FAMILIES = {
    "small-qwen2-vl": Qwen2VLConfig,
    "small-qwen2.5-vl": Qwen2_5_VLConfig,
    "small-qwen3-vl": Qwen3VLConfig,
    "small-qwen3.5": Qwen3_5Config,
}
_SMALL = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 23_424,
}
_SMALL_TOWER = {"depth": 2, "hidden_size": 128, "intermediate_size": 256, "num_heads": 4, "out_hidden_size": 512}
SHAPES = (*_TEXT, *FAMILIES)
_WORDS = 8000  # nano's tokens learned from text; those of label names have the ids after them


def write_shape(name: str, folder: Path) -> Path:
    """Write config.json of one of SHAPES beside nano's tokenizer and processor files; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in FAMILIES:
        return _write_small(name, folder)
    _write_tokenizer(folder)
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


def _write_tokenizer(folder: Path) -> None:
    """Nano's tokenizer and processor files, without the merges that make tokens of whole labels."""
    for file in NANO_FOLDER.iterdir():
        if file.suffix in (".json", ".jinja") and file.name != "manifest.json":
            shutil.copy(file, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids, merges = tokenizer["model"]["vocab"], tokenizer["model"]["merges"]
    tokenizer["model"]["merges"] = [pair for pair in merges if ids["".join(pair)] < _WORDS]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")


def _write_small(name: str, folder: Path) -> Path:
    """Write one of FAMILIES: eight layers, 512 wide, a vision tower of two."""
    _write_tokenizer(folder)
    nano = json.loads((folder / "config.json").read_text("utf-8"))
    text: dict[str, Any] = {**_SMALL, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}
    rope, tower = text["rope_parameters"], dict(_SMALL_TOWER)
    rope["mrope_section"] = [8, 12, 12]
    if name in ("small-qwen3-vl", "small-qwen3.5"):
        text["head_dim"], rope["mrope_interleaved"] = 64, True
    if name == "small-qwen3.5":
        rope["partial_rotary_factor"], rope["mrope_section"] = 0.5, [6, 5, 5]
        heads = {"linear_num_key_heads": 4, "linear_num_value_heads": 8}
        text |= {**heads, "linear_key_head_dim": 64, "linear_value_head_dim": 64}
    if name == "small-qwen3-vl":
        tower["deepstack_visual_indexes"] = [0]
    if name == "small-qwen2-vl":
        tower = {"depth": 2, "embed_dim": 128, "num_heads": 4, "hidden_size": 512}
    config = FAMILIES[name](
        text_config=text,
        vision_config=tower,
        tie_word_embeddings=True,
        **{key: nano[key] for key in nano if key.endswith("_token_id")},
    )
    config.save_pretrained(folder)
    if name in ("small-qwen3-vl", "small-qwen3.5"):  # patches of 16 pixels, where nano's processor cuts 14
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        image = Qwen2VLImageProcessor(patch_size=16)
        template = (folder / "chat_template.jinja").read_text("utf-8")
        Qwen3VLProcessor(image, tokenizer, Qwen3VLVideoProcessor(), chat_template=template).save_pretrained(folder)
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
