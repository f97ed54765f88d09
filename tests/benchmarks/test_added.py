"""The benchmark of what one predictor adds to another: what it counts, by weight."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.own_shop import write

from kdsl.resources import PACKAGE

SCRIPT = PACKAGE.parent / "benchmarks" / "added.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks/ is part of a checkout, not of the package")

GOLD = {"a": "退货", "b": "退货", "c": "发票", "d": "发票"}


def predictions(path: Path, returned: Mapping[str, float]) -> Path:
    """Predictions by the probability of 退货 of each sample."""
    lines = [
        {"id": id, "label": "退货" if p > 0.5 else "发票", "distribution": {"退货": p, "发票": 1 - p}}
        for id, p in returned.items()
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def test_each_weight_has_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "shop.jsonl"
    write(data, [{"id": id, "text": f"问题 {id}", "label": label} for id, label in GOLD.items()])
    one = predictions(tmp_path / "one.jsonl", {"a": 0.6, "b": 0.4, "c": 0.4, "d": 0.1})
    other = predictions(tmp_path / "other.jsonl", {"a": 0.45, "b": 0.9, "c": 0.8, "d": 0.5})
    given = ["--data", data, "--task", "shop", "--pred", one, "--added", other, "--weight", "0.1", "1"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, given)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    rows = [line.split("|")[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("| first")]
    assert [row[0].strip() for row in rows] == ["first", "first + 0.1 x second", "first + 1 x second"]
    assert [(row[1].strip(), row[4].strip()) for row in rows] == [("3", "0 / 0"), ("3", "0 / 0"), ("3", "1 / 1")]
    assert rows[1][3] < rows[0][3]  # the log-loss
