"""`kdsl knowledge`, as a shop keeper uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from kdsl.cli.knowledge import KINDS
from kdsl.cli.main import cli
from kdsl.errors import BundleError, InputError
from kdsl.knowledge.documents import Kind


def run(*arguments: str | Path) -> Result:
    """A command and what it did."""
    return CliRunner().invoke(cli, ["knowledge", *map(str, arguments)])


def found(*arguments: str | Path) -> Any:
    """What a command prints as JSON."""
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "faq.yaml").write_text(
        "- {id: r1, task: intent, label: 是否会生锈, title: 铁锅会不会长锈, text: 擦干就不会}\n"
        "- {id: p1, task: scene, label: 商品头图, kind: page, title: 主图, text: 一张商品照片}\n",
        "utf-8",
    )
    (folder / "products.csv").write_text("宝贝,到手价\n精铁炒锅 [/red] \x1b[31m,129\n", "utf-8")
    made = ("add", folder / "base", folder / "faq.yaml", "--products", folder / "products.csv")
    result = run(*made)
    assert isinstance(result.exception, InputError)  # title is called otherwise
    assert not (folder / "base").exists()
    result = run("add", folder / "base", folder / "faq.yaml")
    assert result.stdout == f"{folder / 'base'}: 2 new, 0 changed, 0 removed, 0 same\n"
    again = found("add", folder / "base", "--products", folder / "products.csv", "--column", "title=宝贝")
    assert again == {"new": 1, "changed": 0, "removed": 0, "same": 0}
    return folder / "base"


def test_search_prints_similarity_kind_label_text_and_source(base: Path) -> None:
    result = run("search", base, "我家铁锅长锈了", "-k", "1")
    similarity, *rest = result.stdout.split()
    assert float(similarity) > 0.5
    assert rest == ["faq", "是否会生锈", "铁锅会不会长锈", "擦干就不会", "[faq.yaml]"]


def test_search_keeps_to_filters(base: Path) -> None:
    (row,) = found("search", base, "商品铁锅", "--task", "scene")
    assert (row["id"], row["kind"], row["text"]) == ("p1", "page", "一张商品照片")
    assert [row["id"] for row in found("search", base, "锅", "--label", "是否会生锈")] == ["r1"]
    kinds = [row["kind"] for row in found("search", base, "锅", "--kind", "product", "--kind", "faq")]
    assert sorted(kinds) == ["faq", "product"]
    assert found("search", base, "锅", "--language", "en") == []
    said = run("search", base, "锅", "--label", "是否会生绣").stdout
    assert said == "nothing found\nno document has the label '是否会生绣'. Did you mean 是否会生锈?\n"


def test_a_search_without_words_and_one_for_more_than_there_is(base: Path) -> None:
    assert "TEXT is empty" in run("search", base, " ").output
    assert len(found("search", base, "锅", "-k", "99999999999999999999")) == 3


def test_json_tells_a_filter_that_nothing_has(base: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert found("search", base, "锅", "--label", "是否会生绣") == []
    assert "no document has the label '是否会生绣'" in caplog.text


def test_a_title_is_printed_as_it_is_and_steers_nothing(base: Path) -> None:
    result = run("search", base, "炒锅", "--kind", "product")
    assert "精铁炒锅 [/red] [31m 到手价：129" in result.stdout
    assert "\x1b" not in result.stdout


def test_stats_and_verify(base: Path) -> None:
    lines = run("stats", base).stdout.splitlines()
    assert lines[0].startswith("3 documents, encoder use-multilingual-v3 ")
    assert "       1  是否会生锈" in lines
    assert found("stats", base)["by_kind"] == {"faq": 1, "page": 1, "product": 1}
    assert run("verify", base).stdout == f"{base}: every file and document is what was written\n"


def test_a_damaged_base_is_told_by_the_exit_status(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text("# Returns\nWithin 7 days.\n", "utf-8")
    assert run("add", tmp_path / "base", tmp_path / "faq.md").exit_code == 0
    next((tmp_path / "base").glob("log-*")).write_bytes(b"")
    result = run("verify", tmp_path / "base")
    assert result.exit_code == 3
    assert "missing" in result.stdout


def test_a_folder_that_is_no_base_is_an_error(tmp_path: Path) -> None:
    for command in (("search", tmp_path, "x"), ("stats", tmp_path), ("verify", tmp_path)):
        assert isinstance(run(*command).exception, BundleError)


def test_options_that_say_nothing_are_errors(tmp_path: Path) -> None:
    assert "give a SOURCE or --products" in run("add", tmp_path / "base").output
    result = run("add", tmp_path / "base", tmp_path, "--column", "title")
    assert "--column 'title' should be PART=NAME" in result.output
    assert set(KINDS) == set(get_args(Kind))


def test_build_brings_a_base_up_to_date_with_a_config(tmp_path: Path) -> None:
    snippets = tmp_path / "own"
    snippets.mkdir()
    (snippets / "a.yaml").write_text("- {id: r1, task: intent, title: 铁锅会不会长锈, text: 擦干就不会}\n", "utf-8")
    command = ("build", "--out", tmp_path / "base", "--snippets", snippets)
    assert run(*command, "--set", "tasks=[]").exit_code != 0
    assert found(*command, "--world", "1")["new"] >= 1 + 2 * 46 + 40  # a photo of the world may hold no text
    counts = found("stats", tmp_path / "base")
    assert counts["by_kind"]["description"] == 2 * 46
    assert 40 <= counts["by_source"]["synthetic world"] <= 46
    assert counts["by_source"]["own/a.yaml"] == 1
    (snippets / "a.yaml").write_text("- {id: r2, task: intent, title: 铁锅会不会长锈, text: 擦干就不会}\n", "utf-8")
    changes = found(*command)
    assert (changes["new"], changes["removed"], changes["same"]) == (1, 1 + counts["by_source"]["synthetic world"], 92)


def test_knowledge_needs_no_torch(base: Path) -> None:
    program = (
        "import sys; from kdsl.cli.main import cli; "
        f"cli(['knowledge', 'search', {str(base)!r}, '铁锅'], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
