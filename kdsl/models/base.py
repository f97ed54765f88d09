"""Base models: loads the embedded kdsl-nano, a local folder, or weights from a hub.

Qwen2-VL, Qwen2.5-VL and Qwen3-VL use the same code.
"""

from __future__ import annotations

import hashlib
import json
import os
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
from kdsl.processes import join, world_size
from kdsl.resources import PACKAGE

NANO = "kdsl-nano"
NANO_FOLDER = PACKAGE / "models" / "nano" / "weights"

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""The values of `model_type` in config.json that kdsl can load."""

_DOWNLOAD = ["*.json", "*.safetensors", "*.txt", "*.jinja"]
"""File patterns to download from a hub: no pickles, no Python."""
_WHOLE_FILE = 64 << 20
"""Weight files up to this size, in bytes, are hashed completely; from larger ones only parts are."""


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
        """`qwen2_vl`, `qwen2_5_vl` or `qwen3_vl`."""
        return str(self.model.config.model_type)

    @property
    def factor(self) -> int:
        """Side, in pixels, of the square that one picture token covers (28, or 32 for Qwen3-VL)."""
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
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging

    device, dtype = device_of(config), getattr(torch, config.dtype)
    extras = quantization(config, device) | _attention(config, device)
    folder = find_weights(config)
    _check_type(folder)
    if config.quantize != "none":
        import_bitsandbytes()
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model, report = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            **extras,
        )
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise MissingDependency(
            f"the model in {folder} cannot be loaded: {error}. "
            "Expected config.json, *.safetensors, tokenizer and preprocessor files of one Qwen-VL model."
        ) from error
    finally:
        if bars:
            logging.enable_progress_bar()
    absent = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if absent:
        raise MissingDependency(
            f"the weights in {folder} are incomplete: {len(absent)} tensors are missing or of another shape, "
            f"such as {absent[0]}. Fetch the model again."
        )
    model.requires_grad_(False)
    fingerprint = fingerprint_of(folder)
    if config.quantize == "none":
        (model.model.visual if to_shard else model).to(device)
    else:  # placed as it was loaded; other numbers than the whole weights, so another base
        keep_one_layout(model)
        fingerprint += f"-{config.quantize}"
    loaded = wrap(model, processor, name=config.source, fingerprint=fingerprint)
    loaded.device = next(model.model.visual.parameters()).device
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
    vision = model.config.vision_config
    cell = vision.patch_size * vision.spatial_merge_size
    processor.image_processor.size = {"shortest_edge": cell * cell, "longest_edge": 1 << 40}
    parameter = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    return LoadedModel(
        model=model.eval(),
        processor=processor,
        tokenizer=processor.tokenizer,
        name=name,
        n_parameters=model.num_parameters(),  # tied weights once; two of 4 bits lie in one byte
        fingerprint=fingerprint,
        device=parameter.device,
        dtype=parameter.dtype,
    )


def find_weights(config: ModelConfig) -> Path:
    """The folder of a model's files, which are downloaded from its hub if necessary.

    Raises:
        MissingDependency: there are no weights; the message names what was searched for and what to do.
    """
    source = config.source
    if source == NANO:
        if not (NANO_FOLDER / "model.safetensors").is_file():
            raise MissingDependency(
                f"the embedded model's weights are not at {NANO_FOLDER}. Reinstall kdsl, "
                "or train them with `kdsl nano pretrain`."
            )
        return NANO_FOLDER
    local = Path(source).expanduser()
    if local.is_dir():
        return local
    if local.is_absolute() or source.startswith((".", "~")) or source.count("/") != 1:
        raise MissingDependency(
            f"no folder '{source}' is here, and it is no hub id either (such as Qwen/Qwen2-VL-2B-Instruct)."
            f"{did_you_mean(source, [NANO])}"
        )
    return _from_modelscope(source) if config.hub == "modelscope" else _from_huggingface(source)


def fingerprint_of(folder: Path) -> str:
    """A fingerprint of a model's weights: 16 hex digits of a SHA-256 over config.json and all safetensors files.

    From a file over 64 MB only the size, the first megabyte (with the safetensors header) and 64 evenly spaced pieces
    of 64 kB are hashed, so a model of 15 GB takes well under a second.
    """
    digest = hashlib.sha256()
    for file in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}\n".encode())
        with file.open("rb") as stream:
            if size <= _WHOLE_FILE:
                while block := stream.read(1 << 20):
                    digest.update(block)
            else:
                digest.update(stream.read(1 << 20))
                for i in range(64):
                    stream.seek((size - (64 << 10)) * i // 63)
                    digest.update(stream.read(64 << 10))
    return digest.hexdigest()[:16]


def is_complete(folder: Path) -> bool:
    """Whether a model folder has config.json and every weight file that its index names."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    else:
        shards = {"model.safetensors"}
    return all((folder / name).is_file() for name in ("config.json", *shards))


def _check_type(folder: Path) -> None:
    try:
        found = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise MissingDependency(
            f"{folder} holds no readable config.json ({error}); expected a model folder."
        ) from error
    if found not in MODEL_TYPES:
        raise ConfigError(f"{folder} holds a model of type '{found}'; kdsl loads {', '.join(MODEL_TYPES)}.")
    if not any(folder.glob("*.safetensors")):
        raise MissingDependency(
            f"{folder} holds no *.safetensors file. Weights in other formats are not read, because they can "
            "run code; convert them with safetensors, or fetch the model again."
        )


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


def _from_huggingface(source: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(source, allow_patterns=_DOWNLOAD, local_files_only=True))
        if is_complete(cached):  # what was fetched once is used without asking the hub again
            return cached
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    try:
        return Path(snapshot_download(source, allow_patterns=_DOWNLOAD, etag_timeout=10))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "")
        because = (
            f"HF_HUB_OFFLINE={offline} forbids to ask the hub"
            if offline not in ("", "0")
            else f"the hub gave none: {type(error).__name__}"
        )
        raise MissingDependency(
            f"model '{source}' is not in the Hugging Face cache, and {because}. Fetch it where there is a "
            f"network (`hf download {source}`), set `hub: modelscope`, or give a local folder as `source`. "
            "HF_ENDPOINT names a mirror; HF_HUB_OFFLINE=1 makes this answer come at once."
        ) from error


def _from_modelscope(source: str) -> Path:
    try:
        from modelscope import snapshot_download
    except ImportError as error:
        raise MissingDependency(
            f"model '{source}' is wanted from ModelScope, but the package modelscope is not installed: "
            "`pip install 'kdsl[modelscope]'`."
        ) from error
    try:
        cached = Path(snapshot_download(source, local_files_only=True))
        if is_complete(cached):
            return cached
    except ValueError:
        pass
    try:
        return Path(snapshot_download(source, allow_file_pattern=_DOWNLOAD))
    except Exception as error:  # modelscope raises what requests, urllib3 and its own API raise
        raise MissingDependency(
            f"model '{source}' is not in the ModelScope cache and could not be fetched: {error}. "
            "Fetch it where there is a network, or give a local folder as `source`."
        ) from error
