"""Base models: loads the embedded kdsl-nano, a local folder, or weights from a hub.

Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5, and the text-only Qwen3 and Gemma 3, use the same code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from kdsl.config import ModelConfig
from kdsl.errors import ConfigError, MissingDependency, did_you_mean
from kdsl.models.four_bit import import_bitsandbytes, keep_one_layout, quantization
from kdsl.models.weights import find_weights, fingerprint_of
from kdsl.processes import join, world_size
from kdsl.progress import no_bars_of_transformers

VISION_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5")
"""The values of `model_type` in config.json of the vision-language models that kdsl can load."""
TEXT_TYPES = ("qwen3", "qwen3_5_text", "gemma3_text")
"""Those of the text-only models, which see no pictures."""


@dataclass
class LoadedModel:
    """A base model ready for inference, with the adapters loaded onto it.

    `fingerprint` identifies the weights (see `fingerprint_of`); `n_parameters` counts the base's weights,
    tied ones once, without adapters (`kdsl.models.adapters.count_parameters` counts those).
    """

    model: Any
    """The transformers model. LoRA layers are injected in place, so it is always this object that is called."""
    processor: Any
    tokenizer: Any
    name: str
    n_parameters: int
    fingerprint: str
    device: torch.device
    dtype: torch.dtype
    peft: Any = None
    """The PeftModel around `model`; None until an adapter is loaded."""
    adapters: tuple[str, ...] = ()
    active: str | None = None
    """The active adapter; change it only with `using`."""
    deltas: dict[str, list[tuple[torch.nn.Parameter, torch.Tensor]]] = field(default_factory=dict, repr=False)
    """For each delta (`kdsl.models.delta`): its parameters, each with the tensor that is currently not in use."""
    label_shifts: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict, repr=False)
    """Adapter -> task -> label -> the value to subtract from the label's log-probability (logit adjustment)."""
    caches: dict[str, Any] = field(default_factory=dict, repr=False)
    """Per-model caches of other modules of this package (chat frame, pixel values)."""

    @property
    def model_type(self) -> str:
        """One of `VISION_TYPES` or `TEXT_TYPES`."""
        return str(self.model.config.model_type)

    @property
    def sees(self) -> bool:
        """Whether the model has a vision tower; if not, all that it learns of a picture is its OCR text."""
        return self.model_type in VISION_TYPES

    @property
    def decoder(self) -> Any:
        """The language model: decoder layers and embeddings, without the vision tower and the output projection."""
        return decoder_of(self.model)[1]

    @property
    def factor(self) -> int:
        """Side, in pixels, of the square that one picture token covers (28, or 32 from Qwen3-VL on); 0 if text-only."""
        if not self.sees:
            return 0
        vision = self.model.config.vision_config
        return int(vision.patch_size * vision.spatial_merge_size)

    @contextmanager
    def using(self, adapter: str | None) -> Iterator[None]:
        """Run the block with one adapter active, or with only the base (None).

        Raises:
            ConfigError: no adapter of that name is loaded.
        """
        if adapter is not None and adapter not in self.adapters:
            known = ", ".join(self.adapters) or "none"
            raise ConfigError(
                f"no adapter '{adapter}' is loaded on {self.name}; loaded: {known}."
                f"{did_you_mean(adapter, self.adapters)}"
            )
        before = self.active
        self._activate(adapter)
        try:
            yield
        finally:
            self._activate(before)

    def _activate(self, adapter: str | None) -> None:
        if adapter == self.active:
            return
        self._swap(self.active)
        if adapter is not None and adapter not in self.deltas:
            self.peft.base_model.enable_adapter_layers()
            self.peft.set_adapter(adapter, inference_mode=True)
        elif self.peft is not None:
            self.peft.base_model.disable_adapter_layers()
        self._swap(adapter)
        self.active = adapter

    def _swap(self, adapter: str | None) -> None:
        """Swap the base's tensors with those of a delta, or back; only pointers change."""
        held = self.deltas.get(adapter or "", [])
        for i, (parameter, tensor) in enumerate(held):
            held[i] = parameter, parameter.data
            parameter.data = tensor


def load_base(config: ModelConfig, *, to_shard: bool = False) -> LoadedModel:
    """Load the weights that a role's config names, in evaluation mode, on its device.

    Args:
        to_shard: keep the language model in main memory, from where FSDP or ZeRO-3 shards it; the vision tower is on
            the device.

    Raises:
        MissingDependency: the weights are missing and cannot be downloaded, or are incomplete.
        ConfigError: the folder has another kind of model, the device does not exist, or a package that `quantize` or
            `attention` needs is not installed.
    """
    from safetensors import SafetensorError

    device, dtype = device_of(config), getattr(torch, config.dtype)
    extras = quantization(config, device) | _attention(config, device)
    folder = find_weights(config)
    model_type = _checked_type(folder)
    if config.quantize != "none":
        import_bitsandbytes()
    try:
        with no_bars_of_transformers():
            model, report = model_class(model_type).from_pretrained(
                folder,
                dtype=dtype,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
                **extras,
            )
            processor = load_processor(folder, model_type)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise MissingDependency(
            f"the model in {folder} cannot be loaded: {error}. "
            "Expected config.json, *.safetensors, tokenizer and (Qwen-VL) preprocessor files of one model."
        ) from error
    absent = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if absent:
        raise MissingDependency(
            f"the weights in {folder} are incomplete: {len(absent)} tensors are missing or of another shape, "
            f"such as {absent[0]}. Fetch the model again."
        )
    model.requires_grad_(False)
    fingerprint = fingerprint_of(folder)
    if config.quantize == "none":
        if not to_shard:
            model.to(device)
        elif model_type in VISION_TYPES:
            model.model.visual.to(device)
    else:  # placed as it was loaded; other numbers than the whole weights, so another base
        keep_one_layout(model)
        fingerprint += f"-{config.quantize}"
    loaded = wrap(model, processor, name=config.source, fingerprint=fingerprint)
    if to_shard:
        loaded.device = device
    return loaded


