"""`kdsl train-large`, from files to an adapter folder, and the inputs it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from tiny_models import tiny_folder

from kdsl.cli.main import cli
from kdsl.errors import ConfigError, InputError

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command on four dialogues of two intents, a tiny model, two steps; further arguments are added."""
    folder = tmp_path_factory.mktemp("shop")
    rows, ocr = [], []
    for i, (asked, label) in enumerate([("壶会生锈吗", "是否会生锈"), ("裙子掉色吗", "是否易褪色")] * 2):
        Image.new("RGB", (60, 90), (40 * i, 90, 120)).save(folder / f"{i}.png")
        rows.append({"id": f"s{i}", "instruction": f"用户: {asked}<image>", "output": label, "image": [f"{i}.png"]})
        ocr.append({"image": f"{i}.png", "width": 60, "height": 90, "lines": []})
    (folder / "train.json").write_text(json.dumps(rows), "utf-8")
    (folder / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
    tiny_folder(folder / "model")
    settings = {
        "extends": "configs/nano.yaml",
        "large": {"source": str(folder / "model"), "device": "cpu"},
        "training": {"epochs": 1, "batch_size": 2, "lora_r": 2},
        "prompt": {"max_tokens": 128, "max_pixels": 3136},
    }
    (folder / "tiny.yaml").write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    given = {
        "--data": folder / "train.json",
        "--images": folder,
        "--ocr": folder / "ocr.jsonl",
        "--config": folder / "tiny.yaml",
    }

    def run(out: Path, *arguments: str) -> Result:
        options = [str(part) for pair in given.items() for part in pair]
        return CliRunner().invoke(cli, ["train-large", *options, "--out", str(out), *arguments])

    return run


def test_trains_a_task_and_prints_where_the_adapter_is(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "--task", "intent", "--seed", "4")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "adapters" / "intent"
    assert result.stdout.split() == [str(folder)]
    assert (folder / "adapter_model.safetensors").is_file()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert (manifest["seed"], manifest["steps"], manifest["training"]["lora_r"]) == (4, 2, 2)


def test_refuses_a_task_without_samples_before_it_trains_another(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path)
    assert isinstance(result.exception, InputError)
    assert "task 'scene' has no labelled sample" in str(result.exception)
    assert not (tmp_path / "adapters").exists()


def test_refuses_a_task_that_the_config_does_not_name(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "--task", "intents")
    assert isinstance(result.exception, InputError)
    assert "Did you mean intent?" in str(result.exception)


def test_refuses_a_gpu_that_is_not_there(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "--task", "intent", "--set", "large.device=cuda:99")
    assert isinstance(result.exception, ConfigError)
    assert "cuda:99" in str(result.exception)
