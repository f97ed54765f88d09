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


def test_misread_joins_neighbours_on_a_row_only() -> None:
    row = [OcrLine("复制", 1.0, (10.0, 10.0, 40.0, 24.0)), OcrLine("打电话", 1.0, (50.0, 10.0, 95.0, 24.0))]
    column = [OcrLine("复制", 1.0, (10.0, 10.0, 40.0, 24.0)), OcrLine("打电话", 1.0, (10.0, 40.0, 55.0, 54.0))]
    joined = [misread(row, random.Random(seed)) for seed in range(200)]
    assert any(line.box == (10.0, 10.0, 95.0, 24.0) for lines in joined for line in lines)
    apart = [misread(column, random.Random(seed)) for seed in range(200)]
    assert not any(line.box[3] - line.box[1] > 20 for lines in apart for line in lines)
