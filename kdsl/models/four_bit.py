"""4-bit weights with bitsandbytes: NF4 with double quantisation (QLoRA: Dettmers et al. 2023, section 3).

bitsandbytes is imported only if a 4-bit model is requested, and its messages at import go only to its logger.
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
    """Arguments of `from_pretrained` for a value of `quantize`; none for weights that are not quantised.

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
    """Import bitsandbytes and make it known to peft; call it before 4-bit weights are loaded."""
    # Without a handler Python writes warnings to stderr, such as that a kernel for this CPU was not downloaded.
    logging.getLogger("bitsandbytes").addHandler(logging.NullHandler())
    import bitsandbytes  # noqa: F401

    import_peft()
    from peft import import_utils

    import_utils.is_bnb_available.cache_clear()  # answered 'no' by `import_peft` where whole weights came first
    import_utils.is_bnb_4bit_available.cache_clear()


def import_peft() -> None:
    """Import peft without bitsandbytes, which it would load if installed; call it before peft or trl are used.

    It has no effect after a 4-bit model was requested, or if the caller has imported either package.
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
    """Keep bitsandbytes from repacking quantised weights.

    On a CPU with AVX-512 BF16, a layer's first forward in evaluation mode repacks its weights in place: scales are
    rounded to bfloat16, gradients are lost, saving quantises the scales again, and row lengths that are not a multiple
    of the block size 64 fail. Without repacking, scores and training are the same on every CPU.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
