"""What every OCR backend shares: the contract, enlarging of small pictures, windows of tall ones, boxes, turns."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import ClassVar

import numpy as np

from kdsl.errors import MissingDependency
from kdsl.evidence.types import Box, OcrLine
from kdsl.evidence.windows import Pixels, read_windows

RECIPE = 2
"""Part of every backend's version; increased when kdsl's own pre- or post-processing changes the results."""

DETECT_MIN_SIDE = 736
"""Pictures whose shorter side, in pixels, is below this are enlarged to it (as far as `max_side` allows): the
detection network was trained at about this size and misses small text below it."""

_READING = Lock()
"""The engines store the size of the current picture, so threads must take turns."""

Found = tuple[str, float, Iterable[Sequence[float]]]
"""A line as an engine gives it: its text, its score, and the corners (x, y) of its box in pixels."""


class OcrBackend(ABC):
    """Reads the text of one picture.

    A backend loads its models when it reads the first picture, so a process that finds all pictures in the cache never
    loads them.
    """

    name: ClassVar[str]
    version: str
    """Covers the package, its models and `RECIPE`: the same name and version give the same results."""

    def __init__(self, max_side: int) -> None:
        self.max_side = max_side
        """The longest side, in pixels, to which a picture is scaled down for detection."""

    @abstractmethod
    def _lines(self, bgr: Pixels) -> Iterable[Found]:
        """What the engine finds in pixels (height, width, 3) in OpenCV's channel order."""

    def read(self, image: Pixels) -> list[OcrLine]:
        """The lines of a picture, in no particular order and without a threshold on their scores.

        Args:
            image: RGB, (height, width, 3), uint8.
        """
        with _READING:
            return read_windows(self._read, image)

    def _read(self, image: Pixels) -> list[OcrLine]:
        import cv2

        scale = detection_scale(image.shape[0], image.shape[1], self.max_side)
        bgr = np.ascontiguousarray(image[:, :, ::-1])  # the models were trained on OpenCV's channel order
        if scale > 1:
            bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        return [
            OcrLine(text, float(score), bounding_box((x / scale, y / scale) for x, y in corners))
            for text, score, corners in self._lines(bgr)
        ]


def detection_scale(height: int, width: int, max_side: int) -> float:
    """Scale factor before detection: the shorter side reaches `DETECT_MIN_SIDE`, as far as `max_side` allows."""
    return max(1.0, min(DETECT_MIN_SIDE / min(height, width), max_side / max(height, width)))


def bounding_box(points: Iterable[Sequence[float]]) -> Box:
    """The axis-aligned box (left, top, right, bottom) around points (x, y)."""
    corners = [(float(x), float(y)) for x, y in points]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    if not all(map(math.isfinite, xs + ys)):
        raise ValueError("a box holds a number that is not finite")
    return min(xs), min(ys), max(xs), max(ys)


def installed(package: str, title: str, command: str) -> str:
    """The version of a package that a backend needs.

    Raises:
        MissingDependency: it is not installed; the message gives the command that installs it.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        raise MissingDependency(
            f"the OCR backend needs {title}, which is not installed. Run: {command}, "
            "or choose another backend, such as evidence.ocr=rapidocr."
        ) from None
