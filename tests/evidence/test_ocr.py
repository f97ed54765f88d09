"""One contract for every OCR backend that can run here.

PaddleOCR pins versions of libraries that kdsl's other tests do not run on, so it is tested in an environment of its
own: `make test-paddle`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_pictures import draw_screen

from kdsl.config import EvidenceConfig
from kdsl.data.sample import Sample
from kdsl.errors import MissingDependency
from kdsl.evidence.observe import observe
from kdsl.evidence.ocr import open_backend
from kdsl.evidence.ocr_paddle import PaddleOcr, parse_paddle
from kdsl.evidence.ocr_rapid import RapidOcr
from kdsl.evidence.ocr_shared import OcrBackend, bounding_box, detection_scale
from kdsl.evidence.types import OcrLine
from kdsl.world.screens import draw_screen as draw_scene
from kdsl.world.screens import families

needs_paddle = pytest.mark.skipif(
    find_spec("paddleocr") is None, reason="PaddleOCR is tested in an environment of its own: make test-paddle"
)
without_paddle = pytest.mark.skipif(find_spec("paddleocr") is not None, reason="PaddleOCR is installed here")


@pytest.fixture(scope="module", params=["rapidocr", pytest.param("paddleocr", marks=needs_paddle)])
def backend(request: pytest.FixtureRequest) -> OcrBackend:
    return open_backend(EvidenceConfig.model_validate({"ocr": request.param, "max_side": 960}))


@pytest.fixture(scope="module")
def read(backend: OcrBackend) -> list[OcrLine]:
    return backend.read(np.asarray(draw_screen()))


def test_reads_chinese_and_digits(read: list[OcrLine]) -> None:
    text = "".join(line.text for line in read).replace(" ", "")
    for expected in ("09:41", "我的订单", "待付款", "128.50", "立即购买"):
        assert expected in text


def test_boxes_and_scores_are_those_of_the_picture(read: list[OcrLine]) -> None:
    for line in read:
        left, top, right, bottom = line.box
        assert 0 <= left < right <= 540
        assert 0 <= top < bottom <= 1170
        assert 0 <= line.score <= 1
    found = {line.text: line.box for line in read}
    left, top, right, bottom = found["我的订单"]
    assert abs(left - 40) < 15
    assert abs(right - (40 + 4 * 34)) < 15
    assert top < 110 + 20 < bottom  # drawn at row 1


def test_small_pictures_are_enlarged_and_their_boxes_scaled_back(backend: OcrBackend) -> None:
    small = draw_screen().resize((270, 585))
    lines = backend.read(np.asarray(small))
    box = next(line.box for line in lines if "订单" in line.text)
    assert abs(box[0] - 20) < 10
    assert box[3] < 100


def test_a_blank_picture_has_no_text(backend: OcrBackend) -> None:
    assert backend.read(np.full((200, 300, 3), 255, dtype=np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 700, 3), (900, 2, 3)])
def test_odd_shapes_do_not_fail(backend: OcrBackend, shape: tuple[int, int, int]) -> None:
    assert backend.read(np.zeros(shape, dtype=np.uint8)) == []


def test_every_line_of_a_long_screenshot_is_read_once(backend: OcrBackend) -> None:
    numbers = [f"第{number:02d}条物流" for number in range(1, 22)]
    page = draw_screen(("10:00", *numbers), (400, 22 * 110))  # 6 times as tall as wide: three windows
    read = "".join(line.text for line in backend.read(np.asarray(page))).replace(" ", "")
    assert [read.count(number) for number in numbers] == [1] * len(numbers)


def test_name_and_version_tell_backends_and_settings_apart(backend: OcrBackend) -> None:
    assert backend.name in ("rapidocr", "paddleocr")
    assert type(backend)(1280).version != backend.version
    assert type(backend)(960).version == backend.version


@needs_paddle
def test_paddle_reads_what_rapid_reads() -> None:
    """On drawn screens, whose text is known: at most one character in fifty fewer."""
    shown: Counter[str] = Counter()
    read: dict[str, Counter[str]] = {"rapidocr": Counter(), "paddleocr": Counter()}
    backends = [RapidOcr(1280), PaddleOcr(1280)]
    for seed, label in enumerate(sorted(families())[::8]):
        screen = draw_scene(label, random.Random(seed), scale=2)
        known = Counter("".join("".join(line.text for line in screen.lines).split()))
        shown += known
        for backend in backends:
            lines = backend.read(np.asarray(screen.image.convert("RGB")))
            read[backend.name] += known & Counter("".join("".join(line.text for line in lines).split()))
    assert read["rapidocr"].total() > 0.9 * shown.total()
    assert read["paddleocr"].total() > 0.98 * read["rapidocr"].total()


@needs_paddle
@pytest.mark.skipif(find_spec("paddle") is not None, reason="PaddlePaddle is installed here")
def test_another_engine_is_another_backend_and_says_what_it_needs() -> None:
    with pytest.raises(MissingDependency, match=r"paddle_engine=paddle.*pip install 'kdsl\[paddle\]' paddlepaddle"):
        open_backend(EvidenceConfig(ocr="paddleocr", paddle_engine="paddle"))


@needs_paddle
def test_pictures_are_read_by_paddle_in_worker_processes(tmp_path: Path, sample_of: Callable[..., Sample]) -> None:
    for number in range(3):
        draw_screen(("09:41", f"第{number}个订单", "待付款")).save(tmp_path / f"{number}.png")
    samples = [sample_of(str(number), f"{number}.png") for number in range(3)]
    config = EvidenceConfig(ocr="paddleocr")
    evidences = observe(samples, tmp_path, config, cache=tmp_path / "cache")
    assert [f"第{number}个订单" in evidences[number].ocr_text for number in range(3)] == [True] * 3


@without_paddle
def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[paddle\]'"):
        open_backend(EvidenceConfig(ocr="paddleocr"))


@pytest.mark.parametrize(
    ("height", "width", "side", "scale"),
    [(1500, 700, 1600, 736 / 700), (1600, 720, 960, 1.0), (585, 270, 1280, 1280 / 585), (3000, 2000, 960, 1.0)],
)
def test_detection_scale(height: int, width: int, side: int, scale: float) -> None:
    assert detection_scale(height, width, side) == pytest.approx(scale)


def test_paddle_results_become_lines() -> None:
    # the shape of paddleocr 3.x's OCRResult: parallel lists, polygons as int16 arrays (4, 2)
    result = {
        "input_path": None,
        "rec_texts": ["确认收货", "", "¥9.90"],
        "rec_scores": [0.998, 0.0, 0.87],
        "rec_polys": [
            np.array([[10, 20], [110, 22], [110, 52], [10, 50]], dtype=np.int16),
            np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.int16),
            np.array([[200, 20], [260, 20], [260, 50], [200, 50]], dtype=np.int16),
        ],
    }
    assert [(text, score, bounding_box(corners)) for text, score, corners in parse_paddle(result)] == [
        ("确认收货", 0.998, (10.0, 20.0, 110.0, 52.0)),
        ("¥9.90", 0.87, (200.0, 20.0, 260.0, 50.0)),
    ]
    assert parse_paddle({"rec_texts": [], "rec_scores": [], "rec_polys": []}) == []


def test_a_box_must_be_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        bounding_box([(0, 0), (float("nan"), 1)])


def test_making_a_backend_loads_no_model(backend: OcrBackend) -> None:
    assert "_engine" not in vars(type(backend)(960))
