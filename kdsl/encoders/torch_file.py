"""Weights of a .pth file from before PyTorch 1.6, read without torch and without running what a pickle may hold.

The file is four pickles (a magic number, a version, the system, the state), a pickle of storage keys, then of each
storage its length (int64) and its numbers. Only what a state dict of tensors needs may be named in it.

Source: `torch/serialization.py`, `_legacy_load`.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.errors import InputError

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Tensor:
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.storages: dict[str, np.dtype] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a state dict")

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, *_ = pid
        self.storages[key] = kind
        return str(key)


def read_state(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict by name.

    Raises:
        InputError: the file holds something else, or is cut off.
    """
    try:
        with path.open("rb") as file:
            if _Reader(file).load() != _MAGIC:
                raise InputError(f"{path} is no .pth file of the old format.")
            _Reader(file).load(), _Reader(file).load()  # the version, and the system that wrote it
            reader = _Reader(file)
            state, keys = reader.load(), _Reader(file).load()
            numbers = {}
            for key in keys:
                kind, length = reader.storages[key], int(np.frombuffer(file.read(8), "<i8")[0])
                numbers[key] = np.frombuffer(file.read(length * kind.itemsize), kind, length)
    except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} cannot be read as weights: {error}") from error
    return {name: _array(tensor, numbers[tensor.storage]) for name, tensor in state.items()}


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    size = numbers.itemsize
    strided = np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :], tensor.shape, [stride * size for stride in tensor.strides], writeable=False
    )
    return np.ascontiguousarray(strided)
