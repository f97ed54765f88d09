"""OCR backends behind one contract: RapidOCR, which every installation has, and PaddleOCR (the extra `paddle`)."""

from __future__ import annotations

from functools import lru_cache

from kdsl.config import EvidenceConfig
from kdsl.evidence.ocr_paddle import Engine, PaddleOcr
from kdsl.evidence.ocr_rapid import RapidOcr
from kdsl.evidence.ocr_shared import OcrBackend


def open_backend(config: EvidenceConfig) -> OcrBackend:
    """The backend that a config names; one per process, so its models are loaded once.

    Raises:
        MissingDependency: its package is not installed; the message gives the install command.
    """
    return _opened(config.ocr, config.max_side, config.paddle_engine)


@lru_cache(maxsize=1)
def _opened(name: str, max_side: int, engine: Engine) -> OcrBackend:
    return RapidOcr(max_side) if name == RapidOcr.name else PaddleOcr(max_side, engine)
