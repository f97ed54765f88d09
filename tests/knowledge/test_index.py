"""The index: what is found and by which rankers, how labels are voted for, what is learned, what loading refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import EncodersConfig
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.base import KnowledgeBase
from kdsl.knowledge.documents import Document
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.knowledge.rankers.base import Item
from kdsl.knowledge.rankers.registry import new_rankers
from kdsl.knowledge.votes import PRIOR_WEIGHT
from kdsl.tasks import Task

RUST = ("菜刀用半年会长锈吗", "铁壶淋雨以后生锈没有", "这把剪刀防锈吗，会不会生锈")
FADE = ("红裙子洗了掉不掉色", "深色毛巾会不会褪色啊", "染过的布第一次洗掉色严重吗")
BY_LETTERS = EncodersConfig(text=(), picture=None)


def built(
    asked: list[Evidence], task: Task, *snippets: Document, encoders: EncodersConfig = BY_LETTERS
) -> KnowledgeIndex:
    items = [*(Item.of(evidence, task) for evidence in asked), *map(Item, snippets)]
    return KnowledgeIndex.build(items, new_rankers(encoders))


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
    return built(asked, intent, snippet)


def test_search_finds_what_is_said_in_other_words_and_says_how(index: KnowledgeIndex) -> None:
    first, second = index.search("剪刀会生锈吗", 2)
    assert first.document.id == "是否会生锈-2"
    assert 1 >= first.similarity > second.similarity > 0
    assert set(first.found_by) == {"characters", "words"}
    assert all(0 < similarity <= 1 for similarity in first.found_by.values())


def test_a_ranker_by_meaning_finds_what_shares_no_letter(asked: list[Evidence], intent: Task) -> None:
    index = built(asked, intent, encoders=EncodersConfig(picture=None))
    hit = index.search("does it get rusty?", 1)[0]
    assert hit.document.label == "是否会生锈"
    assert "meaning" in hit.found_by
    assert "words" not in hit.found_by


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
    KnowledgeIndex.build(list(map(Item, documents)), new_rankers(BY_LETTERS)).save(tmp_path / "index")
    assert KnowledgeIndex.load(tmp_path / "index").documents == tuple(documents)


def test_search_without_anything_in_common_finds_nothing(index: KnowledgeIndex) -> None:
    assert index.search("qwxz", 5) == []
    assert index.search("  ", 5) == []


def test_a_sample_finds_others_but_not_itself(index: KnowledgeIndex, asked: list[Evidence], intent: Task) -> None:
    hits = index.search_evidence(asked[:1], intent, 9)[0]
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
    assert index.label_scores([], intent).shape == (0, len(intent.labels))


def test_a_sample_in_the_index_does_not_vote_for_itself(
    asked: list[Evidence], intent: Task, make_evidence: Callable[..., Evidence]
) -> None:
    odd = make_evidence("odd", "排水方式", turns=(("user", "红裙子洗了掉不掉色"),))
    index = built([*asked, odd], intent)
    mine, other = index.label_scores([odd, make_evidence("b", turns=(("user", RUST[0]),))], intent)
    column = intent.index("排水方式")
    assert mine[column] == mine.min()  # its own label has no other vote
    assert other[intent.index("是否会生锈")] == other.max()


def test_an_own_label_changes_nothing_in_a_samples_scores(asked: list[Evidence], intent: Task) -> None:
    for label in (None, "排水方式"):
        relabelled = replace(asked[0], sample=replace(asked[0].sample, label=label))
        index = built(asked, intent)
        np.testing.assert_array_equal(index.label_scores([relabelled], intent), index.label_scores(asked[:1], intent))


def test_a_ranker_that_tells_nothing_loses_weight(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    """What is said tells the label by its letters; meaning is the same in all of them."""
    labels = ("是否会生锈", "是否易褪色")
    samples = [make_evidence(f"{i}", labels[i % 2], turns=(("user", "ab" if i % 2 else "xy"),)) for i in range(40)]
    index = built(samples, intent, encoders=EncodersConfig(picture=None))
    assert set(index.weights.values()) == {PRIOR_WEIGHT}
    index.learn(samples, intent, [], seed=0)
    assert index.weights["characters"] > PRIOR_WEIGHT / 2
    scores = index.label_scores(samples, intent)
    assert [intent.names[column] for column in scores.argmax(axis=1)] == [e.sample.label for e in samples]


def test_copies_of_a_sample_teach_no_weights(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    """Words that only copies share are worth nothing, and so it is learned once the copies are known."""
    labels = intent.names[:10]
    texts = [f"{chr(0x4E00 + 7 * n)}{chr(0x5E00 + 5 * n)}是什么" for n in range(10)]
    samples = [
        make_evidence(f"{n}-{copy}", labels[n], turns=(("user", texts[n]),)) for n in range(10) for copy in range(2)
    ]
    together, apart = built(samples, intent), built(samples, intent)
    together.learn(samples, intent, [[f"{n}-0", f"{n}-1"] for n in range(10)], seed=0)
    apart.learn(samples, intent, [], seed=0)
    assert set(together.weights.values()) == {PRIOR_WEIGHT}
    assert sum(apart.weights.values()) > sum(together.weights.values())


def test_abstains_where_nothing_is_near(
    index: KnowledgeIndex, make_evidence: Callable[..., Evidence], intent: Task, scene: Task
) -> None:
    silent = make_evidence("silent", turns=(("user", "<image>"),))
    assert np.isnan(index.label_scores([silent], intent)).all()
    unlabelled_only = make_evidence("page", lines=("运输中", "派件员"))
    assert np.isnan(index.label_scores([unlabelled_only], scene)).all()


def test_samples_without_any_content_make_an_index_that_abstains(
    make_evidence: Callable[..., Evidence], intent: Task, tmp_path: Path
) -> None:
    silent = [make_evidence(str(i), intent.names[i], turns=(("user", ""),)) for i in range(2)]
    built(silent, intent, encoders=EncodersConfig(picture=None)).save(tmp_path / "index")
    index = KnowledgeIndex.load(tmp_path / "index")
    index.learn(silent, intent, [], seed=0)
    assert np.isnan(index.label_scores(silent, intent)).all()
    assert index.search("锈", 3) == []


def test_a_loaded_index_answers_as_the_saved_one(
    index: KnowledgeIndex, asked: list[Evidence], intent: Task, tmp_path: Path
) -> None:
    index.learn(asked, intent, [], seed=0)
    index.save(tmp_path / "index")
    loaded = KnowledgeIndex.load(tmp_path / "index")
    assert loaded.documents == index.documents
    assert loaded.weights == index.weights
    np.testing.assert_array_equal(loaded.label_scores(asked, intent), index.label_scores(asked, intent))
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text("utf-8"))
    assert set(manifest["weights"]) == {"characters", "words"}


def test_an_index_is_a_knowledge_base_too(asked: list[Evidence], intent: Task, tmp_path: Path) -> None:
    index = built(asked, intent, encoders=EncodersConfig(picture=None))
    index.save(tmp_path / "index")
    base = KnowledgeBase.open(tmp_path / "index")
    assert base.stats()["by_kind"] == {"sample": 6}
    assert base.search("does it get rusty?", 1)[0].document.label == "是否会生锈"
    assert base.verify(tmp_path / "index") == []
    loaded = KnowledgeIndex.load(tmp_path / "index")
    np.testing.assert_array_equal(loaded.label_scores(asked, intent), index.label_scores(asked, intent))


def test_an_index_without_an_encoder_of_texts_can_be_looked_into(
    asked: list[Evidence], intent: Task, tmp_path: Path
) -> None:
    built(asked, intent, encoders=EncodersConfig(text=(), picture=None)).save(tmp_path / "index")
    base = KnowledgeBase.open(tmp_path / "index")
    assert base.stats()["by_kind"] == {"sample": 6}
    with pytest.raises(BundleError, match="'characters 1', and can be searched where they are of one encoder"):
        base.search("does it get rusty?", 1)


@pytest.mark.parametrize(
    "name", ["store.sqlite", "log-*", "characters/embedder.safetensors", "words/data.csc.index.npy"]
)
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_index_is_refused_by_name(index: KnowledgeIndex, tmp_path: Path, name: str, damage: str) -> None:
    index.save(tmp_path / "index")
    [file] = (tmp_path / "index").glob(name)
    if damage == "missing":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=file.name):
        KnowledgeIndex.load(tmp_path / "index")


def test_an_unfinished_older_or_foreign_folder_is_refused(index: KnowledgeIndex, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        KnowledgeIndex.load(tmp_path)
    folder = tmp_path / "index"
    index.save(folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for change, message in (
        ({"documents": 3}, "expected"),
        ({"schema": 2}, "schema 2"),
        ({"weights": {"smell": 1.0}}, "'smell' is no ranker"),
    ):
        (folder / "manifest.json").write_text(json.dumps(manifest | change), "utf-8")
        with pytest.raises(BundleError, match=message):
            KnowledgeIndex.load(folder)


def test_nothing_to_index_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to index"):
        KnowledgeIndex.build([], new_rankers(BY_LETTERS))


_BUILD = """
import sys
from pathlib import Path
from kdsl.config import EncodersConfig
from kdsl.data.sample import Sample, Turn
from kdsl.evidence.types import Evidence
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.knowledge.rankers.base import Item
from kdsl.knowledge.rankers.registry import new_rankers
from kdsl.tasks import Label, Task

task = Task(name="ask", input="dialogue", prompt="?", labels=(Label(name="a"), Label(name="b")))
texts = ("会生锈吗 rust", "还补货吗 stock", "生锈 rust 了", "补货 stock 几时")
asked = [Evidence(Sample(t, "ask", (), (Turn("user", t, t),), "ab"[n % 2]), ()) for n, t in enumerate(texts)]
index = KnowledgeIndex.build([Item.of(e, task) for e in asked], new_rankers(EncodersConfig(text=(), picture=None)))
index.learn(asked, task, [], seed=0)
index.save(Path(sys.argv[1]))
"""


def test_every_process_writes_the_same_index(tmp_path: Path) -> None:
    written = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", _BUILD, str(tmp_path / seed)], check=True, env=environment)
        manifest = json.loads((tmp_path / seed / "manifest.json").read_text("utf-8"))
        written.append((manifest["files"], manifest["weights"]))
    assert written[0] == written[1]
