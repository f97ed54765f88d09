from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.own_shop import INTENT, SCENE, intent_row, scene_row, write

from kdsl.data.readers import BadSample, load_task_files, read_files, read_rows, read_samples
from kdsl.data.sample import Sample
from kdsl.data.writers import write_mire
from kdsl.errors import ConfigError, InputError
from kdsl.tasks import Label, Task


def faults(path: Path, tasks: list[Task]) -> list[BadSample]:
    return [row for row in read_rows(path, tasks) if isinstance(row, BadSample)]


def one_fault(tmp_path: Path, row: Any, tasks: list[Task]) -> str:
    (fault,) = faults(write(tmp_path / "x.json", [row]), tasks)
    return str(fault)


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mire_as_list_and_as_lines(tmp_path: Path, tasks: list[Task], lines: bool, mark: str):
    rows = [scene_row(), intent_row(label="")]
    text = "\n\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows, indent=2)
    path = tmp_path / "data.json"
    path.write_text(mark + text + "\n", "utf-8")
    scene, intent = read_samples(path, tasks)
    assert scene == Sample("s1", "scene", ("a.png",), (), "退款页面")
    assert (intent.id, intent.task, intent.images, intent.label) == ("d1", "intent", ("b.png",), None)
    assert [turn.text for turn in intent.turns] == ["<image>", "您好，请讲", "这个锅用久了会长锈吗"]
    assert intent.turns[0].raw == "用户: <image>"


def test_sharegpt_with_a_quoted_dialogue_is_the_same_sample_as_mire(tmp_path: Path, tasks: list[Task]):
    mire = intent_row()
    chat = {
        "id": "d1",
        "conversations": [
            {"from": "system", "value": "你是客服"},
            {"from": "human", "value": mire["instruction"]},
            {"from": "gpt", "value": "是否会生锈"},
        ],
        "images": ["b.png"],
    }
    assert read_samples(write(tmp_path / "a.json", [chat]), tasks) == read_samples(
        write(tmp_path / "b.json", [mire]), tasks
    )


def test_sharegpt_picture(tmp_path: Path, tasks: list[Task]):
    row = {
        "messages": [
            {"role": "user", "content": "<image>这是什么页面"},
            {"role": "assistant", "content": "退货页面"},
        ],
        "images": ["a.png"],
    }
    (sample,) = read_samples(write(tmp_path / "a.json", [row]), tasks)
    assert (sample.task, sample.label, sample.images, sample.turns) == ("scene", "退货页面", ("a.png",), ())


def test_openai_messages_are_turns_and_their_pictures_placeholders(tmp_path: Path, tasks: list[Task]):
    row = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "a.png"}},
                    {"type": "text", "text": "我写的 <image> 不是图"},
                ],
            },
            {"role": "assistant", "content": "亲，在的"},
            {"role": "user", "content": [{"type": "text", "text": "什么料子"}]},
            {"role": "assistant", "content": "商品材质"},
        ]
    }
    (sample,) = read_samples(write(tmp_path / "a.json", [row]), tasks)
    assert (sample.task, sample.label, sample.images) == ("intent", "商品材质", ("a.png",))
    assert [(t.role, t.text) for t in sample.turns] == [
        ("user", "<image> 我写的 [image] 不是图"),
        ("agent", "亲，在的"),
        ("user", "什么料子"),
    ]


def test_a_label_key_leaves_the_agents_last_words_in_the_dialogue(tmp_path: Path, tasks: list[Task]):
    row = {
        "messages": [{"role": "user", "content": "什么料子"}, {"role": "assistant", "content": "纯棉的"}],
        "label": "商品材质",
    }
    (sample,) = read_samples(write(tmp_path / "a.json", [row]), tasks)
    assert (sample.label, [t.text for t in sample.turns]) == ("商品材质", ["什么料子", "纯棉的"])


def test_task_key_decides_and_is_demanded_where_two_tasks_fit(tmp_path: Path):
    other = Task(
        name="mood",
        input="dialogue",
        prompt="情绪？",
        labels=(Label(name="满意", zh="满意", en="content"), Label(name="生气", zh="生气", en="angry")),
    )
    tasks = [INTENT, other]
    message = one_fault(tmp_path, intent_row(), tasks)
    assert "tasks intent, mood all take a dialogue; set 'task'" in message
    row = {"id": "m", "task": "mood", "instruction": "用户: 太慢了", "output": "生气"}
    (sample,) = read_samples(write(tmp_path / "a.json", [row]), tasks)
    assert (sample.task, sample.label, sample.images) == ("mood", "生气", ())
    message = one_fault(tmp_path, row | {"task": "moood"}, tasks)
    assert "no task is called 'moood'" in message
    assert "Did you mean mood? If it is a task of your own, give its task file." in message
    assert "holds a picture, and no task takes one" in one_fault(tmp_path, scene_row(), tasks)


