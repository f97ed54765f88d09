"""`kdsl benchmark intentionqa` at the command line, by a real encoder and a real tiny language model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.intention_items import write_items
from helpers.model_servers import model_server

from kdsl.cli.main import cli
from kdsl.config import ModelConfig
from kdsl.errors import BundleError, ConfigError
from kdsl.knowledge.base import KnowledgeBase
from kdsl.knowledge.documents import Document


def run(*arguments: object, **more: object) -> Result:
    return CliRunner().invoke(cli, ["benchmark", "intentionqa", *map(str, arguments)], catch_exceptions=True)


@pytest.mark.parametrize(("task", "ask"), [(1, "wording"), (2, "wording"), (1, "letter")])
def test_answers_report_and_manifest(task: int, ask: str, tmp_path: Path, base_of: Callable[..., ModelConfig]) -> None:
    data, out = write_items(tmp_path / "items.jsonl", task), tmp_path / "run"
    model = base_of("qwen3").source
    command = ("--task", task, "--data", data, "--encoder", "use-multilingual-v3", "--model", model, "--ask", ask)
    done = run(*command, "--out", out)
    assert done.exit_code == 0, done.output
    report = json.loads((out / "report.json").read_text())
    by = {row["by"]: row for row in report["rows"]}
    assert (report["task"], report["n"]) == (task, 12)
    assert by["chance"]["all"]["accuracy"] == 0.25
    assert by["use-multilingual-v3"]["all"]["accuracy"] > 0.5
    assert any(Path(model).name in name for name in by)
    assert all(row["failed"] == 0 for row in report["rows"])
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"task", "data", "models", "seed", "versions"} <= manifest.keys()
    answers = {file: file.read_bytes() for file in out.glob("*/answers.jsonl")}
    assert len(answers) == 3
    assert run(*command, "--out", out).exit_code == 0
    assert answers == {file: file.read_bytes() for file in answers}  # nothing anew, nothing twice


def test_fewer_items_are_drawn_by_a_seed(tmp_path: Path) -> None:
    data = write_items(tmp_path / "items.jsonl", 1)
    drawn = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("--task", 1, "--data", data, "--limit", 5, "--seed", seed, "--out", tmp_path / name).exit_code == 0
        [file] = (tmp_path / name).glob("*/answers.jsonl")
        drawn.append([json.loads(line)["id"] for line in file.read_text().splitlines()])
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(ids) for ids in drawn] == [5, 5, 5]


def test_models_are_asked_with_mined_intentions_too(tmp_path: Path, base_of: Callable[..., ModelConfig]) -> None:
    mined = tmp_path / "base"
    tea = Document("i1", "intention", "because they both brew tea", "Tea Kettle\nTea Strainer", source="mined")
    KnowledgeBase.at(mined).add([tea], ["mined"])
    data, out = write_items(tmp_path / "items.jsonl", 1), tmp_path / "run"
    model = base_of("gemma3_text").source
    done = run("--task", 1, "--data", data, "--model", model, "--knowledge", mined, "--limit", 4, "--out", out)
    assert done.exit_code == 0, done.output
    files = {file.parent.name: file for file in out.glob("*/answers.jsonl")}
    assert set(files) == {"word-overlap", Path(model).name, f"{Path(model).name}-with-mined-intentions"}
    without, with_them = (
        [json.loads(line)["fit"] for line in files[name].read_text().splitlines()] for name in sorted(files)[:2]
    )
    assert without != with_them


def test_answers_of_other_data_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run("--task", 1, "--data", write_items(tmp_path / "one.jsonl", 1), "--out", out).exit_code == 0
    other = run("--task", 2, "--data", write_items(tmp_path / "two.jsonl", 2), "--out", out)
    assert isinstance(other.exception, BundleError)
    assert "Choose another --out" in str(other.exception)


def test_a_server_is_asked_the_official_prompt(tmp_path: Path, base_of: Callable[..., ModelConfig]) -> None:
    data, out = write_items(tmp_path / "items.jsonl", 1), tmp_path / "run"
    with model_server(Path(base_of("qwen2_vl").source)) as url:
        done = run("--task", 1, "--data", data, "--server", url, "--model", "tiny", "--out", out)
    assert done.exit_code == 0, done.output
    [row] = [
        row for row in json.loads((out / "report.json").read_text())["rows"] if row["by"] == "tiny, official prompt"
    ]
    lines = [json.loads(line) for line in (out / "tiny-official-prompt" / "answers.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    assert row["failed"] == sum("error" in line for line in lines)  # of a random model, letters may be far down


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--server", "http://localhost:9/v1"), "needs --model"),
        (("--server", "http://localhost:9/v1", "--model", "m", "--ask", "wording"), "first token alone"),
    ],
)
def test_a_server_is_asked_for_letters_of_a_named_model(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("--task", 1, "--data", tmp_path / "none.jsonl", "--out", tmp_path / "run", *arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_a_server_has_an_address(tmp_path: Path) -> None:
    done = run("--task", 1, "--data", tmp_path / "x.jsonl", "--server", "ftp://a", "--model", "m", "--out", tmp_path)
    assert isinstance(done.exception, ConfigError)
    assert "--server ftp://a: url: expected an address" in str(done.exception)
