"""A knowledge base is added to piece by piece: only what changed is embedded, and nothing is lost or doubled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kdsl.encoders.texts import UniversalSentenceEncoder
from kdsl.errors import BundleError, InputError
from kdsl.knowledge.base import Changes, KnowledgeBase
from kdsl.knowledge.documents import Document
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.knowledge.rankers.base import Item
from kdsl.knowledge.rankers.vectors import CharacterRanker
from kdsl.knowledge.store.selection import Where
from kdsl.knowledge.store.store import Store
from kdsl.tasks import Task

FAQ = "# 小店问答\n## 铁锅会生锈吗\n洗净擦干就不会。\n## 几天发货\n拍下两天内发出。\n"
PRODUCTS = "编号,商品名称,价格,材质\nP1,精铁炒锅,129,精铁\nP2,陶瓷汤锅,89,陶瓷\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "faq.md").write_text(FAQ, "utf-8")
    (tmp_path / "snippets" / "rust.yaml").write_text(
        "- {id: r1, task: intent, label: 是否会生锈, title: 水壶长锈了, text: 换新}\n", "utf-8"
    )
    (tmp_path / "products.csv").write_text(PRODUCTS, "utf-8")
    return tmp_path


@pytest.fixture
def base(shop: Path, intent: Task) -> KnowledgeBase:
    made = KnowledgeBase.at(shop / "base")
    assert made.add_files([shop / "snippets"], [intent], products=[shop / "products.csv"]) == Changes(5, 0, 0, 0)
    return made


def ids(base: KnowledgeBase, text: str, where: Where = Where()) -> list[str]:  # noqa: B008
    """The ids of what is found, best first."""
    return [hit.document.id for hit in base.search(text, 9, where)]


def test_it_is_searched_by_meaning_and_filters(base: KnowledgeBase) -> None:
    assert ids(base, "铁锅长锈了怎么办")[0] in ("snippets/faq.md#小店问答 铁锅会生锈吗", "r1")
    assert set(ids(base, "锅", Where(kinds=("product",)))) == {"P1", "P2"}
    assert ids(base, "锅", Where(labels=("是否会生锈",))) == ids(base, "锅", Where(task="intent")) == ["r1"]
    assert ids(base, "锅", Where(languages=("en",))) == []
    assert len(ids(base, "锅", Where(kinds=("faq",), sources=("snippets/faq.md",)))) == 2
    assert ids(base, "  ") == []
    similarities = [hit.similarity for hit in base.search("几天发货", 3)]
    assert similarities == sorted(similarities, reverse=True)


def test_only_what_is_new_or_changed_is_embedded(
    base: KnowledgeBase, shop: Path, intent: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []
    true = UniversalSentenceEncoder.encode

    def seen(self: UniversalSentenceEncoder, texts: Sequence[str]) -> np.ndarray:
        embedded.extend(texts)
        return true(self, texts)

    monkeypatch.setattr(UniversalSentenceEncoder, "encode", seen)
    again = base.add_files([shop / "snippets"], [intent], products=[shop / "products.csv"])
    assert (again, embedded) == (Changes(0, 0, 0, 5), [])
    (shop / "snippets" / "faq.md").write_text(FAQ.replace("两天内", "三天内") + "## 能开发票吗\n能。\n", "utf-8")
    assert base.add_files([shop / "snippets"], [intent]) == Changes(1, 1, 0, 2)
    assert {text.rsplit("\n")[-1] for text in embedded} == {"几天发货", "拍下三天内发出。", "能开发票吗", "能。"}


def test_what_a_source_no_longer_holds_is_removed_when_it_is_given_again(
    base: KnowledgeBase, shop: Path, intent: Task
) -> None:
    (shop / "products.csv").write_text("\n".join(PRODUCTS.splitlines()[:2]), "utf-8")
    (shop / "snippets" / "rust.yaml").unlink()
    assert base.add_files([shop / "snippets" / "faq.md"], [intent]) == Changes(0, 0, 0, 2)
    assert set(ids(base, "锅")) >= {"P2", "r1"}  # their sources were not given
    assert base.add_files([shop / "snippets"], [intent]) == Changes(0, 0, 1, 2)
    assert base.add_files(products=[shop / "products.csv"]) == Changes(0, 0, 1, 1)
    assert set(ids(base, "锅")) == {"P1", "snippets/faq.md#小店问答 铁锅会生锈吗", "snippets/faq.md#小店问答 几天发货"}
    assert KnowledgeBase.verify(base.folder) == []


def test_an_entry_that_moves_to_another_file_of_a_folder_stays_one(
    base: KnowledgeBase, shop: Path, intent: Task
) -> None:
    (shop / "snippets" / "rust.yaml").rename(shop / "snippets" / "care.yaml")
    assert base.add_files([shop / "snippets"], [intent]) == Changes(0, 1, 0, 2)
    assert base.stats()["by_source"] == {"products.csv": 2, "snippets/faq.md": 2, "snippets/care.yaml": 1}


def test_an_id_of_another_source_with_other_content_is_refused(base: KnowledgeBase, shop: Path) -> None:
    (shop / "more.csv").write_text("编号,商品名称\nP1,铜锅\nP3,砂锅\n", "utf-8")
    with pytest.raises(InputError, match=r"more.csv: id 'P1' belongs to products.csv, with other content"):
        base.add_files(products=[shop / "more.csv"])
    assert base.stats()["documents"] == 5
    same = Document("P1", "product", "精铁炒锅", "价格：129；材质：精铁", source="copy")
    assert base.add([same], ["copy"]) == Changes(0, 0, 0, 1)
    twice = [Document("x", "faq", "a", "b", source="b"), Document("x", "faq", "c", "d", source="c")]
    with pytest.raises(InputError, match="id 'x' stands in b already"):
        KnowledgeBase.at(shop / "new").add(twice, ["b", "c"])
    assert not (shop / "new").exists()


def test_sources_are_named_from_where_the_base_lies(
    base: KnowledgeBase, shop: Path, intent: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop / "snippets")
    elsewhere = KnowledgeBase.open(Path("../base"))
    assert elsewhere.add_files([Path()], [intent]) == Changes(0, 0, 0, 3)
    (shop / "other").mkdir()
    (shop / "other" / "faq.md").write_text("# 怎么洗\n手洗。\n", "utf-8")
    assert elsewhere.add_files([Path("../other/faq.md")]) == Changes(1, 0, 0, 0)


def test_a_folder_may_hold_its_catalogue_and_the_base(base: KnowledgeBase, shop: Path, intent: Task) -> None:
    assert base.add_files([shop], [intent], products=[shop / "products.csv"]) == Changes(0, 0, 0, 5)


def test_a_file_that_is_given_twice_is_read_once(base: KnowledgeBase, shop: Path, intent: Task) -> None:
    (shop / "products.csv").write_text("商品名称\n精铁炒锅\n", "utf-8")
    twice = [shop / "snippets", shop / "snippets" / "faq.md", shop / "snippets" / ".." / "snippets" / "faq.md"]
    changes = base.add_files(twice, [intent], products=[shop / "products.csv", shop / "products.csv"])
    assert changes == Changes(new=1, changed=0, removed=2, same=3)


def test_columns_are_those_of_one_kind_of_table_or_the_other(shop: Path, intent: Task) -> None:
    (shop / "questions.csv").write_text("问题,说明\n能用电磁炉吗,平底锅都能用\n", "utf-8")
    (shop / "products.csv").write_text("编号,名称,到手价\nP1,精铁炒锅,129\n", "utf-8")
    base, snippets, products = KnowledgeBase.at(shop / "mixed"), [shop / "questions.csv"], [shop / "products.csv"]
    with pytest.raises(InputError, match="'label'; expected id, title, text, price"):
        base.add_files(products=products, columns={"label": "标签"})
    with pytest.raises(InputError, match="a column is named for 'prize'"):
        base.add_files([shop / "snippets" / "faq.md"], columns={"prize": "到手价"})
    (shop / "questions.csv").write_text("问题,回答,类目\n能用电磁炉吗,平底锅都能用,是否会生锈\n", "utf-8")
    columns = {"price": "到手价", "label": "类目"}
    assert base.add_files(snippets, [intent], products=products, columns=columns).new == 2
    assert "价格：129" in base.search("炒锅", 1, Where(kinds=("product",)))[0].document.text
    assert ids(base, "电磁炉", Where(labels=("是否会生锈",)))


def test_faults_leave_no_base_behind_and_no_change_in_one(base: KnowledgeBase, shop: Path) -> None:
    (shop / "bad.csv").write_text("title,text\nonly a title,\n", "utf-8")
    with pytest.raises(InputError, match=r"bad\.csv, line 2: text: is missing"):
        KnowledgeBase.at(shop / "new").add_files([shop / "bad.csv"])
    assert not (shop / "new").exists()
    with pytest.raises(InputError, match=r"bad\.csv, line 2"):
        base.add_files([shop / "bad.csv"], products=[shop / "products.csv"])
    assert base.stats()["documents"] == 5


def test_a_base_of_another_encoder_is_refused_with_the_reason(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match=r"made with encoder 'use-multilingual-v3', and vectors of 'multilingual-e5"):
        KnowledgeBase.at(base.folder, "multilingual-e5-small")
    monkeypatch.setattr("kdsl.knowledge.base.text_encoder", lambda name: type("Other", (), {"version": "9-other"}))
    with pytest.raises(BundleError, match=r"and 9-other is installed, .* Install that version, or build a new base"):
        KnowledgeBase.open(base.folder)


def test_what_is_no_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="none: is no knowledge base; `kdsl knowledge add` makes one"):
        KnowledgeBase.open(tmp_path / "none")
    (tmp_path / "letter.txt").write_text("x", "utf-8")
    with pytest.raises(InputError, match="holds something else than a knowledge base"):
        KnowledgeBase.at(tmp_path)
    KnowledgeIndex.build([Item(Document("a", "faq", "铁锅", "不锈"))], [CharacterRanker()]).save(tmp_path / "index")
    with pytest.raises(InputError, match="is the index of a bundle"):
        KnowledgeBase.at(tmp_path / "index")
    with pytest.raises(BundleError, match="is no knowledge base yet"):
        KnowledgeBase.at(tmp_path / "new").search("x")


def test_damage_is_found(base: KnowledgeBase) -> None:
    assert KnowledgeBase.verify(base.folder) == []
    (log,) = base.folder.glob("log-*")
    content = bytearray(log.read_bytes())
    content[100] ^= 1
    log.write_bytes(content)
    assert "not what was written there" in KnowledgeBase.verify(base.folder)[0]


def test_stats_count_by_every_facet(base: KnowledgeBase) -> None:
    stats = base.stats()
    assert stats["documents"] == 5
    assert stats["by_kind"] == {"faq": 3, "product": 2}
    assert stats["by_task"] == {"": 4, "intent": 1}
    assert stats["by_label"] == {"": 4, "是否会生锈": 1}
    assert stats["by_language"] == {"zh": 5}


WAITS_AFTER_40 = """
import sys, time
from pathlib import Path
import kdsl.knowledge.base as base

add, added = base.Store.add, []

def add_two_and_wait(store, documents, vectors):
    if len(added) == 2:
        time.sleep(600)
    added.append(add(store, documents, vectors))

base.Store.add, base._BLOCK, base._COMMIT = add_two_and_wait, 20, 20
base.KnowledgeBase.at(Path(sys.argv[1])).add_files([Path(sys.argv[2])])
"""


def test_a_killed_addition_is_continued(tmp_path: Path) -> None:
    rows = [{"id": str(n), "title": f"第{n}件商品怎么样", "text": f"编号{n}的回答"} for n in range(100)]
    folder, file = tmp_path / "base", tmp_path / "faq.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    process = subprocess.Popen([sys.executable, "-c", WAITS_AFTER_40, folder, file])
    while process.poll() is None and _count(folder) < 40:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    base = KnowledgeBase.at(folder)
    assert base.stats()["documents"] == 40
    assert base.add_files([file]) == Changes(60, 0, 0, 40)
    assert base.stats()["documents"] == 100
    assert KnowledgeBase.verify(folder) == []


def _count(folder: Path) -> int:
    try:
        with Store.open(folder).view() as view:
            return len(view.rows())
    except BundleError:
        return 0
