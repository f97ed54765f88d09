"""To Label Studio and back: its interface, its tasks with predictions, and its export as corrections, each once."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from helpers.own_shop import noise

from kdsl.corrections.feedback import Feedback
from kdsl.corrections.label_studio import content_of, interface, names_in, none_fits, read_export, sample_in, task_of
from kdsl.corrections.queue import Queue
from kdsl.data.readers import read_samples
from kdsl.errors import InputError
from kdsl.files import write_json
from kdsl.tasks import Label, Task

from .test_queue import asked, prediction

SHOP = Task(
    name="shop",
    input="dialogue",
    prompt="?",
    labels=(Label(name="rust", en='asks about <rust> & "stains"'), Label(name="stock"), Label(name="退款")),
)


SAID = (("agent", "您好"), ("user", "<image>这个呢"))


def png(seed: int) -> bytes:
    stream = BytesIO()
    noise(seed).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def tasks(tmp_path: Path, feedback: Feedback) -> list[dict[str, Any]]:
    """Three tasks: a text, a dialogue with a picture, and a text with what HTML would take for its own."""
    queue = Queue(tmp_path / "queue.sqlite", feedback)
    queue.add(
        [
            asked("会不会生锈", prediction(0.7)),
            asked(
                "", prediction(0.6), turns=[("agent", "您好"), ("user", "<image>这个呢")], pictures=[png(1)], name="d"
            ),
            asked("<script>alert(1)</script>\n& so on", prediction(0.55)),
        ],
        "file",
    )
    return [task_of(item, queue.picture) for item in queue.open()[1]][::-1]


def labelled(task: dict[str, Any], id: int, label: str | None, **others: Any) -> dict[str, Any]:
    """A task as Label Studio 1.23 exports it once somebody has labelled it."""
    result = [] if label is None else [
        {"id": "x1", "type": "choices", "origin": "manual", "from_name": "label", "to_name": "sample",
         "value": {"choices": [label]}}
    ]  # fmt: skip
    annotation = {
        "id": 10 + id, "completed_by": 3, "result": result, "was_cancelled": False, "ground_truth": False,
        "created_at": "2026-11-27T17:00:00.000000Z", "updated_at": f"2026-11-27T17:0{id}:00.000000Z", "lead_time": 2.5,
        "unique_id": f"5f0c-{id}", "task": id, "project": 1, "parent_prediction": None,
    }  # fmt: skip
    return {
        "id": id, "annotations": [annotation | others], "file_upload": "shop.json", "drafts": [],
        "predictions": [{"id": id, **task["predictions"][0]}], "data": task["data"], "meta": {}, "inner_id": id,
        "total_annotations": 1, "cancelled_annotations": 0, "project": 1, "updated_by": 3,
    }  # fmt: skip


def test_the_interface_offers_every_label_and_that_none_fits() -> None:
    view = ElementTree.fromstring(interface(SHOP))
    assert [choice.get("value") for choice in view.iter("Choice")] == ["rust", "stock", "退款", "(none of these)"]
    assert next(view.iter("Choice")).get("hint") == 'asks about <rust> & "stains"'
    shown, chosen = next(view.iter("HyperText")), next(view.iter("Choices"))
    assert chosen.get("toName") == shown.get("name")
    assert names_in(interface(SHOP)) == (chosen.get("name"), shown.get("name"))


def test_the_choice_of_none_is_never_a_label() -> None:
    odd = Task(name="odd", input="dialogue", prompt="?", labels=(Label(name="(none of these)"), Label(name="b")))
    assert none_fits(odd) not in odd.names


def test_a_label_that_xml_cannot_hold_is_told() -> None:
    odd = SHOP.model_copy(update={"labels": (*SHOP.labels, Label.model_construct(name="a\x01b", zh="", en=""))})
    with pytest.raises(InputError, match="holds a character that Label Studio's interface cannot hold"):
        interface(odd)


def test_a_task_shows_the_sample_and_has_a_prediction_with_a_score(tasks: list[dict[str, Any]]) -> None:
    text, dialogue, hostile = tasks
    assert text["predictions"][0]["score"] == 0.7
    assert text["predictions"][0]["result"][0]["value"] == {"choices": ["rust"]}
    assert dialogue["data"]["html"].index("您好") < dialogue["data"]["html"].index('<img src="data:image/png;base64,')
    assert "<script>" not in hostile["data"]["html"]
    assert "&lt;script&gt;" in hostile["data"]["html"]


def test_the_content_comes_back_as_it_was_sent(tasks: list[dict[str, Any]]) -> None:
    found = content_of(tasks[1]["data"])
    assert found.turns == SAID
    assert found.pictures == (png(1),)
    assert [turn.role for turn in sample_in(tasks[1]["data"]).turns] == ["agent", "user"]
    assert sample_in({"text": "在吗"}).turns[0].text == "在吗"


def test_an_export_becomes_corrections_once(tasks: list[dict[str, Any]], tmp_path: Path, feedback: Feedback) -> None:
    file = tmp_path / "export.json"
    write_json(
        file, [labelled(tasks[0], 1, "stock"), labelled(tasks[1], 2, "(none of these)"), labelled(tasks[2], 3, None)]
    )
    found = read_export(file, [SHOP], "v9")
    assert (len(found.corrections), found.unlabelled, found.disputed) == (2, 1, 0)
    assert [feedback.add(one)[1] for one in found.corrections] == [True, True]
    assert [feedback.add(one)[1] for one in read_export(file, [SHOP], "v10").corrections] == [False, False]
    rows = list(feedback.export({"shop": SHOP}))
    assert [row["output"] for row in rows] == ["stock", ""]
    assert rows[0]["feedback"]["author"] == "label-studio:3"
    assert rows[0]["feedback"]["prediction"] == {"label": "rust", "probability": 0.7, "version": "v1"}


def test_an_annotation_that_was_changed_is_another_correction(
    tasks: list[dict[str, Any]], tmp_path: Path, feedback: Feedback
) -> None:
    file = tmp_path / "export.json"
    for label, time in (("stock", "17:01"), ("rust", "17:02"), ("stock", "17:03")):
        write_json(file, [labelled(tasks[0], 1, label, updated_at=f"2026-11-27T{time}:00Z")])
        (one,) = read_export(file, [SHOP], "v1").corrections
        assert feedback.add(one)[1]
        assert [row["output"] for row in feedback.export({"shop": SHOP})] == [label]


def test_of_two_who_disagree_the_later_counts_and_it_is_told(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    task = labelled(tasks[0], 2, "stock", completed_by={"id": 3, "email": "li@shop.example"})
    task["annotations"] += labelled(tasks[0], 1, "rust")["annotations"]
    write_json(tmp_path / "export.json", [task])
    found = read_export(tmp_path / "export.json", [SHOP], "v1")
    assert [one.label for one in found.corrections] == ["rust", "stock"]
    assert found.corrections[-1].author == "label-studio:li@shop.example"
    assert found.disputed == 1


def test_cancelled_annotations_are_left_out(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    write_json(tmp_path / "export.json", [labelled(tasks[0], 1, "stock", was_cancelled=True)])
    assert read_export(tmp_path / "export.json", [SHOP], "v1").corrections == ()


def chosen_in(task: dict[str, Any]) -> dict[str, Any]:
    """The value of a task's one annotation."""
    value: dict[str, Any] = task["annotations"][0]["result"][0]["value"]
    return value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda task: task["data"]["messages"][0].update(content="other"), "was changed since kdsl wrote it"),
        (lambda task: task["data"].pop("kdsl"), "is no task that kdsl wrote"),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].update(choices=["gone"]),
            "expected one label of task",
        ),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].update(choices=["rust", "stock"]),
            "expected one label",
        ),
        (lambda task: task.pop("annotations"), "is not as Label Studio exports it"),
        (lambda task: task["data"].update(images=["https://elsewhere/x.png"]), "was changed|not in base64"),
    ],
)
def test_a_task_that_cannot_be_used_is_told_and_nothing_is_read(
    tasks: list[dict[str, Any]], tmp_path: Path, change: Any, said: str
) -> None:
    bad = json.loads(json.dumps(labelled(tasks[0], 1, "stock")))
    change(bad)
    write_json(tmp_path / "export.json", [labelled(tasks[1], 2, "rust"), bad])
    with pytest.raises(InputError, match=f"(?s)1 of 2 tasks cannot be used.*task 2.*({said})"):
        read_export(tmp_path / "export.json", [SHOP], "v1")


