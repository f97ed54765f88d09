from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from helpers.own_shop import intent_row, scene_row, write

from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample, Turn
from kdsl.data.writers import instruction, write_llama_factory, write_mire, write_submission
from kdsl.errors import InputError
from kdsl.runs import atomic_write
from kdsl.tasks import Task


@pytest.fixture
def samples(tmp_path: Path, tasks: list[Task]) -> list[Sample]:
    body = '\n用户：<image>看\n还有这个 客服: 不是\n客服: "<http>"/:068\n用户:'
    rows = [scene_row(), intent_row(), intent_row("d2", body, ""), intent_row("d3", "用户: 生锈吗")]
    return read_samples(write(tmp_path / "in.json", rows), tasks)


def test_mire_and_llama_factory_read_back_to_the_same_samples(tmp_path: Path, tasks: list[Task], samples: list[Sample]):
    write_mire(tmp_path / "mire.json", samples, tasks)
    write_llama_factory(tmp_path / "llama.json", samples, tasks)
    assert read_samples(tmp_path / "mire.json", tasks) == samples
    assert read_samples(tmp_path / "llama.json", tasks) == samples


def test_as_many_placeholders_as_pictures(tasks: list[Task]):
    scene, intent = tasks
    pictures = ("a.png", "b.png")
    turns = (Turn("user", "<image> 看", "用户: <image>看"),)
    for sample, task in [
        (Sample("s", "scene", pictures, ()), scene),
        (Sample("d", "intent", pictures, turns), intent),
    ]:
        text = instruction(sample, task)
        assert text.count("<image>") == 2
        assert all(label in text for label in task.names)


def test_dataset_info_keeps_other_data_sets(tmp_path: Path, tasks: list[Task], samples: list[Sample]):
    write(tmp_path / "dataset_info.json", {"other": {"file_name": "other.json"}})
    write_llama_factory(tmp_path / "mire.json", samples, tasks)
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    assert info["other"] == {"file_name": "other.json"}
    assert info["mire"] == {
        "file_name": "mire.json",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
    }


@pytest.mark.parametrize("content", ["[]", "{"])
def test_a_broken_dataset_info_is_not_overwritten(
    tmp_path: Path, tasks: list[Task], samples: list[Sample], content: str
):
    (tmp_path / "dataset_info.json").write_text(content)
    with pytest.raises(InputError, match=r"dataset_info\.json: .*mend or remove it"):
        write_llama_factory(tmp_path / "mire.json", samples, tasks)
    assert (tmp_path / "dataset_info.json").read_text() == content
    assert not (tmp_path / "mire.json").exists()


def predictions(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_submission_has_id_and_predict(tmp_path: Path):
    rows = [{"id": "a,1", "label": "退款页面", "probability": 0.9}, {"id": "b", "label": "商品材质"}]
    assert write_submission(predictions(tmp_path / "p.jsonl", *rows), tmp_path / "s.csv") == 2
    assert (tmp_path / "s.csv").read_bytes() == 'id,predict\n"a,1",退款页面\nb,商品材质\n'.encode()


def test_submission_like_the_baseline(tmp_path: Path):
    test = write(tmp_path / "test.json", [scene_row("b", ""), scene_row("a", "")])
    rows = [{"id": "a", "label": "退款页面"}, {"id": "b", "label": "退货页面"}]
    write_submission(predictions(tmp_path / "p.jsonl", *rows), tmp_path / "s.csv", test)
    content = (tmp_path / "s.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,instruction,input,output,image,predict\n")
    read = list(csv.DictReader(content.decode("utf-8-sig").splitlines(keepends=True)))
    assert [(row["id"], row["predict"], row["image"]) for row in read] == [
        ("b", "退货页面", "['a.png']"),
        ("a", "退款页面", "['a.png']"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a", "label": "甲"}\n{"id": "b", "lab', "line 2: is not valid JSON.*cut off"),
        ('{"id": "a", "label": "甲"}\n{"id": "a", "label": "乙"}', "line 2: id 'a' stands twice"),
        ('{"id": "a", "error": "picture is missing"}', r"id 'a' has no label \(picture is missing\)"),
        ('{"id": "a", "label": null}', r"id 'a' has no label"),
        ('{"label": "甲"}', "line 1: has no 'id'"),
        ("3", "line 1: has no 'id'"),
        ("[]", "holds no prediction"),
    ],
)
def test_a_faulty_submission_is_not_written(tmp_path: Path, text: str, message: str):
    pred = tmp_path / "p.jsonl"
    pred.write_text(text, "utf-8")
    (tmp_path / "s.csv").write_text("old")
    with pytest.raises(InputError, match=message):
        write_submission(pred, tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == "old"


def test_predictions_and_test_file_must_have_the_same_ids(tmp_path: Path):
    pred = predictions(tmp_path / "p.jsonl", {"id": "a", "label": "甲"}, {"id": "x", "label": "甲"})
    test = write(tmp_path / "test.json", [{"id": "a"}, {"id": "b"}])
    with pytest.raises(InputError) as caught:
        write_submission(pred, tmp_path / "s.csv", test)
    assert "id 'b' of" in str(caught.value)
    assert "id 'x' is not in" in str(caught.value)
    with pytest.raises(InputError, match="sample 1 is no sample with an 'id'"):
        write_submission(pred, tmp_path / "s.csv", write(tmp_path / "bad.json", [{"name": "a"}]))


def test_atomic_write_replaces_whole_files_and_leaves_nothing_behind(tmp_path: Path):
    path = tmp_path / "deep" / "file.txt"
    atomic_write(path, "一\r\n")
    atomic_write(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file.txt"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder: cannot be written"):
        atomic_write(tmp_path / "folder", "x")
    assert sorted(os.listdir(tmp_path)) == ["deep", "folder"]