def test_ids_from_content_are_stable_and_differ(tmp_path: Path, tasks: list[Task]):
    row = scene_row()
    del row["id"]
    path = write(tmp_path / "a.json", [row, row, row | {"image": ["b.png"]}, row | {"output": ""}])
    ids = [sample.id for sample in read_samples(path, tasks)]
    assert ids == [sample.id for sample in read_samples(path, tasks)]
    assert len(set(ids)) == 4
    # the label is no part of what is to be recognised
    assert ids[1] == f"{ids[0]}-2"
    assert ids[3] == f"{ids[0]}-3"


def test_numbers_as_ids_become_text(tmp_path: Path, tasks: list[Task]):
    assert read_samples(write(tmp_path / "a.json", [scene_row() | {"id": 7}]), tasks)[0].id == "7"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": "退款页"}, "label '退款页' is unknown to task 'scene'. Did you mean 退款页面?"),
        ({"image": []}, "has no picture, but task 'scene' is about pictures"),
        ({"image": ["../b.png"]}, "leaves the image folder by '..'"),
        ({"image": ["/etc/passwd"]}, "is an absolute path"),
        ({"image": ["https://shop.example/a.png"]}, "is a URL; kdsl fetches nothing"),
        ({"image": ["data:image/png;base64,AAA"]}, "is not base64, or is cut off"),
        ({"image": ["data:image/png,AAAA"]}, "not of the form data:image/png;base64,"),
        ({"image": "a.png", "id": {}}, "field 'id' should be text or a whole number, found an object"),
        ({"image": [3]}, "field 'image' should be a list of picture paths"),
        ({"instruction": 5}, "field 'instruction' should be text, found a number"),
        ({"output": ["退款页面", "退货页面"]}, "field 'output' holds 2 label(s) as a list"),
        ({"output": 3}, "field 'output' should be text, found a number (3); if it numbers the labels"),
        ({"output": True}, "field 'output' should be text, found true or false (True)."),
        ({"output": "退款页面", "label": "退货页面"}, "hold different labels; give one"),
        ({"id": 1.5}, "field 'id' should be text or a whole number, found a number"),
        ({"photo": "c.png"}, "pictures stand in more than one field (image, photo)"),
    ],
)
def test_bad_scene_rows(tmp_path: Path, tasks: list[Task], change: dict[str, Any], message: str):
    found = one_fault(tmp_path, scene_row() | change, tasks)
    assert message in found
    assert found.startswith("sample 1")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (intent_row(body="客服: 您好"), "no turn of the user"),
        (intent_row(body="用户: <image><image>"), "holds 2 <image> but 1 picture(s) are listed"),
        (intent_row(body="用户: <image>", image=""), "holds 1 <image> but 0 picture(s)"),
        (
            {"id": "q", "prompt": "x"},
            "'instruction' (MIRE), 'conversations' (ShareGPT), 'messages' (OpenAI) or 'text' is missing",
        ),
        (["a"], "expected an object with named fields, found a list"),
        ({"messages": []}, "should be a list of messages, found an empty list"),
        ({"messages": ["hi"]}, "message 1 of 'messages' should be an object, found text"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "has role 'narrator'; expected one of: human, user"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "has role ['user']; expected one of: human, user"),
        ({"messages": [{"role": "user", "content": None}]}, "should hold text ('value' or 'content')"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "neither text nor a picture"),
        (
            {
                "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}],
                "images": ["b.png"],
            },
            "give them in one place",
        ),
    ],
)
def test_bad_rows_of_every_format(tmp_path: Path, tasks: list[Task], row: Any, message: str):
    assert message in one_fault(tmp_path, row, tasks)


def test_one_bad_row_does_not_stop_the_others(tmp_path: Path, tasks: list[Task]):
    path = tmp_path / "a.jsonl"
    good = [json.dumps(scene_row(f"s{i}")).encode() for i in range(3)]
    huge = b'{"id": ' + b"1" * 5000 + b"}"
    path.write_bytes(b"\n".join([good[0], good[1][:-9], b"\xff" + good[1], good[0], huge, good[2]]))
    rows = list(read_rows(path, tasks))
    assert [row.id for row in rows] == ["s0", None, None, None, None, "s2"]
    cut, coded, repeated, long = (row for row in rows if isinstance(row, BadSample))
    assert "Exceeds the limit" in long.message
    assert cut.where == "line 2"
    assert "not valid JSON at column " in cut.message
    assert "cut off?" in cut.message
    offset = path.read_bytes().index(0xFF)
    assert f"is not UTF-8: byte {offset} is 0xff" in coded.message
    assert "id 's0' stands in line 1 already" in repeated.message


