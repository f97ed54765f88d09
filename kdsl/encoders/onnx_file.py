"""ONNX models written in bytes: the few parts of the format that a plain convolutional network needs.

onnxruntime is installed with kdsl; the package `onnx`, which would write such files, is not.

Source: onnx.proto of ONNX 1.12 (field numbers); https://protobuf.dev/programming-guides/encoding (bytes).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_IR, _OPSET = 7, 13
_FLOAT = 1
"""Type of an element."""
_INT, _STRING, _INTS = 2, 3, 7
"""Types of an attribute."""

Attribute = int | str | Sequence[int]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        held = _int(3, value) + _int(20, _INT)
    elif isinstance(value, str):
        held = _bytes(4, value) + _int(20, _STRING)
    else:
        held = b"".join(_int(8, one) for one in value) + _int(20, _INTS)
    return _bytes(1, name) + held


def _tensor(name: str, values: np.ndarray) -> bytes:
    shape = b"".join(_int(1, side) for side in values.shape)
    return shape + _int(2, _FLOAT) + _bytes(8, name) + _bytes(9, np.ascontiguousarray(values, "<f4").tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_bytes(1, _int(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _int(1, _FLOAT) + _bytes(2, sides)))


class Graph:
    """A graph of float32 tensors; names of tensors are made by `constant` and `add`."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []

    def constant(self, values: np.ndarray) -> str:
        """Add a tensor of weights; returns its name."""
        name = f"w{len(self._tensors)}"
        self._tensors.append(_tensor(name, values))
        return name

    def add(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Add a node of one output; returns the output's name."""
        name = f"n{len(self._nodes)}"
        ends = [_bytes(1, given) for given in inputs] + [_bytes(2, name), _bytes(4, op)]
        self._nodes.append(b"".join(ends + [_bytes(5, _attribute(*pair)) for pair in attributes.items()]))
        return name

    def model(self, given: tuple[str, Sequence[int]], result: tuple[str, Sequence[int]]) -> bytes:
        """The bytes of an ONNX file, from the input `given` (name, shape) to the output `result`."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _bytes(2, "kdsl")
        graph += b"".join(_bytes(5, tensor) for tensor in self._tensors)
        graph += _bytes(11, _value(*given)) + _bytes(12, _value(*result))
        return _int(1, _IR) + _bytes(7, graph) + _bytes(8, _int(2, _OPSET))
