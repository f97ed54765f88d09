"""The benchmark of label scoring runs on any model folder and prints every row."""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.tiny_models import RECURRENT
from transformers import AutoConfig, AutoTokenizer

from kdsl.config import ModelConfig
from kdsl.resources import PACKAGE, resource
from kdsl.tasks import load_task

SCRIPT = PACKAGE.parent / "benchmarks" / "label_scoring.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks/ is part of a checkout, not of the package")
@pytest.mark.parametrize(
    ("option", "kind", "ways"),
    [
        ("--model", "qwen2_vl", ("tree", "rows")),
        ("--config", "qwen3_vl", ("tree", "rows")),
        ("--model", RECURRENT, ("rows",)),
    ],
)
def test_benchmark_of_label_scoring(
    option: str,
    kind: str,
    ways: tuple[str, ...],
    base_of: Callable[..., ModelConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    out = tmp_path / "times.json"
    arguments = [option, base_of(kind).source, "--rounds", "2", "--batch", "2", "--device", "cpu", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    written = json.loads(out.read_text("utf-8"))
    times = written["seconds"]
    printed = capsys.readouterr().out
    assert len(times) == 6 + len(ways)
    assert all(name in printed and seconds > 0 for name, seconds in times.items())
    assert [name.removeprefix("call 1 as ") for name in times if "call 1 as" in name] == list(ways)
    assert max(written["off by"].values()) < 1e-4


@pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks/ is part of a checkout, not of the package")
def test_labels_of_a_named_shape_take_several_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    shapes = importlib.import_module("shapes")
    for name in shapes.SHAPES:
        folder = shapes.write_shape(name, tmp_path / name)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        labels = [tokenizer.encode(label) for label in load_task(resource("configs/tasks/mire-intent.yaml")).names]
        assert sum(map(len, labels)) > 2 * len(labels)
        assert AutoConfig.from_pretrained(folder, local_files_only=True).text_config.vocab_size > len(tokenizer)
        assert tokenizer.decode(labels[0]) == "反馈密封性不好"