@pytest.mark.parametrize("content", ["{", "{}", "3"])
def test_what_is_no_export_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "export.json").write_text(content, "utf-8")
    with pytest.raises(InputError, match=r"not valid JSON|a list of tasks"):
        read_export(tmp_path / "export.json", [SHOP], "v1")


def test_what_label_studio_itself_exported_is_read(feedback: Feedback) -> None:
    """Made by Label Studio 1.23.2: `kdsl queue export`, imported, two of three tasks annotated, exported as JSON."""
    file = Path(__file__).with_name("data") / "label_studio_1_23_2.json"
    task = Task(name="shop", input="dialogue", prompt="?", labels=tuple(map(_label, ("refund", "rust", "stock"))))
    found = read_export(file, [task], "v1")
    assert [(one.turns[0][1], one.label) for one in found.corrections] == [("hello there", "stock"), ("几天能到", None)]
    assert {one.author for one in found.corrections} == {"label-studio:1"}
    shown = found.corrections[0].prediction
    assert shown == {"label": "rust", "probability": 0.457808, "version": "3e096cef223742e4"}
    assert found.unlabelled == 1
    assert [feedback.add(one)[1] for one in found.corrections * 2] == [True, True, False, False]


def _label(name: str) -> Label:
    return Label(name=name)


def test_kdsls_own_reader_reads_the_export_too(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    write_json(tmp_path / "export.json", [labelled(tasks[0], 1, "stock"), labelled(tasks[1], 2, "rust")])
    first, second = read_samples(tmp_path / "export.json", [SHOP])
    assert (first.label, [turn.text for turn in first.turns]) == ("stock", ["会不会生锈"])
    assert (second.label, len(second.images)) == ("rust", 1)
