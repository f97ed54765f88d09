"""Snippets are read as a whole, and all their faults are listed at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import yaml

from kdsl.errors import InputError
from kdsl.knowledge.documents import Document
from kdsl.knowledge.embedders import CharNgramEmbedder
from kdsl.knowledge.snippets import load_snippets, read_snippets
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
    assert "one.yaml, entry 3 (id d): 'txt' is no part of a snippet (id, title, text, task, " in message
    assert "language). Did you mean text?" in message
    assert "one.yaml, entry 3 (id d): kind: Input should be" in message
    assert "one.yaml, entry 3 (id d): text: is missing or empty" in message
    assert "one.yaml, entry 4: expected a mapping" in message
    assert "two.yaml: expected a list of entries, found dict" in message
    assert "three.yaml: is not UTF-8" in message


def read(folder: Path, *tasks: Task) -> list[Document]:
    """The snippets of a folder, as `kdsl knowledge add` reads them."""
    return read_snippets([folder], tasks, folder)


def test_every_kind_of_file_says_the_same(tmp_path: Path, intent: Task) -> None:
    row = {"标题": "会锈吗", "回答": "不锈，304不锈钢", "标签": "是否会生锈"}
    (tmp_path / "a.csv").write_text("\ufeff标题,回答,标签\n会锈吗,不锈，304不锈钢,是否会生锈\n", "utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps(row), "utf-8")
    (tmp_path / "c.json").write_text(json.dumps([row]), "utf-8")
    (tmp_path / "d.yaml").write_text(yaml.safe_dump([row], allow_unicode=True), "utf-8")
    (tmp_path / "e.md").write_text("---\nlabel: 是否会生锈\n---\n# 会锈吗\n不锈，304不锈钢\n", "utf-8")
    book = openpyxl.Workbook()
    for cells in (list(row), list(row.values())):
        book.active.append(cells)  # type: ignore[union-attr]
    book.save(tmp_path / "f.xlsx")
    found = read(tmp_path, intent)
    assert [document.source for document in found] == ["a.csv", "b.jsonl", "c.json", "d.yaml", "e.md", "f.xlsx"]
    assert len({document.digest for document in found}) == 1
    assert [document.id for document in found[:2]] == ["a.csv#会锈吗", "b.jsonl#会锈吗"]
    assert (found[0].task, found[0].label, found[0].kind, found[0].language) == ("intent", "是否会生锈", "faq", "zh")


def test_titles_that_stand_twice_in_a_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question,answer\nReturns?,Yes\nReturns?,In 7 days\nReturns?,Free\n", "utf-8")
    (tmp_path / "sizes.csv").write_text("question,answer\nA,1\nA,2\nA-1,3\nA,4\n", "utf-8")
    found = [document.id for document in read(tmp_path)]
    assert found[:3] == ["faq.csv#Returns?", "faq.csv#Returns?-1", "faq.csv#Returns?-2"]
    assert found[3:] == ["sizes.csv#A", "sizes.csv#A-1", "sizes.csv#A-1-1", "sizes.csv#A-2"]


def test_a_label_belongs_to_the_task_that_has_it(tmp_path: Path, intent: Task, scene: Task) -> None:
    (tmp_path / "a.csv").write_text("title,text,label\n会锈吗,不锈,是否会生绣\n", "utf-8")
    unknown = r"line 2: label '是否会生绣' is of no task that is known \(scene, intent\)\. Did you mean 是否会生锈"
    with pytest.raises(InputError, match=unknown):
        read(tmp_path, scene, intent)
    (tmp_path / "a.csv").write_text("title,text,label\n会锈吗,不锈,是否会生锈\n", "utf-8")
    with pytest.raises(InputError, match="is of the tasks intent, twin; name one as `task`"):
        read(tmp_path, intent, intent.model_copy(update={"name": "twin"}))
    with pytest.raises(InputError, match=r"no task that is known \(none\)"):
        read(tmp_path)


def test_a_task_that_is_not_known_is_a_fault_of_what_is_added(tmp_path: Path, intent: Task) -> None:
    (tmp_path / "a.yaml").write_text("- {task: intnt, title: 会锈吗, text: 不锈}", "utf-8")
    with pytest.raises(InputError, match=r"task 'intnt' is unknown; there are: intent\. Did you mean intent\?"):
        read(tmp_path, intent)
    assert load_snippets(tmp_path, [intent]) == []  # the shipped snippets are about tasks that others do not have


def test_other_columns_of_a_table_are_told_and_names_may_be_given(
    tmp_path: Path, intent: Task, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("问法,答复,lable,作者\n会锈吗,不锈,x,我\n会锈么,不锈,y,我\n", "utf-8")
    with pytest.raises(
        InputError, match=r"title: is missing .* under title, question, .* \[2 times; also a.csv, line 3\]"
    ):
        read(tmp_path, intent)
    found = read_snippets([file], [intent], tmp_path, {"title": "问法"})
    assert [document.title for document in found] == ["会锈吗", "会锈么"]
    assert "'lable' is not read. Did you mean label? (2 time(s), first in a.csv, line 2)" in caplog.text
    assert "'作者' is not read (2 time(s)" in caplog.text
    with pytest.raises(InputError, match="`columns` names 'titel'; expected id, title, "):
        read_snippets([file], [intent], tmp_path, {"titel": "问法"})


def test_a_catalogue_among_snippets_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("标题,价格\n铁锅,99\n", "utf-8")
    with pytest.raises(InputError, match="text: is missing or empty; a catalogue of products is given as `products`"):
        read(tmp_path)


def test_a_folder_is_read_with_its_subfolders_but_for_its_readme(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("README.md", ".hidden.md", "notes.txt", "sub/b.md", "a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\ntext", "utf-8")
    assert [document.title for document in read(tmp_path)] == ["a.md", "sub/b.md"]
    assert "files of other kinds are not read (1 time(s), first in notes.txt)" in caplog.text
    (alone,) = read_snippets([tmp_path / "README.md"], [], tmp_path)
    assert alone.title == "README.md"


def test_hostile_files_are_refused_with_their_faults(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "bare.csv").write_text("title,text\n", "utf-8")
    (tmp_path / "gbk.csv").write_bytes("title,text\n会锈吗,不锈\n".encode("gb18030"))
    (tmp_path / "huge.jsonl").write_text(json.dumps({"title": "x", "text": "锈" * 50_000}), "utf-8")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "twice.yaml").write_text("- title: a\n  title: b\n  text: c\n", "utf-8")
    (tmp_path / "number.yaml").write_text("- {title: yes, text: c}\n", "utf-8")
    (tmp_path / "wide.jsonl").write_text('{"title": ["a"], "text": "b"}\nnot json\n[1]\n', "utf-8")
    (tmp_path / "nothing.md").write_text("\n", "utf-8")
    (tmp_path / "utf16.md").write_bytes("# a\nb".encode("utf-16-le"))
    with pytest.raises(InputError, match=r"12 fault\(s\) in snippets") as caught:
        read(tmp_path)
    message = str(caught.value)
    for fault in (
        "empty.csv: is empty",
        "bare.csv: holds no entry [2 times; also nothing.md]",
        "gbk.csv: is not UTF-8",
        "It can be read as GB18030 (GBK).",
        "huge.jsonl, line 1: has 50,001 characters, a document at most 20,000",
        "picture.csv: is a picture (PNG)",
        "the key 'title' stands here and in line 1",
        "number.yaml, entry 1: title: expected a text, found True",
        "wide.jsonl, line 1: title: expected a text, found a list",
        "wide.jsonl, line 2: is not valid JSON",
        "wide.jsonl, line 3: expected an object",
        "utf16.md: is not UTF-8: byte 0 is 0x23. It looks like UTF-16 without",
    ):
        assert fault in message


def test_control_characters_do_not_get_in(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"title": "a\u001b[31mb\u0000", "text": "x\ud83d\r\ny [/x]"}', "utf-8")
    (document,) = read(tmp_path)
    assert (document.title, document.text) == ("a [31mb", "x\ufffd\ny [/x]")
    assert document.id == "a.jsonl#a [31mb"


def test_a_folder_without_snippets_is_an_error(tmp_path: Path, intent: Task) -> None:
    with pytest.raises(InputError, match=r"holds no file of \.yaml, "):
        load_snippets(tmp_path, [intent])


def test_shipped_snippets_cover_every_label_in_both_wordings(intent: Task, scene: Task) -> None:
    documents = load_snippets(resource("knowledge_base"), [intent, scene])
    assert len({document.id for document in documents}) == len(documents)
    assert len({document.title for document in documents}) == len(documents)
    assert {document.language for document in documents} == {"zh"}
    for task in (intent, scene):
        for name in task.names:
            kinds = [document.kind for document in documents if (document.task, document.label) == (task.name, name)]
            assert len(kinds) >= 12, name
            assert kinds.count("faq") >= 2, name  # what buyers ask
            assert len(kinds) > kinds.count("faq"), name  # what pages and shops say


def test_shipped_snippets_of_different_labels_are_no_near_duplicates(intent: Task, scene: Task) -> None:
    documents = load_snippets(resource("knowledge_base"), [intent, scene])
    texts = [f"{document.title}\n{document.text}" for document in documents]
    embedder = CharNgramEmbedder()
    embedder.fit(texts)
    vectors = embedder.embed(texts)
    alike = vectors @ vectors.T
    for row, column in np.argwhere(np.triu(alike, 1) > 0.5):
        assert documents[row].label == documents[column].label, (documents[row].id, documents[column].id)