def check_loadable(config: ModelConfig) -> None:
    """Run the checks of `load_base` that need no weights.

    Raises:
        ConfigError: the device does not exist, or a package that `quantize` or `attention` needs is not installed.
    """
    device = device_of(config)
    quantization(config, device)
    _attention(config, device)


def wrap(model: Any, processor: Any, *, name: str, fingerprint: str) -> LoadedModel:
    """A LoadedModel around a model in memory, for training and benchmarks.

    The processor's picture limits are removed: kdsl resizes pictures itself (`kdsl.models.prompts`), and if the
    processor resized them again, the number of picture tokens would differ from the planned one.
    """
    sees = model.config.model_type in VISION_TYPES
    if sees:
        vision = model.config.vision_config
        cell = vision.patch_size * vision.spatial_merge_size
        processor.image_processor.size = {"shortest_edge": cell * cell, "longest_edge": 1 << 40}
    parameter = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    return LoadedModel(
        model=model.eval(),
        processor=processor,
        tokenizer=processor.tokenizer if sees else processor,
        name=name,
        n_parameters=model.num_parameters(),  # tied weights once; two of 4 bits lie in one byte
        fingerprint=fingerprint,
        device=parameter.device,
        dtype=parameter.dtype,
    )


def model_class(model_type: str) -> Any:
    """The class of transformers that loads a model type: a text-only causal language model, or one with a tower."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    return AutoModelForCausalLM if model_type in TEXT_TYPES else AutoModelForImageTextToText


def load_processor(folder: Path, model_type: str) -> Any:
    """The processor of a model folder; of a text-only model, its tokenizer.

    Raises:
        OSError, ValueError: the files are missing or damaged.
    """
    from transformers import AutoProcessor, AutoTokenizer

    kind = AutoTokenizer if model_type in TEXT_TYPES else AutoProcessor
    return kind.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def decoder_of(model: Any) -> tuple[str, Any]:
    """The name and the module of a transformers model's decoder (see `LoadedModel.decoder`)."""
    name = "model.language_model" if model.config.model_type in VISION_TYPES else "model"
    return name, model.get_submodule(name)


def _checked_type(folder: Path) -> str:
    """The model type of a folder."""
    found = model_type_of(folder)
    if not any(folder.glob("*.safetensors")):
        raise MissingDependency(
            f"{folder} holds no *.safetensors file. Weights in other formats are not read, because they can "
            "run code; convert them with safetensors, or fetch the model again."
        )
    return found


def model_type_of(folder: Path) -> str:
    """The model type in a folder's config.json.

    Raises:
        MissingDependency: there is no readable config.json.
        ConfigError: kdsl cannot load this type, or score labels with this kind of attention.
    """
    try:
        config = dict(json.loads((folder / "config.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise MissingDependency(
            f"{folder} holds no readable config.json ({error}); expected a model folder."
        ) from error
    found = config.get("model_type")
    if found not in VISION_TYPES + TEXT_TYPES:
        known = ", ".join(VISION_TYPES + TEXT_TYPES)
        raise ConfigError(f"{folder} holds a model of type '{found}'; kdsl loads {known}.")
    # EmbeddingGemma is such a model; a label's tokens would see those after them
    if config.get("use_bidirectional_attention"):
        raise ConfigError(f"{folder} holds a model whose attention looks ahead, which cannot score labels.")
    return str(found)


def device_of(config: ModelConfig) -> torch.device:
    """The torch device of a config; under a launch of several processes, that of this process.

    Raises:
        ConfigError: the device does not exist, or belongs to another process.
    """
    name = config.device
    if world_size() > 1:
        own: torch.device = join().device
        if name not in ("auto", str(own)):
            raise ConfigError(
                f"device '{name}' cannot be kept under a launch of {world_size()} processes, of which this one has "
                f"{own}. Write device: auto, and choose GPUs by `accelerate launch --gpu_ids`."
            )
        return own
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device '{name}' is not a device; write auto, cpu, cuda or cuda:1.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"device '{name}' is not here: torch sees {torch.cuda.device_count()} GPUs. Write device: auto."
        )
    return device


def _attention(config: ModelConfig, device: torch.device) -> dict[str, Any]:
    if config.attention == "flash_attention_2":
        without = "write attention: sdpa, whose kernels come with torch."
        if not find_spec("flash_attn"):
            raise ConfigError(f"attention: flash_attention_2 needs the package flash-attn (and a GPU); {without}")
        if device.type != "cuda" or config.dtype == "float32":
            raise ConfigError(
                f"attention: flash_attention_2 runs on a GPU in bfloat16 or float16, not on {device} in "
                f"{config.dtype}; {without}"
            )
    return {"attn_implementation": config.attention}
