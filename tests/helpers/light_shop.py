"""A small real bundle without a large model, fitted once: one task of dialogues, three labels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kdsl import Recognizer, Sample
from kdsl.config_file import load_config

ASKED = {
    "rust": ("会不会生锈", "will it rust", "用久了生锈吗", "does it rust in water"),
    "refund": ("钱退了吗", "money back", "给我退钱", "pay me back"),
    "stock": ("还补货吗", "is it in stock", "什么时候补货", "when is it back"),
}
OVERRIDES = ["large=null", "small=null", "rules.simulations=40", "encoders.text=use-multilingual-v3"]


def labelled() -> list[Sample]:
    """Three samples of each text."""
    return [
        Sample.dialogue([f"{text} {number}"], label=label, id=f"{label}-{number}-{text}")
        for label, texts in ASKED.items()
        for text in texts
        for number in range(3)
    ]


def asked(number: int) -> dict[str, str]:
    """A row that asks something, unlike those of other numbers."""
    texts = [text for texts in ASKED.values() for text in texts]
    return {"id": f"r{number}", "text": f"{texts[number % len(texts)]}, {number}"}


def asked_file(path: Path, rows: int, bad: tuple[int, ...] = ()) -> Path:
    """A JSONL file of such rows, some of which are cut off."""
    lines = [json.dumps(asked(number), ensure_ascii=False) for number in range(rows)]
    path.write_text("".join(f"{line[:12] if n in bad else line}\n" for n, line in enumerate(lines)), "utf-8")
    return path


def copied(bundle: Path, place: Path) -> Path:
    """A copy of a bundle."""
    shutil.copytree(bundle, place)
    return place


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that is copied or predicted with, never changed."""
    out = tmp_path_factory.mktemp("fitted") / "shop"
    Recognizer.fit(labelled(), out=out, config=load_config("configs/nano.yaml", OVERRIDES)).close()
    return out
