"""A task made of the data: when, of what, and what is said about it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from helpers.own_shop import SCENE, intent_row, scene_row, write

from kdsl.data.own_task import found_in, note_descriptions, own_task, tasks_for
from kdsl.data.readers import load_task_files, read_samples
from kdsl.data.sample import Sample
from kdsl.data.trainable import check_fit
from kdsl.errors import InputError
from kdsl.tasks import Label, Task


@pytest.fixture
def shipped() -> list[Task]:
    return load_task_files([])


def saved(tmp_path: Path, text: str, name: str = "shop.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_labels_of_its_own_make_a_task(tmp_path: Path, shipped: list[Task], caplog: pytest.LogCaptureFixture):
    path = saved(tmp_path, "text,label\nwhere is it,delay\nmoney back,refund\nstill not here,delay\n", "Shop 2.csv")
    with caplog.at_level(logging.INFO, "kdsl"):
        (task,) = tasks_for([path], shipped)
    assert (task.name, task.input, task.names) == ("shop-2", "dialogue", ("delay", "refund"))
    assert "task 'shop-2' is made of them (dialogues, 3 samples, 2 labels: delay 2, refund 1)" in caplog.text
    assert [sample.label for sample in read_samples(path, [task])] == ["delay", "refund", "delay"]


@pytest.mark.parametrize(
    ("file", "name"),
    [("购物.csv", "task"), ("2024.csv", "task-2024"), ("intent.csv", "own-intent"), ("A_b.csv", "a_b")],
)
def test_the_name_is_that_of_the_file_made_valid(tmp_path: Path, shipped: list[Task], file: str, name: str):
    (task,) = tasks_for([saved(tmp_path, "text,label\na,x\nb,y\n", file)], shipped)
    assert task.name == name


def test_a_table_of_pictures_makes_a_task_of_pictures(tmp_path: Path, shipped: list[Task]):
    path = saved(tmp_path, "image,label\na.png,apple\nb.png,pear\n")
    (task,) = tasks_for([path], shipped)
    assert task.input == "picture"
    assert [sample.images for sample in read_samples(path, [task])] == [("a.png",), ("b.png",)]


@pytest.mark.parametrize(("header", "part"), [("question,label", "text"), ("text,topic", "label")])
def test_a_column_under_another_name_is_to_be_named(tmp_path: Path, shipped: list[Task], header: str, part: str):
    path = saved(tmp_path, f"{header}\nwhere is it,delay\nmoney back,refund\n")
    with pytest.raises(InputError, match=f"name it as the {part}'s column"):
        check_fit(read_samples(path, tasks_for([path], shipped)), shipped, 2, 17)
    with pytest.raises(InputError, match=r"have no label that can be read; .* name it as the label's column"):
        own_task("shop", found_in([path]))


def test_one_label_is_none_to_tell_apart(tmp_path: Path, shipped: list[Task]):
    path = saved(tmp_path, "text,label\nmoney back,refund\nrefund me,refund\nhello,\n")
    with pytest.raises(InputError, match=r"'shop' have only the label 'refund' \(2 of them\); a task needs two labels"):
        tasks_for([path], shipped)
    misspelt = shipped[1].names[0] + "x"
    assert tasks_for([saved(tmp_path, f"text,label\na,{misspelt}\n")], shipped) == shipped
    named = write(tmp_path / "a.json", [scene_row() | {"task": "scene"}, intent_row("2", label="refund")])
    assert tasks_for([named], shipped) == shipped


def test_the_challenges_rows_may_have_other_labels(tmp_path: Path, shipped: list[Task]):
    rows = [scene_row("1", "apple"), scene_row("2", "pear")]
    assert tasks_for([write(tmp_path / "photos.json", rows)], shipped)[0].input == "picture"
    rows = [intent_row("1", label="apple"), intent_row("2", label="pear")]
    assert tasks_for([write(tmp_path / "talks.json", rows)], shipped)[0].input == "dialogue"


def test_known_labels_none_or_another_task_leave_the_tasks_alone(tmp_path: Path, shipped: list[Task]):
    known = write(tmp_path / "a.json", [scene_row(), intent_row()])
    assert tasks_for([known], shipped) == shipped
    assert tasks_for([saved(tmp_path, "text,label\nhello,\n")], shipped) == shipped
    assert tasks_for([saved(tmp_path, "text,label\na,x\nb,y\n")], [SCENE]) == [SCENE]


def test_unknown_labels_among_known_ones_are_refused_as_before(tmp_path: Path, shipped: list[Task]):
    path = write(tmp_path / "a.json", [intent_row("1"), intent_row("2", label="apple")])
    with pytest.raises(InputError, match=r"label 'apple' is unknown to task 'intent'.*kdsl tasks init.*`task_file`"):
        read_samples(path, tasks_for([path], shipped))


def test_data_that_makes_no_task(tmp_path: Path, shipped: list[Task]):
    with pytest.raises(InputError, match=r"holds pictures alone and texts.* write `user: <image>` in the text of"):
        tasks_for([saved(tmp_path, "text,image,label\na,,x\n,b.png,y\n")], shipped)
    (made,) = tasks_for([saved(tmp_path, "text,image,label\na,,x\nuser: <image>,b.png,y\n")], shipped)
    assert made.input == "dialogue"
    with pytest.raises(InputError, match=r"have only the label 'x' \(2 of them\); a task needs two"):
        own_task("shop", found_in([saved(tmp_path, "text,label\na,x\nb,x\n")]))
    named = saved(tmp_path, "task,text,label\nmood,a,x\nwish,b,y\nmood,c,y\n")
    with pytest.raises(InputError, match=r"rows of 'shop' name their task \(mood, wish\)"):
        own_task("shop", found_in([named]))
    assert tasks_for([named], shipped) == shipped


def test_samples_in_memory_make_a_task_too(shipped: list[Task]):
    (task,) = tasks_for([Sample.dialogue(["hi"], label="a"), Sample.dialogue(["ho"], label="b")], shipped)
    assert (task.name, task.names) == ("samples", ("a", "b"))


def test_a_label_of_one_sample_that_may_be_misspelt_is_noted(
    tmp_path: Path, shipped: list[Task], caplog: pytest.LogCaptureFixture
):
    path = saved(tmp_path, "text,label\na,发货时间\nb,发货时间\nc,发货时问\nd,退款\ne,refund\n")
    with caplog.at_level(logging.WARNING, "kdsl"):
        tasks_for([path], shipped)
    (record,) = caplog.records
    assert "one sample alone has the label '发货时问'. Did you mean 发货时间?" in record.getMessage()


def test_missing_descriptions_are_noted(caplog: pytest.LogCaptureFixture):
    labels = (Label(name="a", description="ein Wort"), Label(name="b"))
    with caplog.at_level(logging.INFO, "kdsl"):
        note_descriptions([Task(name="x", input="dialogue", prompt="?", labels=labels), SCENE])
    assert "1 of 2 labels of task 'x' have no description" in caplog.text
    assert "scene" not in caplog.text
