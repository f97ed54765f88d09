"""Loading adapters onto a base model by name: LoRA in PEFT's format, or a delta; both are checked.

An adapter trained by kdsl contains `kdsl_base.json`, which names its base; other LoRA adapters can be loaded too if
their tensors fit. A delta (`kdsl.models.delta`) replaces weights of the base while it is active. Both may contain
`label_shift.json`, which scoring subtracts from the labels' log-probabilities (logit adjustment).
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from kdsl.errors import BundleError, ConfigError
from kdsl.files import write_json
from kdsl.models.base import LoadedModel
from kdsl.models.delta import DELTA, base_parameters, read_delta
from kdsl.models.four_bit import import_peft

STAMP = "kdsl_base.json"
SHIFT = "label_shift.json"
_NUMBER = itertools.count()
_PLAIN_STARTS = (True, False, "gaussian", "eva", "orthogonal")
"""Values of peft's `init_lora_weights` that do not change the base."""
WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"


@dataclass(frozen=True)
class Stamp:
    """The base of an adapter: its name, its model type, and the fingerprint of its weights."""

    base: str
    model_type: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.base} ({self.model_type}, weights {self.fingerprint})"


def stamp_adapter(folder: Path, loaded: LoadedModel) -> None:
    """Write the stamp of an adapter's base into its folder; call it after `save_pretrained`."""
    stamp = Stamp(loaded.name, loaded.model_type, loaded.fingerprint)
    write_json(folder / STAMP, asdict(stamp))


def load_adapter(loaded: LoadedModel, folder: Path, name: str) -> None:
    """Load the adapter in a folder onto a base as `name`; activate it with `with loaded.using(name):`.

    Raises:
        BundleError: the folder is incomplete, or the adapter is for another base.
        ConfigError: another adapter is active (within a `using` block).
    """
    if loaded.active is not None:
        raise ConfigError(f"adapters are loaded outside of `using`; '{loaded.active}' is in use.")
    if name in loaded.adapters:
        raise BundleError(f"an adapter '{name}' is loaded on {loaded.name} already; take another name.")
    _check_stamp(loaded, folder)
    shifts = read_shifts(folder)
    if (folder / DELTA).is_file():
        loaded.deltas[name] = read_delta(folder, base_parameters(loaded.model))
    else:
        _load_lora(loaded, folder, name)
    loaded.adapters = (*loaded.adapters, name)
    loaded.label_shifts[name] = shifts


@contextmanager
def no_rename_warnings() -> Iterator[None]:
    """Suppress FutureWarnings about names in transformers that peft and trl use; users cannot act on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@no_rename_warnings()
def _load_lora(loaded: LoadedModel, folder: Path, name: str) -> None:
    config = _checked_config(loaded, folder)
    import_peft()
    from peft import PeftModel

    try:
        if loaded.peft is None:
            loaded.peft = PeftModel(loaded.model, config, adapter_name=name)
        report = loaded.peft.load_adapter(str(folder), name, torch_device=str(loaded.device))
        strange = sorted(report.unexpected_keys) or sorted(report.missing_keys)
        if strange:
            raise ValueError(f"{len(strange)} tensors have no counterpart, such as {strange[0]}")
    except (RuntimeError, ValueError, KeyError) as error:
        _take_off(loaded, name)
        raise BundleError(f"the adapter in {folder} does not fit {loaded.name}: {error}.") from error
    loaded.model.eval().requires_grad_(False)
    loaded.peft.base_model.disable_adapter_layers()  # outside of `using` no adapter is active


def remove_adapter(loaded: LoadedModel, name: str) -> None:
    """Remove an adapter from its base and free its weights; the base's own weights are unchanged.

    Raises:
        ConfigError: no adapter of that name is loaded, or it is active (within a `using` block).
    """
    if name not in loaded.adapters or name == loaded.active:
        state = "in use" if name in loaded.adapters else f"not loaded on {loaded.name}"
        raise ConfigError(f"adapter '{name}' cannot be removed: it is {state}.")
    loaded.adapters = tuple(other for other in loaded.adapters if other != name)
    del loaded.label_shifts[name]
    if name in loaded.deltas:
        del loaded.deltas[name]
    else:
        _take_off(loaded, name)


@contextmanager
def adapter_on(loaded: LoadedModel, folder: Path) -> Iterator[None]:
    """Load an adapter from disk, activate it within the block, and remove it afterwards."""
    name = f"borrowed-{next(_NUMBER)}"
    load_adapter(loaded, folder, name)
    try:
        with loaded.using(name):
            yield
    finally:
        remove_adapter(loaded, name)


def count_parameters(loaded: LoadedModel, name: str) -> int:
    """Number of weights of an adapter: in addition to the base's (LoRA), or replacing some of them (delta)."""
    if name in loaded.deltas:
        return count_replaced(loaded, name)
    return sum(p.numel() for key, p in loaded.model.named_parameters() if f".{name}." in key)


