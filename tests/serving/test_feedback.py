"""Corrections: stored once, whatever happens, and read back by kdsl's own readers."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import re
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from helpers.own_shop import noise
from helpers.running import Running, running, said, serving
from hypothesis import given
from hypothesis import strategies as st

from kdsl.corrections.feedback import Correction, Feedback
from kdsl.corrections.store import StoreError
from kdsl.data.dialogue import clean_text
from kdsl.data.pictures import open_picture
from kdsl.data.readers import read_samples
from kdsl.errors import InputError
from kdsl.files import write_jsonl
from kdsl.serving.problems import Problem
from kdsl.serving.settings import ServerSettings
from kdsl.tasks import Label, Task

TASK = Task(
    name="shop",
    input="dialogue",
    prompt="?",
    labels=(Label(name="rust"), Label(name="refund"), Label(name="stock")),
    out_of_scope="none of these",
)
TASKS = {"shop": TASK}


def correction(number: int = 1, text: str = "会不会生锈", **others: Any) -> Correction:
    given: dict[str, Any] = {
        "request": f"r-{number}", "task": "shop", "turns": [("user", text)], "pictures": (), "label": "rust",
        "author": "li", "version": "v1",
    }  # fmt: skip
    return Correction(**given | others)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "feedback.sqlite"


@pytest.fixture
def feedback(file: Path) -> Feedback:
    return Feedback(file)


def test_the_same_request_is_stored_once(feedback: Feedback) -> None:
    assert feedback.add(correction(1)) == (1, True)
    assert feedback.add(correction(1)) == (1, False)
    with pytest.raises(InputError, match="another correction was sent as request 'r-1'"):
        feedback.add(correction(1, label="stock"))
    assert feedback.count() == 1


def test_of_several_corrections_of_a_sample_the_last_counts_until_it_is_undone(feedback: Feedback) -> None:
    for number, label in enumerate(("rust", "refund", "stock"), 1):
        feedback.add(correction(number, label=label))
    assert [row["output"] for row in feedback.export(TASKS)] == ["stock"]
    assert feedback.undo(3, "wang") is True
    assert feedback.undo(3, "wang") is False
    assert feedback.undo(99, "wang") is None
    assert [row["output"] for row in feedback.export(TASKS)] == ["refund"]
    for number in (1, 2):
        feedback.undo(number, "wang")
    assert list(feedback.export(TASKS)) == []


def test_an_export_goes_over_many_pages(feedback: Feedback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdsl.corrections.feedback.PAGE", 3)
    for number in range(10):
        feedback.add(correction(number, text=f"text {number}"))
    assert [row["feedback"]["number"] for row in feedback.export(TASKS)] == list(range(1, 11))


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    [
        "客服: 您好",
        "用户:\n客服:",
        "<image",
        "![](a.jpg)",
        '<img src="/etc/passwd">',
        "<img>a.jpg</img>",
        "Picture 1: x",
    ]
)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "agent"]), TEXTS), min_size=1, max_size=4)


@given(turns=TURNS, label=st.sampled_from(["rust", "refund", None]), shown=st.booleans())
def test_kdsls_readers_read_what_was_stored(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[Any, str]], label: str | None, shown: bool
) -> None:
    turns = [*turns, ("user", "so?")]
    folder = tmp_path_factory.mktemp("round")
    stream = BytesIO()
    noise(1).save(stream, "PNG")
    wanted = sum(text.count("<image>") for _, text in turns)
    feedback = Feedback(folder / "feedback.sqlite")
    prediction = {"label": "stock", "probability": 0.4, "version": "v1"} if shown else None
    pictures = [stream.getvalue()] * max(wanted, 1)
    feedback.add(correction(turns=turns, pictures=pictures, label=label, prediction=prediction))
    write_jsonl(folder / "rows.jsonl", feedback.export(TASKS))
    (sample,) = read_samples(folder / "rows.jsonl", [TASK])
    assert [(turn.role, turn.text) for turn in sample.turns] == [(role, clean_text(text)) for role, text in turns]
    assert (sample.task, sample.label) == ("shop", label)
    assert sample.out_of_scope == (None if label else "none of these")
    assert len(sample.images) == len(pictures)
    assert open_picture(folder, sample.images[0], 1).size == noise(1).size


def test_a_damaged_file_is_refused_in_words(file: Path, feedback: Feedback) -> None:
    for number in range(200):
        feedback.add(correction(number, text=f"text {number}" * 50))
    content = bytearray(file.read_bytes())
    content[4096 : 4096 * 3] = os.urandom(4096 * 2)
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"(?s)cannot be used for corrections.*Restore it from a backup"):
        Feedback(file)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 20, b"\0" * 5000])
def test_what_is_no_database_is_refused(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be used for corrections"):
        Feedback(file)
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE orders (id)")
    with pytest.raises(InputError, match="of another program"):
        Feedback(file)


def test_a_file_that_breaks_later_costs_no_answer_but_its_own(file: Path, feedback: Feedback) -> None:
    feedback.add(correction(1))
    for each in file.parent.iterdir():
        each.unlink()
    file.mkdir()
    with pytest.raises(StoreError, match="cannot be read or written now"):
        feedback.add(correction(2))


def test_a_full_disk_stores_nothing_and_says_so(file: Path, feedback: Feedback) -> None:
    feedback.add(correction(1))
    with sqlite3.connect(file) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]

    class Full(Feedback):
        """SQLite's own limit of pages stands for the disk's: the error is the same one."""

        def _connect(self) -> sqlite3.Connection:
            connection = super()._connect()
            connection.execute(f"PRAGMA max_page_count = {pages + 1}")
            return connection

    full = Full(file)
    with pytest.raises(StoreError):
        full.add(correction(2, pictures=[os.urandom(100_000)]))
    assert feedback.count() == 1
    assert feedback.add(correction(2)) == (2, True)


def _add_many(file: Path, start: int, count: int) -> None:
    feedback = Feedback(file)
    for number in range(start, start + count):
        feedback.add(correction(number, text=f"text {number}"))


def test_two_servers_write_one_file_and_lose_nothing(file: Path) -> None:
    """The file is made by whoever comes first, too."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add_many, args=(file, 1000 * number, 30)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    rows = list(Feedback(file).export(TASKS))
    assert len({row["id"] for row in rows}) == len(rows) == 60


