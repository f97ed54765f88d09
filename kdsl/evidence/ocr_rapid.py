"""`RapidOcr`: the OCR backend that every installation has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from kdsl.evidence.ocr_shared import RECIPE, Found, OcrBackend, installed
from kdsl.evidence.windows import Pixels


class RapidOcr(OcrBackend):
    """PP-OCRv6 small on ONNX Runtime; the models are part of rapidocr's wheel.

    Configured for throughput with one process per core: one thread, no angle classifier (screens are upright),
    limited detection size, and lines recognised one by one at their own width, because a batch pads every line to
    the longest. The memory arena, off by default in rapidocr, saves a third of the time.
    """

    name = "rapidocr"

    def __init__(self, max_side: int) -> None:
        super().__init__(max_side)
        self.version = f"{installed('rapidocr', 'rapidocr', 'pip install kdsl')}-r{RECIPE}-side{max_side}"

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

    def _lines(self, bgr: Pixels) -> Iterable[Found]:
        result = self._engine(bgr)
        if result.boxes is None or result.txts is None:
            return []
        return zip(result.txts, result.scores, result.boxes, strict=True)
