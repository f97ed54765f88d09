"""`kdsl knowledge build` and `search`, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from kdsl.cli.main import cli
from kdsl.errors import BundleError


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowledge")
    snippets = folder / "snippets"
    snippets.mkdir()
    (snippets / "own.yaml").write_text(
        "- {id: r1, task: intent, label: 是否会生锈, kind: faq, title: 铁锅会不会长锈, text: 擦干就不会}\n"
        "- {id: p1, task: scene, label: 商品头图, kind: page, title: 主图, text: 一张商品照片}\n",
        "utf-8",
    )
    result = CliRunner().invoke(
        cli, ["knowledge", "build", "--snippets", str(snippets), "--out", str(folder / "index")]
    )
    assert result.exit_code == 0, result.output
    assert "2 documents" in result.output
    return folder / "index"


def test_search_prints_score_label_text_and_source(index: Path) -> None:
    result = CliRunner().invoke(cli, ["knowledge", "search", str(index), "我家铁锅长锈了"])
    assert result.exit_code == 0
    score, label, *rest = result.stdout.splitlines()[0].split()
    assert float(score) > 0.2
    assert label == "是否会生锈"
    assert rest == ["铁锅会不会长锈", "擦干就不会", "[own.yaml]"]


def test_search_as_json_keeps_to_a_task(index: Path) -> None:
    result = CliRunner().invoke(cli, ["knowledge", "search", str(index), "商品铁锅", "--task", "scene", "--json"])
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (row["id"], row["kind"], row["text"]) == ("p1", "page", "一张商品照片")


def test_a_folder_that_is_no_index_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["knowledge", "search", str(tmp_path), "x"])
    assert isinstance(result.exception, BundleError)


def test_build_adds_synthetic_documents(tmp_path: Path) -> None:
    command = ["knowledge", "build", "--world", "1", "--out", str(tmp_path), "--set", "tasks=[]"]
    failed = CliRunner().invoke(cli, command)
    assert failed.exit_code != 0  # a config without tasks
    command[-1] = "seed=5"
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert manifest["tasks"] == ["intent", "scene"]
    sources = [json.loads(line)["source"] for line in (tmp_path / "documents.jsonl").open(encoding="utf-8")]
    assert 40 <= sources.count("synthetic world") <= 46  # one per label; a photo may hold no text


def test_knowledge_needs_no_torch(index: Path) -> None:
    program = (
        "import sys; from kdsl.cli.main import cli; "
        f"cli(['knowledge', 'search', {str(index)!r}, '铁锅'], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
