"""A shop of three labels in a file, corrections of it, and the settings of a fit of seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kdsl.corrections.feedback import Correction

ASKED = {
    "rust": ("会不会生锈", "will it rust", "用久了生锈吗", "does it rust in water"),
    "refund": ("钱退了吗", "money back", "给我退钱", "pay me back"),
    "stock": ("还补货吗", "is it in stock", "什么时候补货", "when is it back"),
}
QUICK = ("large=null", "small=null", "rules.simulations=10", "ensemble.inner_folds=2", "encoders.text=[]")


def shop_file(folder: Path) -> Path:
    """36 samples, three of each question."""
    rows = [
        {"id": f"{label}-{number}-{text}", "text": f"{text} {number}", "label": label}
        for label, texts in ASKED.items()
        for text in texts
        for number in range(3)
    ]
    file = folder / "shop.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return file


def correction(number: int, text: str, label: str | None, **others: Any) -> Correction:
    """That a text of the user has a label; the request's id is made of the number."""
    given: dict[str, Any] = {
        "request": f"r-{number}", "task": "shop", "turns": [("user", text)], "pictures": (), "label": label,
        "author": "li", "version": "v1",
    }  # fmt: skip
    return Correction(**given | others)
