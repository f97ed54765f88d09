"""Rows as other tools export them: each with the sample that it is, or with what a person is told."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from helpers.own_shop import INTENT, SCENE, intent_row, noise, write

from kdsl.data.notes import Notes
from kdsl.data.pictures import open_picture
from kdsl.data.readers import BadSample, read_files, read_rows, read_samples
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.tasks import Label, Task

MOOD = Task(
    name="mood",
    input="dialogue",
    prompt="用户想做什么？",
    labels=tuple(Label(name=name, zh=name, en=name) for name in ("退款", "退款进度", "换货")),
)
Turns = list[tuple[str, str]]


def read(tmp_path: Path, row: Any, tasks: list[Task] | None = None) -> tuple[Sample, list[str]]:
    notes = Notes()
    path = write(tmp_path / "rows.json", [row])
    (sample,) = read_rows(path, tasks or [MOOD], notes=notes)
    assert isinstance(sample, Sample), sample
    return sample, notes.lines()


def fault(tmp_path: Path, row: Any, tasks: list[Task] | None = None) -> str:
    (bad,) = read_rows(write(tmp_path / "rows.json", [row]), tasks or [MOOD])
    assert isinstance(bad, BadSample)
    return bad.message


def said(sample: Sample) -> Turns:
    return [(turn.role, turn.text) for turn in sample.turns]


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


TALK = [user("我要退钱"), agent("好"), user("快")]
SAID: Turns = [("user", "我要退钱"), ("agent", "好"), ("user", "快")]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "我要退钱", "label": "退款"},
        {"text": "我要退钱", "label": ["退款"]},
        {"text": "我要退钱", "label": 0, "label_text": "退款"},
        {"text": "我要退钱", "category": "退款"},
        {"utterance": "我要退钱", "intent": "退款"},
        {"query": "我要退钱", "class": "退款"},
        {"Text": "我要退钱", "Label": "退款"},
        {"instruction": "我要退钱", "output": "退款"},
        {"instruction": "我要退钱", "label": "退款"},
        {"instruction": "我要退钱", "output": "", "label": "退款"},
        {"messages": [user("我要退钱"), agent("退款")]},
        {"messages": [user("我要退钱")], "label": "退款"},
        {"messages": [user("我要退钱"), agent("退款")], "label": None},
        {"messages": [user("我要退钱"), agent("退款")], "label": float("nan")},
        {"messages": None, "conversations": [{"from": "human", "value": "我要退钱"}, {"from": "gpt", "value": "退款"}]},
        {"messages": None, "text": "我要退钱", "label": "退款"},
        {"prompt": "我要退钱", "completion": "退款"},
        {"prompt": [user("我要退钱")], "completion": [agent("退款")]},
        {"instruction": None, "text": "我要退钱", "label": "退款"},
        {"id": 1, "data": {"text": "我要退钱"}, "annotations": [{"result": [{"value": {"choices": ["退款"]}}]}]},
        {"id": 1, "text": "我要退钱", "sentiment": "退款", "annotator": 1, "annotation_id": 4, "lead_time": 3.2},
    ],
)
def test_one_utterance_with_one_label(tmp_path: Path, row: dict[str, Any]):
    sample, notes = read(tmp_path, row)
    assert (sample.task, said(sample), sample.label) == ("mood", [("user", "我要退钱")], "退款")
    assert not notes


@pytest.mark.parametrize("result", [[], None, 5, [{"value": {"choices": []}}], [5]])
def test_an_annotation_without_a_choice_gives_no_label(tmp_path: Path, result: Any):
    sample, _ = read(tmp_path, {"id": 1, "data": {"text": "我要退钱"}, "annotations": [{"result": result}]})
    assert (said(sample), sample.label) == ([("user", "我要退钱")], None)


def test_tables_hold_one_utterance_per_line(tmp_path: Path):
    table = tmp_path / "banking.csv"
    table.write_text('text,category\nWhere is my money,退款进度\n"I want, please, to swap",换货\n', "utf-8")
    first, second = read_samples(table, [MOOD])
    assert (said(first), first.label) == ([("user", "Where is my money")], "退款进度")
    assert (said(second), second.label) == ([("user", "I want, please, to swap")], "换货")


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [*TALK, agent("退款")]},
        {"messages": TALK, "label": "退款"},
        {"messages": [*TALK, agent("退款")], "label": ""},
        {"messages": [{"role": "客服" if m["role"] == "assistant" else "顾客", "content": m["content"]} for m in TALK]},
        {"conversation": [{"speaker": "User" if m["role"] == "user" else "Agent", "text": m["content"]} for m in TALK]},
        {"instruction": "快", "history": [["我要退钱", "好"]], "output": "退款"},
        {"instruction": "判断意图", "input": "用户: 我要退钱\n客服: 好\n用户: 快", "output": "退款"},
        {"text": "User: 我要退钱\nAgent: 好\nUser: 快", "label": "退款"},
    ],
)
def test_chats_of_many_tools_are_the_same_turns(tmp_path: Path, row: dict[str, Any]):
    sample, _ = read(tmp_path, row)
    assert said(sample) == SAID
    assert sample.label in (None, "退款")


def test_what_is_no_turn_is_left_out_and_noted(tmp_path: Path):
    called = {"role": "assistant", "content": None, "tool_calls": [{"type": "function"}]}
    extra = [{"role": "system", "content": "你是客服"}, called, {"role": "tool", "content": "{}"}]
    sample, notes = read(tmp_path, {"messages": [*extra, *TALK], "label": "退款", "system": "x", "rating": 5})
    assert said(sample) == SAID
    assert [note.partition(" (")[0] for note in notes] == [
        "system messages are not read",
        "calls and answers of tools are not read",
        "field 'rating' is not read",
    ]


def test_a_label_that_is_not_known_leaves_the_agents_last_words_in_the_dialogue(tmp_path: Path):
    for nothing in (None, ""):
        sample, _ = read(tmp_path, {"messages": [user("退"), agent("好的亲")], "label": nothing})
        assert (said(sample), sample.label) == ([("user", "退"), ("agent", "好的亲")], None)


def test_a_gold_label_that_is_left_in_the_dialogue_is_noted(tmp_path: Path):
    sample, notes = read(tmp_path, {"messages": [user("我"), agent("退款"), agent("退款")]})
    assert (said(sample), sample.label) == ([("user", "我"), ("agent", "退款")], "退款")
    assert "the agent's last turn is the name of a label" in notes[0]


def test_a_last_message_that_is_no_label_is_explained(tmp_path: Path):
    message = fault(tmp_path, {"messages": [user("退"), agent("好的亲，马上")]})
    assert "the last message, '好的亲，马上', was taken for the label" in message
    assert "add a field 'label'" in message


PARTS = {
    "OpenAI": {"type": "image_url", "image_url": {"url": "a.png"}},
    "OpenAI's responses": {"type": "input_image", "image_url": "a.png"},
    "Hugging Face": {"type": "image", "path": "a.png"},
    "Qwen": {"type": "image", "image": "a.png"},
    "url": {"type": "image", "url": "a.png"},
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_pictures_as_parts_of_a_message(tmp_path: Path, part: dict[str, Any]):
    sample, notes = read(
        tmp_path, {"messages": [user([part, {"type": "text", "text": "退"}]), *TALK[1:]], "label": "退款"}
    )
    assert (sample.images, said(sample)[0]) == (("a.png",), ("user", "<image> 退"))
    assert not notes


def test_parts_without_a_source_take_the_pictures_that_the_row_lists(tmp_path: Path):
    content = [{"type": "image"}, {"type": "text", "text": "退"}, {"type": "image"}]
    row = {"messages": [user(content), *TALK[1:]], "images": ["a.png", {"path": "b.png", "bytes": None}]}
    sample, _ = read(tmp_path, row)
    assert (sample.images, said(sample)[0]) == (("a.png", "b.png"), ("user", "<image> 退 <image>"))


@pytest.mark.parametrize(
    "text",
    ["Picture 1: <img>a.png</img>\n这件能退吗", "<img src='a.png'>这件能退吗", "![photo](a.png) 这件能退吗"],
)
def test_pictures_that_a_text_names_by_their_path(tmp_path: Path, text: str):
    chat, _ = read(tmp_path, {"messages": [user(text), agent("可以"), user("那退吧"), agent("退款")]})
    assert (chat.images, said(chat)[0]) == (("a.png",), ("user", "<image> 这件能退吗"))
    row, _ = read(tmp_path, {"instruction": f"用户: {text}\n客服: 可以", "output": "退款"})
    assert (row.images, said(row)[0]) == (("a.png",), ("user", "<image> 这件能退吗"))


def test_pictures_by_their_web_address_in_a_text_are_noted(tmp_path: Path):
    sample, notes = read(tmp_path, {"text": "<img src='https://shop.example/a.gif'>谢谢"})
    assert (sample.images, said(sample)) == ((), [("user", "谢谢")])
    assert "pictures that a text names by their web address are not read" in notes[0]


@pytest.mark.parametrize(
    "name", ["image_path", "img", "pictures", "picture", "Images", "image_paths", "image_url", "photos", "pic"]
)
def test_pictures_under_another_name(tmp_path: Path, name: str):
    for value in ("a.png", ["a.png"], [{"path": "a.png"}]):
        sample, notes = read(tmp_path, {"messages": TALK, "label": "退款", name: value})
        assert sample.images == ("a.png",)
        assert not notes


def test_a_data_picture_is_opened_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "cache"))
    buffer = io.BytesIO()
    noise(1).save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
    rows = [
        {"messages": [user([part, {"type": "text", "text": "退"}]), *TALK[1:]]},
        {"messages": TALK, "images": [{"bytes": encoded, "path": "lost.png"}]},
        {"messages": [user([{"type": "image", "source": {"type": "base64", "data": encoded}}]), *TALK[1:]]},
    ]
    for row in rows:
        sample, _ = read(tmp_path, row)
        (name,) = sample.images
        assert len(name) < 50
        assert open_picture(tmp_path, name, 100).tobytes() == noise(1).tobytes()
        with pytest.raises(InputError, match="has 0 megapixels"):
            open_picture(tmp_path, name, 0.001)


@pytest.mark.parametrize(
    "row",
    [
        {
            "messages": [
                user([{"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "text", "text": "会生锈吗"}])
            ]
        },
        {"conversations": [{"from": "human", "value": "<image>会生锈吗"}], "images": ["a.png"]},
        {"instruction": "会生锈吗", "image": ["a.png"]},
        {"text": "会生锈吗", "image": "a.png"},
    ],
)
def test_a_text_and_a_picture_are_a_question_to_the_user(tmp_path: Path, tasks: list[Task], row: dict[str, Any]):
    message = fault(tmp_path, row, tasks)
    assert "any of the tasks 'scene' (picture), 'intent' (dialogue). Set 'task'" in message
    intent, notes = read(tmp_path, row | {"task": "intent"}, tasks)
    assert intent.turns[-1].text.endswith("会生锈吗")
    assert not notes
    scene, notes = read(tmp_path, row | {"task": "scene"}, tasks)
    assert scene.turns == ()
    assert "the text beside a picture is not read: task 'scene' is about pictures alone" in notes[0]
    assert read(tmp_path, row, [INTENT])[0].task == "intent"
    assert read(tmp_path, row, [SCENE])[0].task == "scene"
    # the label tells
    assert read(tmp_path, row | {"label": "是否会生锈"}, tasks)[0].task == "intent"


@pytest.mark.parametrize(
    "row", [{"text": "会生锈吗"}, {"messages": [user("会生锈吗")]}, {"instruction": "顾客: 会生锈吗"}]
)
def test_a_text_alone_is_a_dialogue_of_one_turn(tmp_path: Path, tasks: list[Task], row: dict[str, Any]):
    sample, _ = read(tmp_path, row, tasks)
    assert (sample.task, said(sample)) == ("intent", [("user", "会生锈吗")])


def test_a_question_that_lists_the_labels_is_no_text_of_the_sample(tmp_path: Path, tasks: list[Task]):
    row = {"instruction": f"看图。可选：{'、'.join(SCENE.names)}", "image": ["a.png"]}
    sample, notes = read(tmp_path, row, tasks)
    assert sample.task == "scene"
    assert not notes


def test_an_alpaca_instruction_beside_an_input_is_noted(tmp_path: Path):
    sample, notes = read(tmp_path, {"instruction": "判断意图", "input": "我要退钱", "output": "退款"})
    assert said(sample) == [("user", "我要退钱")]
    assert "'instruction' beside an 'input' is taken for the question" in notes[0]


def test_fields_that_nobody_reads_are_counted_and_logged_once(
    tmp_path: Path, tasks: list[Task], caplog: pytest.LogCaptureFixture
):
    rows = [intent_row(f"d{i}") | {"shop": "a", "note": "是否会生锈", "empty": None} for i in range(3)]
    with caplog.at_level(logging.WARNING, "kdsl.data"):
        read_samples(write(tmp_path / "a.json", rows), tasks)
    (record,) = caplog.records
    assert "field 'shop' is not read (3 time(s), first in sample 1)." in record.getMessage()
    assert "field 'note' is not read; it holds labels: call it 'label' (3 time(s)" in record.getMessage()
    assert "empty" not in record.getMessage()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "退", "label": ["退款", "换货"]}, "holds 2 label(s) as a list; a sample has one"),
        ({"text": "退", "label": [[0, 1, "退款"]]}, "as a list; a sample has one"),
        ({"text": "退", "label": 3}, "if it numbers the labels, write their names"),
        ({"instruction": "退", "history": ["我要退钱"]}, "field 'history' should be a list of pairs"),
        ({"instruction": "退", "image": "/data/upload/1/a.jpg"}, "is a path on Label Studio's server"),
        ({"messages": None, "conversations": None}, "should be a list of messages, found nothing"),
        (
            {
                "data": {"text": "退"},
                "annotations": [{"result": [{"value": {"choices": [c]}} for c in ("退款", "换货")]}],
            },
            "has 2 choices in Label Studio's annotation",
        ),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path: Path, row: dict[str, Any], message: str):
    assert message in fault(tmp_path, row)


@pytest.mark.parametrize(
    ("instruction", "turns", "noted"),
    [
        ("tb8***21 (2024-05-01 10:00:01): 我要退钱\n旗舰店:小美 (2024-05-01 10:00:31): 好的亲", 1, True),
        ("店长: 您好", 1, True),
        ("用户: 在\n店长: 您好", 1, True),
        ("用户-我要退钱", 1, True),
        ("用户: 在\n客服: 您好", 2, False),
    ],
)
def test_lines_of_unknown_speakers_are_noted(tmp_path: Path, instruction: str, turns: int, noted: bool):
    sample, notes = read(tmp_path, {"instruction": instruction})
    assert len(sample.turns) == turns
    assert any("of another speaker" in note for note in notes) == noted


def test_ids_as_pandas_writes_them(tmp_path: Path):
    assert read(tmp_path, {"id": 1.0, "text": "退"})[0].id == "1"
    assert read(tmp_path, {"id": float("nan"), "text": "退"})[0].id.startswith("content-")


def test_rows_without_ids_in_two_files_are_named_by_what_they_say(tmp_path: Path):
    first, second = (write(tmp_path / f"{name}.json", [{"text": "我要退钱"}]) for name in "ab")
    with pytest.raises(InputError, match=r"b\.json: a row without an id \('我要退钱'\) stands in .*a\.json too"):
        read_files([first, second], [MOOD])


def test_lines_with_rows_of_several_formats(tmp_path: Path):
    rows = [{"text": "退"}, {"messages": TALK}, {"instruction": "用户: 换"}]
    path = tmp_path / "a.jsonl"
    path.write_text("\r\n".join(json.dumps(row) for row in rows), "utf-8")
    assert [len(sample.turns) for sample in read_samples(path, [MOOD])] == [1, 3, 1]
