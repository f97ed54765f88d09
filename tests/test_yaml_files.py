"""What plain YAML loaders drop or fall over, in the files that people write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kdsl.config_file import load_config
from kdsl.errors import ConfigError, KdslError
from kdsl.evaluation.ablation.grid import load_grid
from kdsl.evidence.augment import load_words
from kdsl.knowledge.snippets import load_snippets
from kdsl.rules.book import RuleBook
from kdsl.tasks import load_task

RULE = "{id: a, label: a, when: {all: [a picture is dark]}}"
BOOK = f"task: t\nlabels: [a, b]\nrules: [{RULE}]\n"
TASK = "name: t\ninput: dialogue\nprompt: What?\nlabels: [{name: a}, {name: b}]\n"


@pytest.mark.parametrize(
    ("load", "text", "said"),
    [
        (RuleBook.load, BOOK + "rules: []\n", "'rules' stands here and in line 3; keep one of them"),
        (RuleBook.load, BOOK.replace("label: a", "label: b, label: a"), "'label' stands here and in line 3"),
        (RuleBook.load, BOOK.replace("task: t", "task: 2024-99-99"), "'2024-99-99' is read as a value"),
        (load_task, TASK + "labels: [{name: c}, {name: d}]\n", "'labels' stands here and in line 4"),
        (load_config, "seed: 1\nseed: 2\n", "'seed' stands here and in line 1"),
        (load_config, "seed: 2024-99-99\n", "'2024-99-99' is read as a value"),
    ],
)
def test_nothing_of_a_file_is_dropped_without_a_word(
    tmp_path: Path, load: Callable[[Path], Any], text: str, said: str
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        load(path)
    assert "t.yaml" in str(error.value)
    assert said in str(error.value)


def _snippets(path: Path) -> Any:
    return load_snippets(path, [])


@pytest.mark.parametrize("load", [RuleBook.load, load_task, load_config, load_grid, load_words, _snippets])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "a: " + "{a: " * 200_000,
        "- " * 5_000 + "a",
        "\n".join(" " * i + "a:" for i in range(1_000)),
    ],
    ids=["brackets", "braces", "dashes", "indents"],
)
def test_what_is_nested_too_deep_is_refused_before_it_is_built(
    tmp_path: Path, load: Callable[[Path], Any], text: str
) -> None:
    """libyaml would end the process."""
    path = tmp_path / "t.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(KdslError, match="nested more than 64 levels deep"):
        load(path)


def test_an_override_that_is_no_value_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("seed: 1\n", "utf-8")
    with pytest.raises(ConfigError, match="override 'seed=2024-99-99': the value is not YAML"):
        load_config(path, ["seed=2024-99-99"])


@pytest.mark.parametrize("load", [RuleBook.load, load_task, load_config])
def test_another_encoding_is_named_with_what_to_do(tmp_path: Path, load: Callable[[Path], Any]) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes("# rust\n# 生锈\n".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"line 2 is not written in UTF-8\. Save the file as UTF-8"):
        load(path)


def test_mappings_that_take_in_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    rules = f"rules:\n- &one {RULE}\n- &two {{<<: *one, id: b}}\n- {{<<: *two, id: c, weight: 2}}\n"
    path.write_text("task: t\nlabels: [a, b]\n" + rules, "utf-8")
    assert [rule.id for rule in RuleBook.load(path).rules] == ["a", "b", "c"]
