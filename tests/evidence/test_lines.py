"""Reading order and denoising of OCR lines, and the windows that long pictures are read in."""

from __future__ import annotations

import itertools
import math
import random

from hypothesis import given
from hypothesis import strategies as st

from kdsl.evidence.lines import denoise, reading_order, rows
from kdsl.evidence.types import OcrLine
from kdsl.evidence.windows import MIN_WIDTH, TALL, WINDOW, windows


def line(text: str, left: float, top: float, width: float = 80, height: float = 20, score: float = 0.9) -> OcrLine:
    return OcrLine(text, score, (left, top, left + width, top + height))


def shuffled(lines: list[OcrLine]) -> list[OcrLine]:
    return random.Random(5).sample(lines, len(lines))


def texts(lines: list[OcrLine]) -> str:
    return "".join(e.text for e in lines)


def test_rows_from_top_to_bottom_and_left_to_right() -> None:
    grid = [line(f"{row}{column}", column * 100, row * 40) for row in range(4) for column in range(3)]
    assert reading_order(shuffled(grid)) == grid


def test_boxes_of_different_height_stand_in_one_row() -> None:
    label = line("合计", 10, 106, height=20)
    price = line("￥99", 100, 100, height=34)
    note = line("已优惠", 190, 108, height=16)
    below = line("提交", 10, 150)
    assert texts(reading_order(shuffled([label, price, note, below]))) == "合计￥99已优惠提交"


def test_a_tall_picture_text_does_not_join_two_rows() -> None:
    tall = line("大", 0, 0, width=90, height=64)
    upper, lower = line("上行", 100, 2), line("下行", 100, 42)
    assert [texts(row) for row in rows([lower, tall, upper])] == ["上行", "大", "下行"]


def test_a_tilt_of_three_degrees_keeps_rows_together() -> None:
    slope = math.tan(math.radians(3))
    tilted = [
        line(f"{row}{column}", column * 90, row * 60 + column * 90 * slope) for row in range(5) for column in range(7)
    ]
    assert reading_order(shuffled(tilted)) == tilted


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 300), st.integers(1, 80)), max_size=25)
)
def test_no_line_is_lost_or_doubled_and_input_order_does_not_matter(boxes: list[tuple[int, int, int, int]]) -> None:
    lines = [line(str(i), x, y, w, h) for i, (x, y, w, h) in enumerate(boxes)]
    ordered = reading_order(lines)
    assert sorted(e.text for e in ordered) == sorted(e.text for e in lines)
    if len({(x, y) for x, y, *_ in boxes}) == len(boxes):
        assert reading_order(lines[::-1]) == ordered


def test_low_scores_and_punctuation_are_dropped() -> None:
    noise = [
        line("退款", 0, 0, score=0.3),
        line("……", 0, 30),
        line("::!", 0, 60),
        line("  ", 0, 90),
        line("--_", 0, 120),
    ]
    assert denoise(noise, 0.5) == []


def test_telling_lines_stay() -> None:
    telling = ["退", "X", "￥", "<", "×", "3", "+", "领 券", "¥9.9", "√", "100%"]
    kept = denoise([line(text, 0, 0, score=0.5) for text in telling], 0.5)
    assert [e.text for e in kept] == telling


def test_spaces_are_normalised() -> None:
    assert denoise([line(" 优惠　券\t2 张 ", 0, 0)], 0.5)[0].text == "优惠 券 2 张"


@given(st.integers(1, 20_000), st.integers(1, 2_000))
def test_windows_cover_a_picture_and_each_row_has_one_that_answers_for_it(height: int, width: int) -> None:
    found = windows(height, width)
    assert (found[0].first, found[-1].last) == (0, height)
    assert found[-1].bottom == height
    for upper, lower in itertools.pairwise(found):
        assert upper.last == lower.first
        assert lower.top <= upper.last <= upper.bottom
    for window in found:
        assert window.top <= window.first < window.last <= window.bottom
        assert width < MIN_WIDTH or window.bottom - window.top <= max(TALL, WINDOW) * width + 1
