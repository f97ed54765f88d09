"""The queue: the most doubtful first, each once, gone when labelled and back when that is undone, and bounded."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.corrected_shop import correction

from kdsl.cli.main import cli
from kdsl.corrections import queue as module
from kdsl.corrections.ask import export_tasks
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.queue import Asked, Queue
from kdsl.corrections.uncertain import Doubt
from kdsl.data.prediction import Prediction, Spend, Trace, Vote
from kdsl.errors import InputError
from kdsl.tasks import Label, Task


def prediction(first: float = 0.9, *, abstained: bool = False, against: float = 0.0, label: str = "rust") -> Prediction:
    votes = {
        "lexical": Vote(weight=1 - against, top=((label, 0.9),)),
        "semantic": Vote(weight=against, top=(("stock", 0.9),)),
        "rules": Vote(weight=5.0, top=()),
    }
    return Prediction(
        id="a", task="shop", label=label, probability=first, distribution={label: first, "stock": 1 - first},
        abstained=abstained, spend=Spend(calls=0, output_tokens=0, parameters=0),
        trace=Trace(experts=votes), versions={},
    )  # fmt: skip


def asked(text: str = "会不会生锈", found: Prediction | None = None, **others: Any) -> Asked:
    given: dict[str, Any] = {"task": "shop", "turns": [("user", text)], "pictures": (), "version": "v1", "name": text}
    return Asked(**given | {"prediction": found or prediction(0.5)} | others)


@pytest.fixture
def queue(tmp_path: Path, feedback: Feedback) -> Queue:
    return Queue(tmp_path / "queue.sqlite", feedback)


def names(queue: Queue, **given: Any) -> list[str]:
    return [item.name for item in queue.open(**given)[1]]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (prediction(0.9, abstained=True), "asks"),
        (prediction(0.55), "close"),
        (prediction(0.9, against=0.7), "disagree"),
        (prediction(0.9, against=0.3), "sure"),
    ],
)
def test_what_there_is_to_doubt(found: Prediction, why: str) -> None:
    assert Doubt.of(found).why == why


def test_an_expert_that_abstains_is_for_no_other_label() -> None:
    assert Doubt.of(prediction(0.9, against=0.25)).disagreement == pytest.approx(0.25)


def test_the_most_doubtful_stands_first(queue: Queue) -> None:
    given = {
        "sure": prediction(0.99), "disagree": prediction(0.9, against=0.8), "close": prediction(0.58),
        "closer": prediction(0.51), "asks": prediction(0.7, abstained=True),
        "asks more": prediction(0.6, abstained=True),
    }  # fmt: skip
    assert queue.add([asked(name, found) for name, found in given.items()], "file") == 6
    assert names(queue) == ["asks more", "asks", "closer", "close", "disagree", "sure"]
    assert names(queue, limit=2) == ["asks more", "asks"]
    assert queue.open("other") == (0, [])


def test_a_sample_stands_once_with_its_newest_prediction(queue: Queue) -> None:
    queue.add([asked(found=prediction(0.5))], "served")
    assert queue.add([asked(found=prediction(0.6), version="v2")], "served") == 0
    (item,) = queue.open()[1]
    assert (item.version, item.prediction.probability) == ("v2", 0.6)


def test_a_labelled_sample_is_gone_and_comes_back_when_that_is_undone(queue: Queue, feedback: Feedback) -> None:
    queue.add([asked("会不会生锈"), asked("在吗")], "file")
    number, _ = feedback.add(correction(1, "在吗", None))
    assert queue.open()[0] == 1
    assert names(queue) == ["会不会生锈"]
    feedback.undo(number, "li")
    assert queue.open()[0] == 2


def test_what_a_server_kept_is_bounded_in_number_and_the_rest_is_not(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SERVED", 3)
    queue.add([asked("by hand")], "file")
    for number in range(5):
        queue.add([asked(f"served {number}")], "served")
    assert sorted(names(queue)) == ["by hand", "served 2", "served 3", "served 4"]


def test_what_a_server_kept_is_bounded_in_bytes_with_its_pictures(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2500)
    for number in range(14):
        queue.add([asked(f"s{number}", pictures=[bytes([number]) * 1000])], "served")
    left = queue.open()[1]
    assert 0 < len(left) <= 2
    for item in left:
        assert len(queue.picture(item.pictures[0])) == 1000


def test_what_a_server_kept_goes_after_its_time(queue: Queue, tmp_path: Path) -> None:
    queue.add([asked("old"), asked("given", name="given")], "served")
    with sqlite3.connect(tmp_path / "queue.sqlite") as connection:
        connection.execute("UPDATE items SET time = '2020-01-01T00:00:00+00:00' WHERE name = 'old'")
    queue.add([asked("new")], "served")
    assert sorted(names(queue)) == ["given", "new"]


def test_what_a_server_kept_and_a_person_put_in_too_stays(queue: Queue, tmp_path: Path) -> None:
    queue.add([asked(name="")], "served")
    assert queue.add([asked(name="s-17")], "file") == 0
    queue.add([asked(name="")], "served")
    with sqlite3.connect(tmp_path / "queue.sqlite") as connection:
        connection.execute("UPDATE items SET time = '2020-01-01T00:00:00+00:00'")
    queue.add([asked("new")], "served")
    assert sorted(names(queue)) == ["new", "s-17"]


def test_a_cleared_queue_holds_no_text_of_anybody(queue: Queue, tmp_path: Path) -> None:
    queue.add([asked("my secret address", pictures=[b"secret picture"])], "served")
    assert queue.clear() == 1
    assert queue.open() == (0, [])
    with sqlite3.connect(tmp_path / "queue.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"secret" not in (tmp_path / "queue.sqlite").read_bytes()


def test_a_file_of_corrections_is_no_queue(tmp_path: Path, feedback: Feedback) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"not a database at all, but long enough to be one" * 20)
    with pytest.raises(InputError, match="cannot be used for samples to label"):
        Queue(tmp_path / "queue.sqlite", feedback)


@pytest.mark.parametrize(
    "words",
    [["list"], ["clear", "--yes"], ["export", "--bundle", "shop", "--out", "out"], ["import", "x", "--bundle", "b"]],
)
def test_a_state_folder_that_is_not_there_is_no_empty_queue(tmp_path: Path, words: list[str]) -> None:
    missing = tmp_path / "shop.stat"
    found = CliRunner().invoke(cli, ["queue", *words, "--state", str(missing)])
    assert isinstance(found.exception, InputError)
    assert "shop.stat: is no folder" in str(found.exception)
    assert not missing.exists()


def test_what_customers_write_cannot_steer_a_terminal(queue: Queue, tmp_path: Path) -> None:
    queue.add([asked("\x1b[31mred")], "file")
    listed = CliRunner().invoke(cli, ["queue", "list", "--state", str(tmp_path)], color=True)
    assert "\N{REPLACEMENT CHARACTER}[31mred" in listed.output


def test_an_export_for_another_bundle_says_what_the_queue_holds(queue: Queue, tmp_path: Path) -> None:
    other = Task(name="colours", input="dialogue", prompt="?", labels=(Label(name="red"), Label(name="blue")))
    with pytest.raises(InputError, match=r"waits to be labelled\.$"):
        export_tasks(queue, [other], tmp_path / "out")
    queue.add([asked()], "file")
    with pytest.raises(InputError, match=r"It holds samples of shop, no task of this bundle\."):
        export_tasks(queue, [other], tmp_path / "out")


def test_a_task_that_the_queue_does_not_hold_is_told(queue: Queue, tmp_path: Path) -> None:
    queue.add([asked()], "file")
    listed = [
        CliRunner().invoke(cli, ["queue", "list", "--state", str(tmp_path), "--task", task]) for task in ("shop", "shp")
    ]
    assert "holds no sample" not in listed[0].output
    assert "0 samples wait\nThe queue holds no sample of a task 'shp'; it holds samples of shop.\n" in listed[1].output
