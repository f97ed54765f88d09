"""Deltas: trained tensors that replace some of a base model's, the result of the regimes `freeze` and `full`.

FOLDER/delta.safetensors    only the changed tensors, by their names in the base

With LoRA layers on the base, a layer's weights are named `q_proj.base_layer.weight`; here they have their names in
the base without LoRA.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from kdsl.errors import BundleError
from kdsl.files import written_whole

DELTA = "delta.safetensors"


def base_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """The base's own parameters by name, without those of LoRA adapters; tied ones once."""
    return {base_name(name): parameter for name, parameter in model.named_parameters() if ".lora_" not in name}


def base_name(name: str) -> str:
    """The name of a parameter in the base without LoRA layers."""
    return name.replace(".base_layer.", ".")


def write_delta(folder: Path, parameters: Mapping[str, torch.Tensor], dtype: torch.dtype) -> None:
    """Write tensors by their parameters' names, as `dtype`."""
    from safetensors.torch import save_file

    tensors = {base_name(name): tensor.detach().to("cpu", dtype).contiguous() for name, tensor in parameters.items()}
    with written_whole(folder / DELTA) as partial:
        save_file(tensors, partial, metadata={"format": "pt"})


def read_delta(
    folder: Path, parameters: Mapping[str, torch.nn.Parameter]
) -> list[tuple[torch.nn.Parameter, torch.Tensor]]:
    """The parameters that a delta replaces, each with its new tensor, which has the parameter's dtype and device.

    Raises:
        BundleError: the file cannot be read, or its tensors do not fit this base.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / DELTA
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} cannot be read: {error}. Fetch or train it again.") from error
    pairs = []
    for name, tensor in tensors.items():
        parameter = parameters.get(name)
        if parameter is None or parameter.shape != tensor.shape:
            found = "has no such tensor" if parameter is None else f"has {tuple(parameter.shape)}"
            raise BundleError(f"{file} does not fit the model: {name} is {tuple(tensor.shape)}, the model {found}.")
        pairs.append((parameter, tensor.to(parameter.device, parameter.dtype)))
    return pairs
