"""The index: what is found, how labels are voted for, and what loading refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import Document, sample_documents
from kdsl.knowledge.embedders import CharNgramEmbedder
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.tasks import Task

RUST = ("菜刀用半年会长锈吗", "铁壶淋雨以后生锈没有", "这把剪刀防锈吗，会不会生锈")
FADE = ("红裙子洗了掉不掉色", "深色毛巾会不会褪色啊", "染过的布第一次洗掉色严重吗")


@pytest.fixture
def asked(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    """Six labelled dialogues of two intents."""
    return [
        make_evidence(f"{label}-{i}", label, turns=(("user", "在吗"), ("user", text)))
        for label, texts in (("是否会生锈", RUST), ("是否易褪色", FADE))
        for i, text in enumerate(texts)
    ]


@pytest.fixture
def index(asked: list[Evidence], intent: Task) -> KnowledgeIndex:
    snippet = Document("s1", "page", "物流页面", "运输中 派件员 预计送达", "scene", source="own.yaml")
    return KnowledgeIndex.build([*sample_documents(asked, intent), snippet], CharNgramEmbedder(512))


def test_search_finds_what_is_said_in_other_words(index: KnowledgeIndex) -> None:
    hits = index.search("剪刀会生锈吗", 2)
    assert hits[0].document.id == "是否会生锈-2"
    assert hits[0].similarity > hits[1].similarity > 0


def test_search_keeps_to_a_task_and_leaves_out_ids(index: KnowledgeIndex) -> None:
    assert index.search("运输中 派件员", 1)[0].document.id == "s1"
    assert all(hit.document.task == "intent" for hit in index.search("运输中 派件员 生锈", 9, task="intent"))
    found = {hit.document.id for hit in index.search("剪刀会生锈吗", 9, exclude_ids=("是否会生锈-2",))}
    assert "是否会生锈-2" not in found
    assert "是否会生锈-0" in found


def test_a_line_separator_within_a_text_ends_no_document(tmp_path: Path) -> None:
    documents = [
        Document(f"a\u2028{i}", "page", "物流\x85页面", "运输中", "scene", source="own.yaml") for i in range(2)
    ]
    KnowledgeIndex.build(documents, CharNgramEmbedder(64)).save(tmp_path / "index")
    assert KnowledgeIndex.load(tmp_path / "index").documents == tuple(documents)


def test_search_without_anything_in_common_finds_nothing(index: KnowledgeIndex) -> None:
    assert index.search("qwxz", 5) == []
    assert index.search("  ", 5) == []


def test_a_sample_finds_others_but_not_itself(index: KnowledgeIndex, asked: list[Evidence], intent: Task) -> None:
    hits = index.search_evidence(asked[0], intent, 9)
    assert asked[0].sample.id not in {hit.document.id for hit in hits}
    assert hits[0].document.label == "是否会生锈"


def test_label_scores_are_log_probabilities_led_by_the_neighbours_label(
    index: KnowledgeIndex, make_evidence: Callable[..., Evidence], intent: Task
) -> None:
    new = make_evidence("new", turns=(("user", "这个水壶会生锈吗"), ("agent", "亲亲")))
    scores = index.label_scores([new], intent)
    assert scores.shape == (1, len(intent.labels))
    assert np.exp(scores).sum() == pytest.approx(1)
    assert intent.names[scores[0].argmax()] == "是否会生锈"


def test_a_sample_in_the_index_does_not_vote_for_itself(
    asked: list[Evidence], intent: Task, make_evidence: Callable[..., Evidence]
) -> None:
    odd = make_evidence("odd", "排水方式", turns=(("user", "红裙子洗了掉不掉色"),))
    index = KnowledgeIndex.build(sample_documents([*asked, odd], intent), CharNgramEmbedder(512))
    mine, other = index.label_scores([odd, make_evidence("b", turns=(("user", RUST[0]),))], intent)
    column = intent.index("排水方式")
    assert mine[column] == mine.min()  # its own label has no other vote
    assert other[intent.index("是否会生锈")] == other.max()


def test_prior_power_lifts_the_rare_label(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    said = [("a", "是否会生锈"), ("b", "是否会生锈"), ("c", "是否会生锈"), ("d", "是否易褪色")]
    same = [make_evidence(id, label, turns=(("user", "会不会这样"),)) for id, label in said]
    index = KnowledgeIndex.build(sample_documents(same, intent), CharNgramEmbedder(512))
    query = [make_evidence("q", turns=(("user", "会不会这样"),))]
    rust, fade = intent.index("是否会生锈"), intent.index("是否易褪色")
    counted = index.label_scores(query, intent, prior_power=0, smoothing=0.01)[0]
    evened = index.label_scores(query, intent, prior_power=1, smoothing=0.01)[0]
    assert np.exp(counted[rust] - counted[fade]) == pytest.approx(3, rel=0.01)
    assert evened[rust] == pytest.approx(evened[fade], abs=1e-6)


def test_abstains_where_nothing_is_near(
    index: KnowledgeIndex, make_evidence: Callable[..., Evidence], intent: Task, scene: Task
) -> None:
    silent = make_evidence("silent", turns=(("user", "<image>"),))
    assert np.isnan(index.label_scores([silent], intent)).all()
    unlabelled_only = make_evidence("page", lines=("运输中", "派件员"))
    assert np.isnan(index.label_scores([unlabelled_only], scene)).all()


def test_a_loaded_index_answers_as_the_saved_one(
    index: KnowledgeIndex, asked: list[Evidence], intent: Task, tmp_path: Path
) -> None:
    index.save(tmp_path / "index")
    loaded = KnowledgeIndex.load(tmp_path / "index")
    assert loaded.documents == index.documents
    np.testing.assert_array_equal(loaded.label_scores(asked, intent), index.label_scores(asked, intent))
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text("utf-8"))
    assert manifest["kinds"] == {"page": 1, "sample": 6}
    assert manifest["embedder"] == "char-ngram"


@pytest.mark.parametrize("name", ["documents.jsonl", "index.faiss", "embedder/embedder.safetensors"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_index_is_refused_by_name(index: KnowledgeIndex, tmp_path: Path, name: str, damage: str) -> None:
    index.save(tmp_path)
    file = tmp_path / name
    if damage == "missing":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=file.name):
        KnowledgeIndex.load(tmp_path)


def test_an_unfinished_or_foreign_folder_is_refused(index: KnowledgeIndex, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        KnowledgeIndex.load(tmp_path)
    index.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "documents": 3}), "utf-8")
    with pytest.raises(BundleError, match="expected"):
        KnowledgeIndex.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "schema": 99}), "utf-8")
    with pytest.raises(BundleError, match="schema 99"):
        KnowledgeIndex.load(tmp_path)


def test_nothing_to_index_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to index"):
        KnowledgeIndex.build([], CharNgramEmbedder(512))
