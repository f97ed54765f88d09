"""What a document says, and how samples and synthetic texts become documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import Document, evidence_document, language_of
from kdsl.tasks import Label, Task
from kdsl.world.documents import world_documents


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


def test_an_excerpt_is_one_short_line() -> None:
    document = Document("a", "faq", "前一句\n后一句", "很长。\n" * 50)
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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("这个锅会生锈吗", "zh"),
        ("304不锈钢 iPhone 手机壳", "zh"),
        ("does it rust?", "en"),
        ("a café au lait 杯", "en"),
        ("春日の小包包", "zh"),
        ("錆びますか", "other"),
        ("녹이 슬어요?", "other"),
        ("не ржавеет", "other"),
        ("12.50 ¥", "other"),
        ("", "other"),
    ],
)
def test_the_language_is_that_of_most_units(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_digest_is_of_what_a_document_says() -> None:
    one = Document("a", "faq", "会锈吗", "不锈", source="x")
    assert one.language == "zh"
    assert one.digest == Document("b", "faq", "会锈吗", "不锈", source="y").digest
    others = [
        Document("a", "product", "会锈吗", "不锈"),
        Document("a", "faq", "会锈吗不", "锈"),
        Document("a", "faq", "会锈吗", "不锈", task="intent"),
        Document("a", "faq", "会锈吗", "不锈", language="ja"),
        Document("a", "faq", "会锈吗", "不锈", picture="a.png"),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 6
