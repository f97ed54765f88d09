"""Snippets are checked as a whole; samples and synthetic texts become documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import Document, evidence_document, load_snippets, sample_documents
from kdsl.resources import resource
from kdsl.tasks import Label, Task
from kdsl.world.documents import world_documents

GOOD = """
- {id: a, task: intent, label: 是否会生锈, kind: faq, title: 会锈吗, text: 不锈}
- {id: b, task: scene, kind: page, title: 首页, text: 为你推荐}
- {id: c, task: elsewhere, label: 别的, kind: faq, title: 别的, text: 别的}
"""


def test_snippets_of_the_given_tasks_are_loaded_with_their_source(tmp_path: Path, intent: Task, scene: Task) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "own.yaml").write_text(GOOD, "utf-8")
    assert load_snippets(tmp_path, [intent, scene]) == [
        Document("a", "intent", "是否会生锈", "faq", "会锈吗", "不锈", "shop/own.yaml"),
        Document("b", "scene", None, "page", "首页", "为你推荐", "shop/own.yaml"),
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


def test_a_dialogue_becomes_its_telling_turns(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    evidence = make_evidence(
        "x",
        "是否会生锈",
        turns=(
            ("user", "<image>"),
            ("user", "你好"),
            ("agent", "在的"),
            ("user", " 这个会 生锈吗 <http>"),
            ("agent", "不会"),
            ("user", '""'),
        ),
    )
    document = evidence_document(evidence, intent)
    assert (document.title, document.text, document.kind) == ("你好\n这个会 生锈吗", "不会", "sample")
    assert [text for text, _ in document.passages] == ["这个会 生锈吗", "你好\n这个会 生锈吗", "不会"]
    weights = [weight for _, weight in document.passages]
    assert weights == sorted(weights, reverse=True)


def test_a_picture_becomes_its_text(make_evidence: Callable[..., Evidence], scene: Task) -> None:
    document = evidence_document(make_evidence("x", lines=("立即领取", "满减")), scene)
    assert document.passages == (("立即领取\n满减", 0.5),)
    assert evidence_document(make_evidence("y"), scene).passages == ()


def test_only_labelled_samples_of_the_task_are_stored(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    evidences = [
        make_evidence("a", "是否会生锈", turns=(("user", "会锈吗"),)),
        make_evidence("b", None, turns=(("user", "会锈吗"),)),
        make_evidence("c", "商品头图", lines=("x",)),
    ]
    assert [document.id for document in sample_documents(evidences, intent)] == ["a"]


def test_an_excerpt_is_one_short_line() -> None:
    document = Document("a", "intent", None, "faq", "前一句\n后一句", "很长。\n" * 50, "s")
    assert document.excerpt.startswith("后一句 很长。 很长。")
    assert document.excerpt.endswith("…")
    assert "\n" not in document.excerpt
    assert len(document.excerpt) < 70


def test_the_world_writes_distinct_documents_for_each_label_the_same_every_time(intent: Task) -> None:
    documents = world_documents(intent, 12, seed=3)
    assert {document.label for document in documents} == set(intent.names)
    assert len({document.id for document in documents}) == len(documents)
    texts = [(document.label, document.title) for document in documents]
    assert len(set(texts)) == len(texts) > 8 * len(intent.names)
    assert world_documents(intent, 12, seed=3) == documents
    assert world_documents(intent, 12, seed=4) != documents


def test_the_world_draws_screens_for_a_picture_task(scene: Task) -> None:
    few = scene.model_copy(update={"labels": scene.labels[:2]})
    documents = world_documents(few, 3, seed=1)
    assert {document.label for document in documents} == set(few.names)
    assert all(document.kind == "page" and document.text for document in documents)


def test_the_world_knows_nothing_of_other_labels() -> None:
    labels = tuple(Label(name=name, zh=name, en=name) for name in ("借书", "还书"))
    own = Task(name="library", input="dialogue", prompt="哪一类？", labels=labels)
    assert world_documents(own, 5, seed=1) == []
