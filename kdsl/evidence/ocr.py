"""OCR backends with one interface: RapidOCR (embedded) and PaddleOCR (the extra `paddle`).

A backend loads its models when it reads the first picture, so a process that finds all pictures in the cache never
loads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np

from kdsl.config import EvidenceConfig
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


class OcrBackend(Protocol):
    """Reads the text of one picture."""

    name: str
    version: str
    """Covers the package, its models and `RECIPE`: the same name and version give the same results."""

    def read(self, image: Pixels) -> list[OcrLine]:
        """The lines of a picture, in no particular order and without a threshold on their scores.

        Args:
            image: RGB, (height, width, 3), uint8.
        """
        ...


class RapidOcr:
    """PP-OCRv6 small on ONNX Runtime; the models are part of rapidocr's wheel.

    Configured for throughput with one process per core: one thread, no angle classifier (screens are upright),
    limited detection size, and lines recognised one by one at their own width, because a batch pads every line to
    the longest. The memory arena, off by default in rapidocr, saves a third of the time.
    """

    name = "rapidocr"

    def __init__(self, max_side: int) -> None:
        self.max_side = max_side
        self.version = f"{_installed('rapidocr', 'rapidocr', 'kdsl')}-r{RECIPE}-side{max_side}"

    @cached_property
    def _engine(self) -> Any:
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        return RapidOCR(
            params={
                "Global.log_level": "critical",  # a picture without text is not worth a warning
                "Global.use_cls": False,
                "Global.text_score": 0.0,
                "Det.limit_type": "max",
                "Det.limit_side_len": self.max_side,
                "Rec.rec_batch_num": 1,
                "Rec.rec_img_shape": [3, 48, 48],  # (channels, height, least width)
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
            }
        )

    def read(self, image: Pixels) -> list[OcrLine]:
        """See `OcrBackend.read`."""
        with _READING:
            return read_windows(self._read, image)

    def _read(self, image: Pixels) -> list[OcrLine]:
        import cv2

        scale = detection_scale(image.shape[0], image.shape[1], self.max_side)
        bgr = np.ascontiguousarray(image[:, :, ::-1])  # the models were trained on OpenCV's channel order
        if scale > 1:
            bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        result = self._engine(bgr)
        if result.boxes is None or result.txts is None:
            return []
        return [
            OcrLine(text, float(score), bounding_box((x / scale, y / scale) for x, y in points))
            for text, score, points in zip(result.txts, result.scores, result.boxes, strict=True)
        ]


class PaddleOcr:
    """PaddleOCR 3.x with its default models; `pip install 'kdsl[paddle]'`.

    PaddleOCR downloads its models on first use unless they are in its own cache.
    """

    name = "paddleocr"

    def __init__(self, max_side: int) -> None:
        self.max_side = max_side
        package = _installed("paddleocr", "PaddleOCR", "kdsl[paddle]")
        engine = _installed("paddlepaddle", "PaddlePaddle", "kdsl[paddle]")
        self.version = f"{package}-paddle{engine}-r{RECIPE}-side{max_side}"

    @cached_property
    def _engine(self) -> Any:
        from paddleocr import PaddleOCR

        return PaddleOCR(
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            text_det_limit_type="max",
            text_det_limit_side_len=self.max_side,
            text_rec_score_thresh=0.0,
            cpu_threads=1,
        )

    def read(self, image: Pixels) -> list[OcrLine]:
        """See `OcrBackend.read`."""
        with _READING:
            return read_windows(self._read, image)

    def _read(self, image: Pixels) -> list[OcrLine]:
        results = self._engine.predict(np.ascontiguousarray(image[:, :, ::-1]))
        return [line for result in results for line in parse_paddle(result)]


def parse_paddle(result: Mapping[str, Any]) -> list[OcrLine]:
    """Lines from one result of PaddleOCR 3.x: parallel lists `rec_texts`, `rec_scores` and `rec_polys`.

    `rec_polys` has four corner points per line; results without it have `rec_boxes`, (left, top, right, bottom) in
    pixels. Lines without text are left out.
    """
    polygons = result.get("rec_polys")
    if polygons is None:
        polygons = [[(left, top), (right, bottom)] for left, top, right, bottom in result["rec_boxes"]]
    rows = zip(result["rec_texts"], result["rec_scores"], polygons, strict=True)
    return [OcrLine(text, float(score), bounding_box(points)) for text, score, points in rows if text.strip()]


def open_backend(config: EvidenceConfig) -> OcrBackend:
    """The backend that a config names; one per process, so its models are loaded once.

    Raises:
        MissingDependency: its package is not installed; the message gives the install command.
    """
    return _opened(config.ocr, config.max_side)


@lru_cache(maxsize=1)
def _opened(name: str, max_side: int) -> OcrBackend:
    backends = {"rapidocr": RapidOcr, "paddleocr": PaddleOcr}
    return cast(OcrBackend, backends[name](max_side))


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


def _installed(package: str, title: str, extra: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        raise MissingDependency(
            f"the OCR backend needs {title}, which is not installed. Run: pip install '{extra}', "
            "or choose another backend, such as evidence.ocr=rapidocr."
        ) from None