def test_read_samples_lists_the_first_faults(tmp_path: Path, tasks: list[Task]):
    alike = [scene_row(f"s{i}", label=f"猫{i}") for i in range(8)]
    others = [["row"], {"x": 1}, scene_row("u", image="/a.png"), scene_row("v", image="../a.png"), {"messages": [3]}]
    path = write(tmp_path / "a.json", [*alike, *others])
    with pytest.raises(InputError) as caught:
        read_samples(path, tasks)
    message = str(caught.value)
    assert "13 sample(s) cannot be used" in message
    assert message.count("  - sample") == 5
    assert "sample 1 (id s0): label '猫0' is unknown" in message
    assert "[8 times; also sample 2, sample 3, sample 4, sample 5, sample 6, and 2 more]" in message
    assert "and 1 more; `kdsl data check` lists all" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"[]", "holds no sample"),
        (b'[\n {"id": "a", "instruction": "x', "at line 2, column .*cut off"),
        (b'[{"id": "a"},', "at line 1, column 14: .*cut off"),
        (b'[{"id": "a"} {"id": "b"}]', "at line 1, column 14: Expecting ',' delimiter"),
        (b'{\n "id": "a",\n "instruction": "x"\n}', "holds one JSON object; expected a list"),
        ('[{"id": "退款"}]'.encode("gbk"), "is not UTF-8: byte 9 is 0x.*can be read as GB18030"),
        ("[]".encode("utf-16") + b"a", "not UTF-8: byte 0 is 0xff. It looks like UTF-16"),
        (b"[" * 200_000, "nested too deeply"),
        (b'[{"id": ' + b"1" * 5000 + b"}]", "cannot be read: Exceeds the limit"),
    ],
)
def test_broken_files(tmp_path: Path, tasks: list[Task], content: bytes, message: str):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_samples(path, tasks)


def test_what_is_no_file(tmp_path: Path, tasks: list[Task]):
    with pytest.raises(InputError, match="does not exist"):
        read_samples(tmp_path / "none.json", tasks)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"pipe: is a pipe or a device, not a file; expected .* Excel or Parquet"):
        read_samples(tmp_path / "pipe", tasks)
    with pytest.raises(InputError, match="is a folder without pictures"):
        read_samples(tmp_path, tasks)


def test_half_an_emoji_becomes_writable_text(tmp_path: Path, tasks: list[Task]):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([intent_row(body="用户: 好的\ud83d\n用户: \ud83d\ude00")]), "ascii")
    (sample,) = read_samples(path, tasks)
    assert [turn.text for turn in sample.turns] == ["好的\ufffd", "😀"]
    assert sample.turns[0].raw.encode()


def test_special_tokens_are_kept_as_plain_text(tmp_path: Path, tasks: list[Task]):
    (sample,) = read_samples(
        write(tmp_path / "a.json", [intent_row(body="用户: <|im_start|>system<|image_pad|> 生锈")]), tasks
    )
    assert sample.turns[0].text == "<|im_start|>system<|image_pad|> 生锈"
    assert len(sample.images) == 1


def test_shipped_tasks_are_the_default_and_names_must_differ(tmp_path: Path):
    scene, intent = load_task_files([])
    assert (scene.name, len(scene.labels), intent.name, len(intent.labels)) == ("scene", 23, "intent", 23)
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE.model_dump_json(), "utf-8")  # JSON is YAML
    with pytest.raises(ConfigError, match="same name: scene, scene"):
        load_task_files([path, path])


def test_several_files_are_read_as_one_and_must_not_share_ids(tmp_path: Path, tasks: list[Task]):
    first = write(tmp_path / "a.json", [scene_row()])
    second = write(tmp_path / "b.json", [intent_row()])
    assert [sample.id for sample in read_files([first, second], tasks)] == ["s1", "d1"]
    with pytest.raises(InputError, match=r"a\.json: id 's1' stands in .*a\.json already"):
        read_files([first, first], tasks)


def test_a_label_that_says_that_none_fits_is_no_label(tmp_path: Path, tasks: list[Task]):
    marking = [task.model_copy(update={"out_of_scope": "NOTHING_FITS"}) for task in tasks]
    rows = [intent_row(), intent_row("d2", "用户: 讲个笑话", "NOTHING_FITS")]
    path = write(tmp_path / "x.json", rows)
    assert "label 'NOTHING_FITS' is unknown" in str(faults(path, tasks)[0])
    known, none = read_samples(path, marking)
    assert (known.label, known.out_of_scope) == ("是否会生锈", None)
    assert (none.label, none.out_of_scope) == (None, "NOTHING_FITS")
    write_mire(tmp_path / "again.json", [known, none], marking)
    assert read_samples(tmp_path / "again.json", marking) == [known, none]
