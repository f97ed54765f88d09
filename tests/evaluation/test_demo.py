"""The demo, small: two tasks of three labels each, drawn, read by OCR, fitted on the shipped nano, reported."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kdsl.config import Config
from kdsl.config_file import load_config
from kdsl.evaluation.demo import Demo, run_demo
from kdsl.evaluation.experts_alone import FUSED
from kdsl.tasks import Task

LABELS = {
    "scene": ("退款页面", "购物车页面", "商品详情页截图"),
    "intent": ("是否会生锈", "是否易褪色", "排水方式"),
}
SETTINGS = (
    "ensemble.inner_folds=2",
    "rules.simulations=20",
    "rules.occlusion_samples=0",
    "knowledge.imagined_per_label=2",
    "prompt.max_pixels=50176",
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, scene: Task, intent: Task) -> Config:
    """The demo's own config over a few of its labels."""
    folder = tmp_path_factory.mktemp("tasks")
    for task in (scene, intent):
        few = [label.model_dump() for label in task.labels if label.name in LABELS[task.name]]
        plain = task.model_dump(mode="json") | {"labels": few}
        (folder / f"{task.name}.yaml").write_text(yaml.safe_dump(plain, allow_unicode=True), "utf-8")
    snippet = {
        "id": "s",
        "task": "intent",
        "label": LABELS["intent"][0],
        "kind": "faq",
        "title": "会生锈吗",
        "text": "不",
    }
    (folder / "snippets").mkdir()
    (folder / "snippets" / "faq.yaml").write_text(yaml.safe_dump([snippet], allow_unicode=True), "utf-8")
    tasks = [str(folder / f"{name}.yaml") for name in LABELS]
    own = f"tasks={yaml.safe_dump(tasks, default_flow_style=True)}", f"knowledge.snippets={folder / 'snippets'}"
    return load_config("configs/demo.yaml", [*SETTINGS, *own])


@pytest.fixture(scope="module")
def demo(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo"), config, per_label=3)


def test_it_ends_in_a_report_and_a_prediction_in_words(demo: Demo) -> None:
    assert demo.page.is_file()
    rows = {(row.task, row.expert) for row in demo.alone}
    assert {("scene", FUSED), ("intent", FUSED), ("scene", "large"), ("intent", "lexical")} <= rows
    assert demo.told is not None
    text = demo.told.explain(demo.gold)
    assert f"gold {demo.gold}" in text
    assert "model calls: large" in text


def test_run_again_it_gives_the_same_without_work(demo: Demo, config: Config) -> None:
    made = (demo.page.parents[1] / "predictions.jsonl").stat().st_mtime_ns
    again = run_demo(Path(demo.page.parents[1]), config, per_label=3)
    assert again == demo
    assert (demo.page.parents[1] / "predictions.jsonl").stat().st_mtime_ns == made
