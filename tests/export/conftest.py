"""Adapters that training would write, on tiny bases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from kdsl.config import ModelConfig, PromptConfig
from kdsl.models.adapters import stamp_adapter
from kdsl.models.base import load_base

TARGETS = ("q_proj", "down_proj")


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A LoRA adapter of random weights on a base, with stamp and manifest."""

    def make(base: ModelConfig, seed: int = 0, r: int = 2, targets: tuple[str, ...] = TARGETS, **lora: object) -> Path:
        loaded = load_base(base)
        torch.manual_seed(seed)
        settings = LoraConfig(
            r=r,
            lora_alpha=2 * r,
            init_lora_weights=False,
            target_modules=list(targets),
            base_model_name_or_path=loaded.name,
            **lora,  # type: ignore[arg-type]
        )
        folder = tmp_path_factory.mktemp(f"adapter-{seed}")
        get_peft_model(loaded.model, settings).save_pretrained(folder)
        (folder / "README.md").unlink()  # training takes peft's card of blanks away too
        stamp_adapter(folder, loaded)
        manifest = {
            "base": loaded.name,
            "tasks": {"care": ["你要的标签是什么？"]},
            "samples": {"care": 9},
            "seed": seed,
            "data": f"hash-{seed}",
            "steps": 3,
            "versions": {"peft": "0.17"},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        return folder

    return make


@pytest.fixture(scope="session")
def prompt() -> PromptConfig:
    return PromptConfig(max_tokens=192, max_pixels=6272)
