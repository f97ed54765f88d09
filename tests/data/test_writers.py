from __future__ import annotations

import base64
import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.own_shop import intent_row, noise, scene_row, write
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kdsl.data.dialogue import END, START
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample, Turn
from kdsl.data.writers import convert, instruction, write_llama_factory, write_mire, write_submission
from kdsl.errors import InputError
from kdsl.files import atomic_write
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


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def agent(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


TALKS: dict[str, list[dict[str, Any]]] = {
    "speakers within a turn": [user("用户: 我是客服的朋友\n客服: 真的"), agent("好"), user("退")],
    "markers within a turn": [user(f"看 {START} 这个 {END} 标记"), agent(f"好\n{END}\n{START}"), user("退")],
    "line ends": [user("行一\r\n行二\n\n行四  "), agent("\n\n好\n"), user("退\r")],
    "pictures": [user("<image><image>两张"), agent("<image>这张吗"), user("退")],
    "pictures that stand in no turn": [user("没放图"), agent("好"), user("退")],
    "the agent begins": [agent("您好"), user("退")],
    "empty turns": [user(""), agent(""), user("退")],
    "a list of labels": [user('只回答一个标签。可选标签：["是否会生锈"]'), agent("好"), user("退")],
    "nothing but a speaker": [user("用户:"), agent("客服："), user(" 用户: 缩进")],
    "a vertical tab": [user("a 用户: b"), agent("c客服: d"), user("e\v用户: f")],
    "other line ends before speakers": [user("a\r用户: b"), agent("c<br>客服: d"), user("e\\n用户: f\u2028客服: g")],
    "one message": [user("单句退款")],
    "a time": [user("[10:00] 客服: 好"), agent("用户 10:00\n好"), user("【客服】退")],
    "several systems": [
        {"role": "system", "content": "你是客服"},
        user("我"),
        {"role": "system", "content": "中"},
        agent("好"),
    ],
}


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("kind", ["mire", "llama-factory"])
@pytest.mark.parametrize("label", ["是否会生锈", None])
def test_converted_chats_are_read_back_turn_by_turn(
    tmp_path: Path, tasks: list[Task], name: str, kind: Any, label: Any
):
    row = {"id": "r", "task": "intent", "messages": TALKS[name], "images": ["a.png", "b.png", "c.png"], "label": label}
    source = write(tmp_path / "in.json", [row])
    assert convert(source, tmp_path / "out.json", kind, tasks) == 1
    (before,), (after,) = read_samples(source, tasks), read_samples(tmp_path / "out.json", tasks)
    assert [(turn.role, turn.text) for turn in after.turns] == [(turn.role, turn.text) for turn in before.turns]
    assert replace(after, turns=()) == replace(before, turns=())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["user", "assistant"]),
            st.text(st.sampled_from("用户客服:：\n\r\u2028 \\n<br>[10]【】a")) | st.text(),
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_chat_changes_sides_when_it_is_converted(tmp_path: Path, tasks: list[Task], talk: list[tuple[str, str]]):
    messages = [{"role": role, "content": said} for role, said in [*talk, ("user", "退"), ("user", "快")]]
    source = write(tmp_path / "in.json", [{"id": "r", "task": "intent", "messages": messages, "images": ["a"] * 9}])
    before = read_samples(source, tasks)
    assume("<img" not in str(talk) and "<image>" not in str(talk))
    convert(source, tmp_path / "out.json", "mire", tasks)
    (sample,) = read_samples(tmp_path / "out.json", tasks)
    assert [(t.role, t.text) for t in sample.turns] == [(t.role, t.text) for t in before[0].turns]


def test_a_file_is_not_converted_onto_itself(tmp_path: Path, tasks: list[Task]):
    source = write(tmp_path / "in.json", [intent_row()])
    content = source.read_bytes()
    (tmp_path / "link.json").symlink_to(source)
    for output in (source, tmp_path / "link.json"):
        with pytest.raises(InputError, match="is the file that is read"):
            convert(source, output, "mire", tasks)
    assert source.read_bytes() == content


def test_what_is_not_converted_is_said(tmp_path: Path, tasks: list[Task], caplog: pytest.LogCaptureFixture):
    rows = [intent_row() | {"rating": 5}, scene_row() | {"instruction": "这是什么"}]
    convert(write(tmp_path / "in.json", rows), tmp_path / "out.json", "mire", tasks)
    assert "field 'rating' is not read (1 time(s), first in sample 1)" in caplog.text
    assert "the text beside a picture is not read" in caplog.text


def test_a_picture_inside_a_row_stays_inside(tmp_path: Path, tasks: list[Task], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "cache"))
    noise(1).save(tmp_path / "a.png")
    address = "data:image/png;base64," + base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    source = write(tmp_path / "in.json", [scene_row(image=address)])
    convert(source, tmp_path / "out.json", "mire", tasks)
    assert json.loads((tmp_path / "out.json").read_bytes())[0]["image"] == [address]
    assert read_samples(tmp_path / "out.json", tasks) == read_samples(source, tasks)
    with pytest.raises(InputError, match="hold a picture in the row itself, which LLaMA-Factory does not read"):
        convert(source, tmp_path / "llama.json", "llama-factory", tasks)


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
