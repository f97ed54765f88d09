"""From a file of samples to evidence in one call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kdsl.config import EvidenceConfig
from kdsl.errors import InputError
from kdsl.evidence.load import load_evidence
from kdsl.tasks import Task


def test_a_file_becomes_evidence_in_its_order(pictures: Path, tmp_path: Path, scene: Task) -> None:
    rows = [
        {"id": name, "task": "scene", "instruction": "", "output": "购物车页面", "image": [f"{name}.png"]}
        for name in ("screen", "popup")
    ]
    data, ocr = tmp_path / "data.json", tmp_path / "ocr.jsonl"
    data.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    given = [
        {"image": f"{row['id']}.png", "lines": [{"text": row["id"], "score": 1, "box": [0, 0, 9, 9]}]} for row in rows
    ]
    ocr.write_text("".join(json.dumps(row) + "\n" for row in given), "utf-8")
    evidences = load_evidence([data], pictures, [scene], EvidenceConfig(), ocr)
    assert [(e.sample.id, e.ocr_text, e.sample.label) for e in evidences] == [
        ("screen", "screen", "购物车页面"),
        ("popup", "popup", "购物车页面"),
    ]
    with pytest.raises(InputError, match=r"screen\.png"):
        load_evidence([data], tmp_path, [scene], EvidenceConfig(), ocr)
