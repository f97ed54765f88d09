"""Snippets are read as a whole, and all their faults are listed at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdsl.errors import InputError
from kdsl.knowledge.documents import Document
from kdsl.knowledge.snippets import load_snippets
from kdsl.resources import resource
from kdsl.tasks import Task

GOOD = """
- {id: a, task: intent, label: 是否会生锈, kind: faq, title: 会锈吗, text: 不锈}
- {id: b, task: scene, kind: page, title: 首页, text: 为你推荐}
- {id: c, task: elsewhere, label: 别的, kind: faq, title: 别的, text: 别的}
"""


def test_snippets_of_the_given_tasks_are_loaded_with_their_source(tmp_path: Path, intent: Task, scene: Task) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "own.yaml").write_text(GOOD, "utf-8")
    assert load_snippets(tmp_path, [intent, scene]) == [
        Document("a", "faq", "会锈吗", "不锈", "intent", "是否会生锈", source="shop/own.yaml"),
        Document("b", "page", "首页", "为你推荐", "scene", source="shop/own.yaml"),
    ]


def test_all_faults_are_listed_with_file_and_entry(tmp_path: Path, intent: Task) -> None:
    (tmp_path / "one.yaml").write_text(
        "- {id: a, task: intent, label: 是否会生绣, kind: faq, title: 会锈吗, text: 不锈}\n"
        "- {id: a, task: intent, kind: faq, title: 又一条, text: 又一条}\n"
        "- {id: d, task: intent, kind: story, title: x, txt: y}\n"
        "- just words\n",
        "utf-8",
    )
    (tmp_path / "two.yaml").write_text("id: lonely\n", "utf-8")
    (tmp_path / "three.yaml").write_bytes(b"\xff\xfe not yaml")
    with pytest.raises(InputError) as caught:
        load_snippets(tmp_path, [intent])
    message = str(caught.value)
    assert (
        "one.yaml, entry 1 (id a): label '是否会生绣' is unknown to task 'intent'. Did you mean 是否会生锈?" in message
    )
    assert "one.yaml, entry 2 (id a): id 'a' stands in one.yaml, entry 1" in message
    assert "one.yaml, entry 3 (id d): 'txt' is no key of a snippet. Did you mean text?" in message
    assert "one.yaml, entry 3 (id d): kind: Input should be" in message
    assert "one.yaml, entry 3 (id d): text: Field required" in message
    assert "one.yaml, entry 4: expected a mapping" in message
    assert "two.yaml: expected a list of snippets, found dict" in message
    assert "three.yaml: cannot be read as YAML" in message


def test_a_folder_without_snippets_is_an_error(tmp_path: Path, intent: Task) -> None:
    with pytest.raises(InputError, match=r"no \*\.yaml file"):
        load_snippets(tmp_path, [intent])


def test_shipped_snippets_are_valid_and_cover_every_label(intent: Task, scene: Task) -> None:
    documents = load_snippets(resource("knowledge_base"), [intent, scene])
    for task in (intent, scene):
        counts = {name: sum(d.label == name and d.task == task.name for d in documents) for name in task.names}
        assert min(counts.values()) >= 3, counts
