"""`PaddleOcr`: the OCR backend of the extra `paddle`, on ONNX Runtime or on PaddlePaddle."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import yaml

from kdsl.errors import MissingDependency
from kdsl.evidence.ocr_shared import RECIPE, Found, OcrBackend, installed
from kdsl.evidence.windows import Pixels

Engine = Literal["onnxruntime", "paddle"]

DETECTION, RECOGNITION = "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
"""PaddleOCR's names of the two models."""
_FILES = {DETECTION: "PP-OCRv6_det_small.onnx", RECOGNITION: "PP-OCRv6_rec_small.onnx"}
"""What rapidocr calls their files."""


class PaddleOcr(OcrBackend):
    """PaddleOCR 3.7 or newer; `pip install 'kdsl[paddle]'`.

    On ONNX Runtime it reads with the two PP-OCRv6 small models of rapidocr's wheel: nothing is downloaded, and
    PaddlePaddle is not needed. On PaddlePaddle it uses PaddleOCR's own default models, larger ones, which PaddleOCR
    downloads on first use unless they are in its own cache.

    Raises:
        MissingDependency: PaddleOCR is not installed, or the engine is not.
    """

    name = "paddleocr"

    def __init__(self, max_side: int, engine: Engine = "onnxruntime") -> None:
        super().__init__(max_side)
        self.engine = engine
        command = "pip install 'kdsl[paddle]'"
        package = installed("paddleocr", "PaddleOCR", command)
        if engine == "paddle":
            title = "PaddlePaddle for evidence.paddle_engine=paddle"
            models = f"paddle{installed('paddlepaddle', title, f'{command} paddlepaddle')}"
        else:
            models = f"rapidocr{installed('rapidocr', 'rapidocr', 'pip install kdsl')}"
        self.version = f"{package}-{models}-r{RECIPE}-side{max_side}"

    @cached_property
    def _engine(self) -> Any:
        import cv2
        from paddleocr import PaddleOCR

        cv2.setNumThreads(1)
        logging.getLogger("paddlex").setLevel(logging.WARNING)  # it tells of every model that it loads
        options: dict[str, Any] = {
            "use_doc_orientation_classify": False,
            "use_doc_unwarping": False,
            "use_textline_orientation": False,
            "text_det_limit_type": "max",
            "text_det_limit_side_len": self.max_side,
            "text_rec_score_thresh": 0.0,
            "text_recognition_batch_size": 1,  # a batch pads every line to the longest
        }
        if self.engine == "paddle":
            return PaddleOCR(**options, engine="paddle", cpu_threads=1)
        with TemporaryDirectory(prefix="kdsl-paddle-") as folder:  # read when the engine is made, not afterwards
            write_models(Path(folder))
            return PaddleOCR(
                **options,
                text_detection_model_name=DETECTION,
                text_detection_model_dir=str(Path(folder, DETECTION)),
                text_recognition_model_name=RECOGNITION,
                text_recognition_model_dir=str(Path(folder, RECOGNITION)),
                device="cpu",
                engine="onnxruntime",
                engine_config={"intra_op_num_threads": 1, "inter_op_num_threads": 1, "enable_cpu_mem_arena": True},
            )

    def _lines(self, bgr: Pixels) -> Iterable[Found]:
        return [line for result in self._engine.predict(bgr) for line in parse_paddle(result)]


def parse_paddle(result: Mapping[str, Any]) -> list[Found]:
    """Lines from one result of PaddleOCR 3.x: parallel lists `rec_texts`, `rec_scores` and `rec_polys`, four corner
    points per line. Lines without text are left out."""
    rows = zip(result["rec_texts"], result["rec_scores"], result["rec_polys"], strict=True)
    return [row for row in rows if row[0].strip()]


def write_models(folder: Path) -> None:
    """Write rapidocr's two models as PaddleOCR wants them: one folder each, named after the model, with the network and
    what to do before and after it.

    Raises:
        MissingDependency: the installed rapidocr holds other models.
    """
    found = find_spec("rapidocr")
    assert found is not None  # `PaddleOcr` has asked for its version
    assert found.origin is not None
    source = Path(found.origin).parent / "models"
    for name, file in _FILES.items():
        if not (source / file).is_file():
            raise MissingDependency(
                f"PaddleOCR on ONNX Runtime reads with rapidocr's models, and the installed rapidocr has no {file}. "
                "Install rapidocr 3.10, or set evidence.paddle_engine=paddle."
            )
        target = folder / name
        target.mkdir()
        shutil.copyfile(source / file, target / "inference.onnx")
    _write_settings(folder / DETECTION, _detection())
    _write_settings(folder / RECOGNITION, _recognition(source / _FILES[RECOGNITION]))


def _write_settings(folder: Path, steps: Mapping[str, Any]) -> None:
    settings = {"Global": {"model_name": folder.name}, **steps}
    (folder / "inference.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")


def _detection() -> dict[str, Any]:
    """Pixels as differences from ImageNet's mean, and boxes by differentiable binarisation. PaddleOCR itself gives
    the size and the thresholds."""
    normal = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "scale": 1 / 255, "order": "hwc"}
    return {
        "PreProcess": {
            "transform_ops": [{"DetResizeForTest": None}, {"NormalizeImage": normal}, {"ToCHWImage": None}],
        },
        "PostProcess": {"name": "DBPostProcess"},
    }


def _recognition(model: Path) -> dict[str, Any]:
    """Lines 48 pixels high, and the characters that the model's own metadata name, one per line."""
    from onnxruntime import InferenceSession

    metadata = InferenceSession(str(model), providers=["CPUExecutionProvider"]).get_modelmeta().custom_metadata_map
    return {
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": metadata["character"].split("\n")},
    }