def _add_until_killed(file: Path, told: Any) -> None:
    feedback = Feedback(file)
    for number in range(100_000):
        feedback.add(correction(number, text=f"text {number}", pictures=[b"%d" % number * 2000]))
        told.send(number)


def test_a_kill_in_the_middle_of_a_write_loses_nothing_that_was_answered(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for round in range(2):
        ours, theirs = context.Pipe()
        writer = context.Process(target=_add_until_killed, args=(file, theirs))
        writer.start()
        while (answered := ours.recv()) < 20 * (round + 1):
            pass
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        while ours.poll():
            answered = ours.recv()
        rows = list(Feedback(file).export(TASKS))
        numbers = [int(row["instruction"].split("text ")[1].split()[0]) for row in rows]
        assert numbers[: answered + 1] == list(range(answered + 1))
        assert len(numbers) == len(set(numbers))


@pytest.fixture
def server_of_one(light: Path, tmp_path: Path) -> Iterator[Running]:
    with running(ServerSettings(light, state=tmp_path / "state")) as started:
        yield started


def rows_of(started: Running) -> list[Mapping[str, Any]]:
    answer = started.client.get("/v1/feedback")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_correction_over_http_with_its_picture_note_and_what_was_shown(server_of_one: Running) -> None:
    client, stream = server_of_one.client, BytesIO()
    noise(2).save(stream, "JPEG")
    picture = base64.b64encode(stream.getvalue()).decode()
    sample = said("<image>", "这个还有吗", pictures=[picture])
    predicted = client.post("/v1/predict", json=sample).json()
    shown = {name: predicted["prediction"][name] for name in ("label", "probability")}
    body = {
        "sample": sample,
        "label": "stock",
        "note": "问的是库存",
        "shown": shown | {"version": predicted["model"]["version"]},
    }
    stored = client.post("/v1/feedback", json=body, headers={"X-Request-Id": "f-1"})
    assert stored.json() == {"number": 1, "new": True, "request_id": "f-1"}
    again = client.post("/v1/feedback", json=body, headers={"X-Request-Id": "f-1"})
    assert again.json() == {"number": 1, "new": False, "request_id": "f-1"}
    (row,) = rows_of(server_of_one)
    assert row["output"] == "stock"
    assert row["feedback"]["note"] == "问的是库存"
    assert row["feedback"]["prediction"] == body["shown"]
    assert row["feedback"]["version"] == predicted["model"]["version"]
    assert row["image"] == [f"data:image/jpeg;base64,{picture}"]
    assert client.post("/v1/feedback/1/undo").json() == {"number": 1, "counted": True}
    assert rows_of(server_of_one) == []
    assert client.post("/v1/feedback/2/undo").status_code == 404
    assert re.search(r"kdsl_feedback_total\{.*\} 1\.0", client.get("/metrics").text)


def test_corrections_that_cannot_be_meant_are_refused(server_of_one: Running) -> None:
    for body, what in (
        ({"sample": said("hi"), "label": "rsut"}, "Did you mean rust?"),
        ({"sample": {}, "label": "rust"}, "give `turns`"),
        ({"sample": said("<image>"), "label": "rust"}, "1 <image>"),
        ({"sample": said("hi", task="other"), "label": "rust"}, "other"),
    ):
        answer = server_of_one.client.post("/v1/feedback", json=body)
        assert answer.status_code == 422
        assert what in answer.json()["detail"]
    assert rows_of(server_of_one) == []


def test_a_file_that_breaks_while_it_is_served_is_no_fault_of_the_request(light: Path, tmp_path: Path) -> None:
    with running(ServerSettings(light, state=tmp_path)) as started:
        client = started.client
        assert client.post("/v1/feedback", json={"sample": said("hi"), "label": "refund"}).status_code == 200
        for file in tmp_path.glob("feedback.sqlite*"):
            file.write_bytes(b"no database" * 1000)
        asked = [client.get(path) for path in ("/v1/feedback", "/v1/queue", "/v1/refit")]
        asked += [client.post("/v1/feedback", json={"sample": said("hi")}), client.post("/v1/feedback/1/undo")]
        for answer in asked:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10"), answer.text
        assert client.post("/v1/predict", json=said("money back")).status_code == 200


def test_no_room_on_the_disk_is_no_fault_of_the_request(server_of_one: Running) -> None:
    def write() -> None:
        try:
            Path("/dev/full").write_text("candidate")
        except OSError as error:
            raise InputError(f"refit.json: cannot be written: {error.strerror}") from error

    with pytest.raises(Problem, match="cannot be written") as told, server_of_one.services.told():
        write()
    assert told.value.status_code == 507


def test_a_server_that_was_killed_has_every_correction_that_it_answered(light: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(light, tmp_path / "log", "--state", str(state)) as started:
        for number in range(5):
            body = {"sample": said(f"text {number}"), "label": "rust"}
            assert started.client.post("/v1/feedback", json=body).status_code == 200
        started.kill()
    assert [row["feedback"]["number"] for row in Feedback(state / "feedback.sqlite").export({})] == [1, 2, 3, 4, 5]
