"""Weights of 4 bits (NF4 with double quantisation; QLoRA: Dettmers et al. 2023, section 3), by bitsandbytes.

bitsandbytes is imported where a model of 4 bits is asked for and nowhere else. What it has to say when it is imported
goes to its logger alone.
"""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from typing import Any

import torch

from kdsl.config import ModelConfig
from kdsl.errors import ConfigError


def quantization(config: ModelConfig, device: torch.device) -> dict[str, Any]:
    """Arguments of `from_pretrained` for what `quantize` asks for; none for whole weights.

    Raises:
        ConfigError: bitsandbytes is not installed.
    """
    if config.quantize == "none":
        return {}
    if not find_spec("bitsandbytes"):
        raise ConfigError(
            f"quantize: {config.quantize} needs the package bitsandbytes: `pip install 'kdsl[gpu]'`, or write "
            "quantize: none."
        )
    from transformers import BitsAndBytesConfig

    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["model.visual", "lm_head"],
    )
    return {"quantization_config": four_bit, "device_map": {"": device}}


def import_bitsandbytes() -> None:
    """Make bitsandbytes known to peft; call it before weights of 4 bits are loaded."""
    # Without a handler Python writes warnings to stderr, such as that a kernel for this CPU was not downloaded.
    logging.getLogger("bitsandbytes").addHandler(logging.NullHandler())
    import bitsandbytes  # noqa: F401

    import_peft()
    from peft import import_utils

    import_utils.is_bnb_available.cache_clear()  # answered 'no' by `import_peft` where whole weights came first
    import_utils.is_bnb_4bit_available.cache_clear()


def import_peft() -> None:
    """Import peft without bitsandbytes, which it loads wherever it is installed; call it before peft or trl are used.

    Once a model of 4 bits has been asked for, or where the caller has imported either package, nothing is changed.
    """
    if "peft" in sys.modules or "bitsandbytes" in sys.modules:
        return
    sys.modules["bitsandbytes"] = None  # type: ignore[assignment]  # how Python spells 'not to be found'
    try:
        from peft import import_utils

        import_utils.is_bnb_available()  # peft keeps the answer, and asks for each adapter
        import_utils.is_bnb_4bit_available()
    finally:
        del sys.modules["bitsandbytes"]


def keep_one_layout(model: torch.nn.Module) -> None:
    """Have bitsandbytes leave the weights as they were quantised.

    On a CPU with AVX-512 BF16, a layer's first forward in evaluation would repack its weights in place: scales are
    rounded to bfloat16, gradients no longer pass, saving quantises the scales once more, and rows that are no
    multiple of a block of 64 fail. Without it, scores and trainings are the same on every CPU.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
