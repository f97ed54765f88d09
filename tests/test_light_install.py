"""The light installation: all but base models works where torch and its companions cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kdsl.machine import EXTRAS

BLOCKED = """
import json
import sys
from kdsl.machine import MODELS

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in (*MODELS, "cleanlab", "pandas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from kdsl.cli.main import main

for words in json.loads(sys.argv[1]):
    sys.argv = ["kdsl", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""
"""`kdsl`, once or several times, in a process that cannot import any package of `kdsl[models]` or `kdsl[audit]`."""


def light(folder: Path, *commands: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", BLOCKED, json.dumps(commands)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    texts = {"delay": ("where is my parcel", "still not here", "late again"), "refund": ("money back", "pay me back")}
    lines = [f"{text} {n},{label}" for label, said in texts.items() for text in said for n in range(3)]
    (tmp_path / "shop.csv").write_text("\n".join(["text,label", *lines]), "utf-8")
    return tmp_path


def test_fit_predict_and_evaluate_need_no_models(shop: Path):
    done = light(
        shop,
        ("fit", "--data", "shop.csv", "--out", "out"),
        ("data", "check", "shop.csv"),
        ("predict", "--bundle", "out", "--data", "shop.csv", "--out", "lines.jsonl"),
        ("evaluate", "--data", "shop.csv", "--pred", "lines.jsonl", "--out", "report"),
        ("distill-rules", "--data", "shop.csv", "--out", "rules"),
        ("data", "split", "shop.csv", "--out", "folds.json", "--n-folds", "3"),
    )
    assert done.returncode == 0, done.stderr
    assert "large and small left out: install kdsl[models]" in " ".join(done.stderr.split())
    assert (shop / "report").is_dir()
    assert (shop / "rules").is_dir()
    assert (shop / "folds.json").is_file()
    assert len((shop / "lines.jsonl").read_text("utf-8").splitlines()) == 15


@pytest.mark.parametrize(
    "words",
    [
        ("train-large", "--data", "shop.csv", "--out", "out"),
        ("fit", "--data", "shop.csv", "--out", "out", "--config", "configs/qwen2-vl-2b.yaml"),
        ("nano", "pretrain", "--out", "out"),
    ],
)
def test_what_needs_models_says_what_to_install(shop: Path, words: tuple[str, ...]):
    done = light(shop, words)
    assert done.returncode == 5, done.stderr
    assert "pip install 'kdsl[models]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_audit_says_what_to_install(shop: Path):
    lines = [
        json.dumps({"id": str(n), "label": "delay", "distribution": {"delay": 0.9, "refund": 0.1}}) for n in range(12)
    ]
    (shop / "lines.jsonl").write_text("\n".join(lines), "utf-8")
    rows = [{"id": str(n), "text": "late again", "label": ("delay", "refund")[n % 2]} for n in range(12)]
    (shop / "shop.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    done = light(shop, ("data", "audit", "--data", "shop.jsonl", "--pred", "lines.jsonl", "--out", "audit.csv"))
    assert done.returncode == 5, done.stderr
    assert "pip install 'kdsl[audit]'" in done.stderr


def test_doctor_says_which_part_is_there(shop: Path):
    done = light(shop, ("doctor",))
    assert done.returncode == 0, done.stderr
    assert "light part, no models" in done.stdout + done.stderr


def test_doctor_knows_what_each_extra_is_for():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["optional-dependencies"]) == set(EXTRAS)
