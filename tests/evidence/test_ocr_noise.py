"""OCR's own mistakes: how much of the text they leave, and which lines they join."""

from __future__ import annotations

import random

from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import OcrLine


def test_misread_keeps_most_text_and_strength_nought_keeps_all() -> None:
    lines = [
        OcrLine(f"退款编号{number} 查看钱款去向", 1.0, (10.0, 30.0 * number, 200.0, 30.0 * number + 14))
        for number in range(60)
    ]
    clean = misread(lines, random.Random(3), strength=0)
    assert [line.text for line in clean] == [line.text for line in lines]
    assert all(0 < line.score <= 1 for line in clean)
    noisy = misread(lines, random.Random(3), strength=1)
    assert 40 <= len(noisy) <= 75
    assert sum(line.text not in {clear.text for clear in lines} for line in noisy) > 3
    assert misread(lines, random.Random(3)) == noisy


def test_spaces_between_words_mostly_stay_and_others_are_mostly_lost() -> None:
    def kept(text: str) -> float:
        lines = [OcrLine(text, 1.0, (10.0, 30.0 * n, 200.0, 30.0 * n + 14)) for n in range(100)]
        return sum(line.text.count(" ") for line in misread(lines, random.Random(5))) / (100 * text.count(" "))

    assert kept("where is my order") > 0.75
    assert kept("查看 iPhone15 的 订单") < 0.5


def test_a_line_of_words_is_cut_and_joined_between_words() -> None:
    texts = ["proceed to checkout", "where is"]
    row = [OcrLine(text, 1.0, (90.0 * n, 10.0, 90.0 * n + 80, 24.0)) for n, text in enumerate(texts)]
    whole = {"proceed", "to", "checkout", "where", "is"}
    read = [misread(row, random.Random(seed), 1.0) for seed in range(300)]
    assert any(line.text == "to checkout" or line.text == "checkout" for lines in read for line in lines)
    assert any("checkout where" in line.text for lines in read for line in lines)
    words = [word for lines in read for line in lines for word in line.text.split()]
    assert sum(word in whole for word in words) > 0.8 * len(words)


def test_misread_joins_neighbours_on_a_row_only() -> None:
    row = [OcrLine("复制", 1.0, (10.0, 10.0, 40.0, 24.0)), OcrLine("打电话", 1.0, (50.0, 10.0, 95.0, 24.0))]
    column = [OcrLine("复制", 1.0, (10.0, 10.0, 40.0, 24.0)), OcrLine("打电话", 1.0, (10.0, 40.0, 55.0, 54.0))]
    joined = [misread(row, random.Random(seed)) for seed in range(200)]
    assert any(line.box == (10.0, 10.0, 95.0, 24.0) for lines in joined for line in lines)
    apart = [misread(column, random.Random(seed)) for seed in range(200)]
    assert not any(line.box[3] - line.box[1] > 20 for lines in apart for line in lines)
