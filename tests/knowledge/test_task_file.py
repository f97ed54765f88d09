"""The draft of a task file: what it says of the data, and that it can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.own_shop import noise

from kdsl.cli.main import cli
from kdsl.data.readers import read_samples
from kdsl.errors import InputError
from kdsl.knowledge.task_file import draft_task_file
from kdsl.tasks import Task, load_task

ROWS = """text,label
where is my parcel,delay
my parcel has not arrived,delay
the parcel is late,delay
can you sing,delay
"money
back: # now\x07",yes
"""


def loaded(tmp_path: Path, text: str) -> Task:
    (tmp_path / "task.yaml").write_text(text, "utf-8")
    return load_task(tmp_path / "task.yaml")


def test_labels_counts_and_typical_samples(tmp_path: Path):
    (tmp_path / "shop.csv").write_text(ROWS, "utf-8")
    text = draft_task_file([tmp_path / "shop.csv"])
    assert "  # 4 samples, such as:\n" in text
    assert "  # 1 sample, such as:\n  #   money back: # now\n" in text
    assert "#   where is my parcel" in text
    assert "can you sing" not in text  # farther from the mean than the three about parcels
    task = loaded(tmp_path, text)
    assert (task.name, task.input, task.names) == ("shop", "dialogue", ("delay", "yes"))
    assert [label.descriptions for label in task.labels] == [(), ()]
    assert task.out_of_scope is None
    scoped = loaded(tmp_path, text.replace("# out_of_scope:", "out_of_scope:"))
    assert scoped.out_of_scope == "OTHER"
    described = text.replace("    description:", "    description: wird vermisst", 1)
    assert loaded(tmp_path, described).labels[0].descriptions == ("wird vermisst",)


def test_chats_end_with_their_label_unless_that_is_an_answer(tmp_path: Path):
    def chats(*pairs: tuple[str, str]) -> Path:
        rows = [{"conversations": [{"from": "human", "value": a}, {"from": "gpt", "value": b}]} for a, b in pairs]
        (tmp_path / "chats.json").write_text(json.dumps(rows), "utf-8")
        return tmp_path / "chats.json"

    path = chats(("where is my parcel", "delay"), ("it is late", "delay"), ("money back", "refund"))
    task = loaded(tmp_path, draft_task_file([path]))
    assert task.names == ("delay", "refund")
    assert [sample.label for sample in read_samples(path, [task])] == ["delay", "delay", "refund"]
    with pytest.raises(InputError, match="have no label that can be read"):
        draft_task_file([chats(("where is my parcel", "On its way."), ("money back", "Sent today."))])


def test_pictures_are_shown_by_their_names(tmp_path: Path):
    for number, name in enumerate(("apple/1.png", "pear/1.png")):
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        noise(number).save(tmp_path / "photos" / name)
    text = draft_task_file([tmp_path / "photos"])
    assert "#   apple/1.png" in text
    assert loaded(tmp_path, text).input == "picture"


def test_the_command_writes_and_does_not_overwrite(tmp_path: Path):
    (tmp_path / "shop.csv").write_text(ROWS, "utf-8")
    asked = ["tasks", "init", "--data", str(tmp_path / "shop.csv")]
    out = tmp_path / "tasks" / "shop.yaml"
    assert CliRunner().invoke(cli, [*asked, "--out", str(out)]).exit_code == 0
    assert load_task(out).names == ("delay", "yes")
    assert CliRunner().invoke(cli, asked).stdout == out.read_text("utf-8")
    refused = CliRunner().invoke(cli, [*asked, "--out", str(out)])
    assert isinstance(refused.exception, InputError)
    assert "give --out another name" in str(refused.exception)
