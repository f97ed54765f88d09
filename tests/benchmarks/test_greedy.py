"""The benchmark of greedy writing: what it counts, and that it asks a model by score and in writing."""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.own_shop import intent_row, write

from kdsl.config import ModelConfig
from kdsl.config_file import load_config, load_tasks
from kdsl.data.readers import read_samples
from kdsl.evidence.types import Evidence
from kdsl.models.base import load_base
from kdsl.models.scorer import LabelScorer
from kdsl.resources import PACKAGE

SCRIPT = PACKAGE.parent / "benchmarks" / "greedy.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks/ is part of a checkout, not of the package")


def test_what_is_written_counts_as_a_label_or_as_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    greedy = importlib.import_module("greedy")
    names = ("生锈", "补货", "气泡")
    log_p = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1]]))
    answers = greedy.Answers(log_p, ["生锈", "生锈", "气泡很多", "补货"], (0.5, 2.0))
    found = greedy.figures(answers, names, np.array([0, 1, 2, 1]))
    assert found["scored accuracy"] == 0.75
    assert found["written accuracy"] == 0.5
    assert found["written F1"] == pytest.approx((2 / 3 + 2 * 2 / 3 + 0) / 4)
    assert found["agreement"] == 0.25
    assert found["no label written"] == 0.25
    assert found["scored right where no label was written"] == 1.0
    assert found["log-loss"] == pytest.approx(-np.log([0.7, 0.8, 0.6, 0.4]).mean())
    assert (found["seconds to score"], found["seconds to write"]) == (0.5, 2.0)


@pytest.mark.parametrize("kind", ["gemma3_text", "qwen2_vl"])
def test_a_model_is_asked_by_score_and_in_writing(
    kind: str,
    base_of: Callable[..., ModelConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [intent_row(f"d{i}", body=f"用户: {said}", image="") for i, said in enumerate(("会不会生锈", "长锈吗"))]
    data, out = write(tmp_path / "data.json", rows), tmp_path / "figures.json"
    sets = [f"large.source={base_of(kind).source}", "large.device=cpu"]
    given = ["--data", str(data), "--task", "intent", "--config", "configs/nano.yaml", "--json", str(out)]
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *given, *(part for key in sets for part in ("--set", key))])
    runpy.run_path(str(SCRIPT), run_name="__main__")

    printed, figures = capsys.readouterr().out, json.loads(out.read_text("utf-8"))
    answers = figures.pop("answers")
    assert all(name in printed for name in figures)
    assert (figures["samples"], len(answers)) == (2, 2)
    config = load_config("configs/nano.yaml", sets)
    task = next(task for task in load_tasks(config) if task.name == "intent")
    scorer = LabelScorer(load_base(config.model("large")), task, config.prompt)
    scores = scorer.score([Evidence(sample, ()) for sample in read_samples(data, [task])])
    assert [answer["scored"] for answer in answers] == [task.names[i] for i in scores.argmax(1)]
    assert figures["no label written"] == sum(answer["written"] not in task.names for answer in answers) / 2
    assert min(figures["seconds to score"], figures["seconds to write"]) > 0