def count_replaced(loaded: LoadedModel, name: str) -> int:
    """Number of weights of the base that are not used when an adapter is active; 0 for LoRA."""
    return sum(parameter.numel() for parameter, _ in loaded.deltas.get(name, ()))


def read_stamp(folder: Path) -> Stamp | None:
    """The stamp of an adapter's base; None if kdsl did not train the adapter.

    Raises:
        BundleError: the stamp is damaged.
    """
    file = folder / STAMP
    if not file.is_file():
        return None
    try:
        return Stamp(**json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise BundleError(f"{file} is damaged: {error}") from error


def read_adapter(folder: Path) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """An adapter's PEFT config and the shape of each of its tensors by key; no tensor is loaded.

    Raises:
        BundleError: the folder is incomplete, cannot be read, or is not a LoRA adapter.
    """
    import_peft()
    from peft import PeftConfig

    for file in (_CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise BundleError(
                f"{folder} is not an adapter: it has no {file}. Expected PEFT's format, with safetensors."
            )
    try:
        config = PeftConfig.from_pretrained(str(folder))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"the adapter in {folder} cannot be read: {error}") from error
    if config.peft_type != "LORA":
        raise BundleError(f"the adapter in {folder} is of type {config.peft_type}; kdsl loads LORA.")
    return config, tensor_shapes(folder)


def weights_file(folder: Path) -> Path:
    """The file of an adapter's tensors: a delta, or LoRA in PEFT's format.

    Raises:
        BundleError: the folder has neither.
    """
    for name in (DELTA, WEIGHTS):
        if (folder / name).is_file():
            return folder / name
    raise BundleError(f"{folder} is not an adapter: it has neither {WEIGHTS} (PEFT's format) nor {DELTA}.")


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of an adapter by key; no tensor is loaded.

    Raises:
        BundleError: the folder has no adapter, or a damaged one.
    """
    from safetensors import SafetensorError, safe_open

    file = weights_file(folder)
    try:
        with safe_open(file, framework="pt") as weights:
            return {key: tuple(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} cannot be read: {error}") from error


def touches_vision(folder: Path) -> bool:
    """Whether an adapter changes the vision tower, which vLLM and sglang do not support."""
    return any(".visual." in key for key in tensor_shapes(folder))


def _take_off(loaded: LoadedModel, name: str) -> None:
    """Remove the layers that `load_adapter` injected, completely or before it failed."""
    if loaded.peft is None:
        return
    if set(loaded.adapters) <= set(loaded.deltas):
        loaded.model, loaded.peft = loaded.peft.unload(), None
        return
    if name in loaded.peft.peft_config:
        loaded.peft.delete_adapter(name)
    if loaded.active is None:
        loaded.peft.base_model.disable_adapter_layers()


def _check_stamp(loaded: LoadedModel, folder: Path) -> None:
    """Raise BundleError if an adapter's stamp names another base."""
    stamp = read_stamp(folder)
    if stamp and (stamp.fingerprint, stamp.model_type) != (loaded.fingerprint, loaded.model_type):
        raise BundleError(
            f"the adapter in {folder} was trained on {stamp}, but the model "
            f"loaded is {loaded.name} ({loaded.model_type}, weights {loaded.fingerprint}). "
            "Load that base, or train again."
        )


def read_shifts(folder: Path) -> dict[str, dict[str, float]]:
    """Task -> label -> the value to subtract from the label's log-probability; empty if an adapter has none.

    Raises:
        BundleError: `label_shift.json` is damaged.
    """
    file = folder / SHIFT
    if not file.is_file():
        return {}
    try:
        raw: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8"))
        return {task: {label: float(shift) for label, shift in shifts.items()} for task, shifts in raw.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{file} is damaged: {error}") from error


def _checked_config(loaded: LoadedModel, folder: Path) -> Any:
    """The adapter's PEFT config, after all checks that need no change of the model."""
    config, shapes = read_adapter(folder)
    if config.init_lora_weights not in _PLAIN_STARTS:
        raise BundleError(
            f"the adapter in {folder} began by init_lora_weights={config.init_lora_weights!r}, which changes the "
            "base too; kdsl keeps one base for several adapters. Convert it to plain LoRA (peft's save_pretrained "
            "with path_initial_model_for_weight_conversion), or train without it."
        )
    modules = dict(loaded.model.named_modules())
    for key, shape in shapes.items():
        path = key.removeprefix("base_model.model.")
        for part, side in ((".lora_A.weight", "in_features"), (".lora_B.weight", "out_features")):
            if not path.endswith(part):
                continue
            module = modules.get(path.removesuffix(part))
            base_layer = getattr(module, "base_layer", module)
            wanted = getattr(base_layer, side, None)
            given = shape[1] if part == ".lora_A.weight" else shape[0]
            if isinstance(base_layer, torch.nn.Linear) and wanted != given:
                raise BundleError(
                    f"the adapter in {folder} does not fit {loaded.name}: {key} is for {given} features "
                    f"where the model has {wanted}."
                )
    return config
