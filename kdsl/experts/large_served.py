"""The adapter of a large model behind a server: the server applies it, and its folder here says what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kdsl.errors import BundleError, ConfigError
from kdsl.tasks import Task

if TYPE_CHECKING:
    from kdsl.models.server_model import ServerModel


@dataclass(frozen=True)
class ServedAdapter:
    """What the server calls an adapter, its number of weights, and its label shifts for one task."""

    name: str
    n_parameters: int
    shifts: Mapping[str, float]


def adapter_behind(model: ServerModel, task: Task, folder: Path) -> ServedAdapter:
    """The adapter of a task, of which `folder` holds what was given to the server.

    Raises:
        ConfigError: the settings do not say what the server calls it, or no server can apply it.
        BundleError: the folder is incomplete, or the adapter is for another kind of model.
    """
    from kdsl.models.adapters import read_adapter, read_shifts, read_stamp, touches_vision
    from kdsl.models.delta import DELTA

    whole = "Export it as a model folder of its own (docs/export.md), and serve that as large.server.model."
    if (folder / DELTA).is_file():
        raise ConfigError(f"{folder} holds changed weights of the base, which no server loads as an adapter. {whole}")
    _, shapes = read_adapter(folder)
    if touches_vision(folder):
        raise ConfigError(f"the adapter in {folder} changes the vision tower, which servers leave as it is. {whole}")
    stamp = read_stamp(folder)
    if stamp is not None and stamp.model_type != model.model_type:
        raise BundleError(f"the adapter in {folder} was trained on {stamp}, and {model.name} is a {model.model_type}.")
    name = model.server.adapters.get(task.name)
    if name is None:
        raise ConfigError(
            f"task '{task.name}' has an adapter, and large.server.adapters does not say what the server calls it: "
            f"write adapters: {{{task.name}: NAME}}."
        )
    count = sum(math.prod(shape) for shape in shapes.values())
    return ServedAdapter(name, count, read_shifts(folder).get(task.name, {}))
