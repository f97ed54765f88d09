"""Gold and prediction files for the tests of the evaluation room."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdsl.data.sample import Sample
from kdsl.evaluation.predictions import Judged, PredictionLine


def judge(gold: str, label: str | None, probability: float | None = None, id: str = "a") -> Judged:
    """One judged sample; `label` None is a failed one."""
    line = PredictionLine(label=label, probability=probability) if label else PredictionLine(error="no picture")
    return Judged(Sample(id, "scene", (), (), gold), gold, line)


def gold_row(id: str, label: str, text: str | None = None) -> dict[str, Any]:
    """A MIRE row: a scene picture, or with `text` a dialogue."""
    if text is None:
        return {"id": id, "instruction": "Picture 1: <image>\n这是什么页面？", "output": label, "image": [f"{id}.jpg"]}
    return {
        "id": id,
        "task": "intent",
        "instruction": f"用户: {text}\n客服: 您好",
        "output": label,
        "image": [],
    }


def line(id: str, label: str, probability: float = 0.8, **over: Any) -> dict[str, Any]:
    """A prediction as `kdsl predict` writes it."""
    return {
        "id": id,
        "label": label,
        "probability": probability,
        "distribution": {label: probability},
        "abstained": False,
        "spend": {"calls": 1, "output_tokens": 6, "parameters": 9_000_000},
        "trace": {
            "calls": [{"role": "large", "output_tokens": 6, "top": [[label, 0.7]]}],
            "experts": {"large": {"weight": 0.6, "top": [[label, 0.7]]}, "rules": {"weight": 0.2, "top": []}},
            "rules": [{"id": "r1", "label": label, "weight": 1.5, "text": "an OCR line contains 合计"}],
            "snippets": [
                {"id": "s1", "label": label, "title": "标题", "source": "faq.yaml", "score": 0.4, "read": True},
                {"id": "s2", "label": None, "title": "无标签", "source": "guide.md", "score": 0.3},
            ],
        },
    } | over


def write_files(
    folder: Path, gold: Sequence[Mapping[str, Any]], pred: Sequence[Mapping[str, Any]]
) -> tuple[Path, Path]:
    """gold.json and pred.jsonl."""
    (folder / "gold.json").write_text(json.dumps(gold, ensure_ascii=False), "utf-8")
    (folder / "pred.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pred), "utf-8")
    return folder / "gold.json", folder / "pred.jsonl"
