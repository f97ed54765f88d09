"""Evidence written back as the files that a user hands in: samples as chat messages, and OCR results."""

from __future__ import annotations

import json
from pathlib import Path

from kdsl.evidence.types import Evidence


def ocr_file(path: Path, samples: list[Evidence]) -> Path:
    rows = [
        {
            "image": picture.name,
            "width": picture.width,
            "height": picture.height,
            "lines": [{"text": line.text, "score": line.score, "box": list(line.box)} for line in picture.lines],
        }
        for evidence in samples
        for picture in evidence.pictures
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def input_file(path: Path, samples: list[Evidence], extra: list[dict[str, object]]) -> Path:
    rows = []
    for evidence in samples:
        turns = [
            {"role": "user" if turn.role == "user" else "assistant", "content": turn.text}
            for turn in evidence.sample.turns
        ] or [{"role": "user", "content": "<image>"}]
        sample = evidence.sample
        label = {"role": "assistant", "content": sample.label or ""}
        rows.append({"id": sample.id, "task": sample.task, "images": list(sample.images), "messages": [*turns, label]})
    path.write_text(json.dumps(rows + extra, ensure_ascii=False), "utf-8")
    return path
