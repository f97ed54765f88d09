"""`kdsl train-large` and `kdsl adapters train-small`, from files to an adapter folder, and the inputs they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.tiny_models import tiny_folder
from PIL import Image

from kdsl.cli.main import cli
from kdsl.errors import ConfigError, InputError

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A command on four dialogues of two intents, a tiny model, two steps; further arguments are added."""
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
        "small": {"source": str(folder / "model"), "device": "cpu"},
        "training": {"epochs": 1, "batch_size": 2, "lora_r": 2, "search": None},
        "prompt": {"max_tokens": 128, "max_pixels": 3136},
    }
    (folder / "tiny.yaml").write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    given = {
        "--data": folder / "train.json",
        "--images": folder,
        "--ocr": folder / "ocr.jsonl",
        "--config": folder / "tiny.yaml",
    }

    def run(out: Path, *arguments: str, command: tuple[str, ...] = ("train-large",)) -> Result:
        options = [str(part) for pair in given.items() for part in pair]
        return CliRunner().invoke(cli, [*command, *options, "--out", str(out), *arguments])

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


def test_held_out_samples_choose_a_half_epoch(run: Run, tmp_path: Path) -> None:
    asked = (("锅会生锈不", "是否会生锈"), ("裤子褪色么", "是否易褪色"))
    rows = [
        {"id": f"v{i}", "task": "intent", "instruction": f"用户: {text}", "output": label, "image": []}
        for i, (text, label) in enumerate(asked)
    ]
    (tmp_path / "valid.json").write_text(json.dumps(rows), "utf-8")
    result = run(tmp_path, "--task", "intent", "--seed", "4", "--valid", str(tmp_path / "valid.json"))
    assert result.exit_code == 0, result.output
    folder = tmp_path / "adapters" / "intent"
    assert result.stdout.split() == [str(folder)]
    chosen = json.loads((tmp_path / "report" / "adaptation.json").read_text("utf-8"))["intent"]["chosen"]
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert (manifest["seed"], manifest["samples"]) == (4, {"intent": 4})
    assert manifest["training"]["stop"] == chosen["recipe"]["epochs"]
    assert any((folder / "logs").iterdir())
    rows[0]["id"] = "s1"  # a sample of the training
    (tmp_path / "valid.json").write_text(json.dumps(rows), "utf-8")
    result = run(tmp_path, "--task", "intent", "--valid", str(tmp_path / "valid.json"))
    assert isinstance(result.exception, InputError)
    assert "id 's1' stands in" in str(result.exception)


def test_trains_a_student_on_what_the_large_model_says(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path, "--task", "intent").exit_code == 0
    more = {"id": "new", "task": "intent", "instruction": "用户: 会生锈么", "output": "", "image": []}
    (tmp_path / "new.json").write_text(json.dumps([more]), "utf-8")
    options = ("--task", "intent", "--data", str(tmp_path / "new.json"))
    result = run(tmp_path, *options, "--bundle", str(tmp_path), command=("adapters", "train-small"))
    assert result.exit_code == 0, result.output
    folder = tmp_path / "small" / "adapters" / "intent"
    assert result.stdout.split() == [str(folder)]
    assert any((folder / "logs").iterdir())
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert (manifest["taught"], manifest["labelled"], manifest["student"]["temperature"]) == (5, 4, 2.0)
    said = tmp_path / "small" / "teacher" / "intent.jsonl"
    again = run(tmp_path / "again", *options, "--teacher", str(said), command=("adapters", "train-small"))
    assert again.exit_code == 0, again.output  # what is kept can teach by itself
    same = json.loads((tmp_path / "again" / "small" / "adapters" / "intent" / "manifest.json").read_text("utf-8"))
    assert same["teacher"] == manifest["teacher"]


def test_a_student_needs_one_teacher(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "--task", "intent", command=("adapters", "train-small"))
    assert result.exit_code == 2
    assert "Give one teacher" in result.output


def test_two_files_must_not_share_ids(run: Run, tmp_path: Path) -> None:
    (tmp_path / "more.json").write_text(
        '[{"id": "s1", "instruction": "用户: 在吗", "output": "", "image": []}]', "utf-8"
    )
    result = run(tmp_path, "--task", "intent", "--data", str(tmp_path / "more.json"))
    assert isinstance(result.exception, InputError)
    assert "id 's1' stands in" in str(result.exception)
