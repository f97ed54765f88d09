"""One contract for every OCR backend that can run here, and the parsing of PaddleOCR's results."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.drawn_pictures import draw_screen

from kdsl.config import EvidenceConfig
from kdsl.errors import MissingDependency
from kdsl.evidence.ocr import OcrBackend, RapidOcr, bounding_box, detection_scale, open_backend, parse_paddle
from kdsl.evidence.types import OcrLine


def _can_run(name: str) -> bool:
    try:
        open_backend(EvidenceConfig.model_validate({"ocr": name}))
    except MissingDependency:
        return False
    return True


BACKENDS = [name for name in ("rapidocr", "paddleocr") if _can_run(name)]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> OcrBackend:
    return open_backend(EvidenceConfig.model_validate({"ocr": request.param, "max_side": 960}))


@pytest.fixture(scope="module")
def read(backend: OcrBackend) -> list[OcrLine]:
    return backend.read(np.asarray(draw_screen()))


def test_the_embedded_backend_is_among_those_tested() -> None:
    assert "rapidocr" in BACKENDS


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
    other = type(backend)(1280)  # type: ignore[call-arg]
    assert other.version != backend.version


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    if "paddleocr" in BACKENDS:
        pytest.skip("PaddleOCR is installed here")
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
        "rec_boxes": np.array([[10, 20, 110, 52], [0, 0, 1, 1], [200, 20, 260, 50]], dtype=np.int16),
    }
    lines = [
        OcrLine("确认收货", 0.998, (10.0, 20.0, 110.0, 52.0)),
        OcrLine("¥9.90", 0.87, (200.0, 20.0, 260.0, 50.0)),
    ]
    assert parse_paddle(result) == lines
    assert parse_paddle({k: v for k, v in result.items() if k != "rec_polys"}) == lines
    assert parse_paddle({"rec_texts": [], "rec_scores": [], "rec_polys": []}) == []


def test_a_box_must_be_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        bounding_box([(0, 0), (float("nan"), 1)])


def test_making_a_backend_loads_no_model() -> None:
    assert "_engine" not in vars(RapidOcr(960))
