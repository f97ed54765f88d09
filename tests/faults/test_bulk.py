"""A bulk run that is killed, or whose disk is full, or whose processes die, ends as one that is left in peace."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers.light_shop import asked, asked_file
from helpers.quotas import own_environment
from helpers.waiting import until

from kdsl import Recognizer
from kdsl.data.prediction import Prediction, bad_file, read_predictions
from kdsl.ensemble.predict_file import predict_file
from kdsl.errors import InputError

ROWS, BAD = 160, (5, 77, 159)
HELPERS = Path(__file__).parents[1] / "helpers"


@pytest.fixture(scope="module")
def whole(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Prediction]:
    """What an undisturbed run says of each sample, in the order of the file."""
    folder = tmp_path_factory.mktemp("whole")
    with Recognizer.load(fitted) as recognizer:
        found = recognizer.predict_file(asked_file(folder / "in.jsonl", ROWS, BAD), folder / "out.jsonl")
    assert (found.predicted, found.failed) == (ROWS - len(BAD), len(BAD))
    lines = [line for line in read_predictions(folder / "out.jsonl") if isinstance(line, Prediction)]
    assert [line.id for line in lines] == [f"r{number}" for number in range(ROWS) if number not in BAD]
    return {line.id: line for line in lines}


def check(out: Path, whole: dict[str, Prediction]) -> None:
    """Every sample has its prediction once, in its place, and every bad row is set aside once."""
    lines = list(read_predictions(out))
    found = [line for line in lines if isinstance(line, Prediction)]
    assert [line.id for line in found] == list(whole)
    for line in found:
        assert line.label == whole[line.id].label
        assert line.distribution == pytest.approx(whole[line.id].distribution, abs=1e-4)
    assert [line.id for line in lines if not isinstance(line, Prediction)] == [f"line {n + 1}" for n in BAD]
    left = {path.name for path in out.parent.iterdir()} - {"in.jsonl", f".{out.name}.lock"}
    assert left == {out.name, bad_file(out).name}


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_twenty_kills_lose_nothing_and_double_nothing(
    fitted: Path, tmp_path: Path, whole: dict[str, Prediction], name: str
) -> None:
    data, out = asked_file(tmp_path / "in.jsonl", ROWS, BAD), tmp_path / name
    words = [sys.executable, str(HELPERS / "killed_bulk.py"), str(fitted), str(data), str(out), "20"]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", env=own_environment())
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout)
    assert set(killed) == {"before", "torn", "after", "replace", "replaced"}
    assert sum(killed.values()) == (18 if name == "out.jsonl" else 20)  # of lines in order no file is replaced
    check(out, whole)


def test_a_process_that_is_killed_costs_nothing_and_the_command_takes_its_processes_along(
    fitted: Path, tmp_path: Path, whole: dict[str, Prediction]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    data, out, go = asked_file(folder / "in.jsonl", ROWS, BAD), folder / "out.jsonl", tmp_path / "go"
    waiting = tmp_path / "go.waiting"
    words = [sys.executable, str(HELPERS / "halted_bulk.py"), str(go), "predict", "--bundle", str(fitted)]
    words += ["--data", str(data), "--out", str(out), "--workers", "2"]
    for kill in ("command", "worker"):
        with subprocess.Popen(words, stderr=subprocess.PIPE, env=own_environment()) as process:
            until(lambda: waiting.exists() or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            children = psutil.Process(process.pid).children()
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            assert len(workers) == 2
            (process if kill == "command" else workers[0]).send_signal(signal.SIGKILL)
            if kill == "command":
                process.wait()
                waiting.unlink()
            else:
                go.touch()
            _, said = process.communicate()
        assert process.returncode == (-signal.SIGKILL if kill == "command" else 2), said
        until(lambda workers=workers: not any(map(alive, workers)))
    check(out, whole)


def alive(process: psutil.Process) -> bool:
    """Whether it still does something: who has adopted it may not have taken note of its end."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    fitted: Path, tmp_path: Path, whole: dict[str, Prediction], quota: Callable[[int], None], name: str
) -> None:
    data, out = asked_file(tmp_path / "in.jsonl", ROWS, BAD), tmp_path / name
    with Recognizer.load(fitted) as recognizer:
        recognizer.predict_file(data, tmp_path / "warm.jsonl")  # models and caches are there
        for path in (tmp_path / "warm.jsonl", tmp_path / "warm.bad.jsonl", tmp_path / ".warm.jsonl.lock"):
            path.unlink()
        for size in (20_000, 60_000):
            quota(size)
            with pytest.raises(InputError, match=r"cannot be written: File too large.*run the same command again"):
                recognizer.predict_file(data, out)
        quota(resource.RLIM_INFINITY)
        found = recognizer.predict_file(data, out)
    assert found.kept > 10
    check(out, whole)


def test_a_full_disk_at_the_end_leaves_what_was_there(
    fitted: Path, tmp_path: Path, whole: dict[str, Prediction], quota: Callable[[int], None]
) -> None:
    """The lines have to be put in order, or made into Parquet, and there is no room for a second file."""
    data, out = asked_file(tmp_path / "in.jsonl", ROWS, BAD), tmp_path / "out.jsonl"
    with Recognizer.load(fitted) as recognizer:
        recognizer.predict_file(data, out)
        lines = out.read_bytes().splitlines(keepends=True)
        out.write_bytes(b"".join(reversed(lines)))
        quota(len(lines[0]) * 20)
        with pytest.raises(InputError, match="cannot be written"):
            recognizer.predict_file(data, out)
        quota(resource.RLIM_INFINITY)
        assert sorted(out.read_bytes().splitlines(keepends=True)) == sorted(lines)
        assert recognizer.predict_file(data, out).kept == ROWS - len(BAD)
    check(out, whole)


def test_a_second_command_on_one_output_is_refused(fitted: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    data, out = asked_file(tmp_path / "in.jsonl", 3), tmp_path / "out.jsonl"
    refused = pytest.raises(InputError, match="another kdsl command is writing there")
    with FileLock(tmp_path / ".out.jsonl.lock"), Recognizer.load(fitted) as recognizer, refused:
        recognizer.predict_file(data, out)
    assert not out.exists()


@pytest.mark.parametrize("damage", [b"\0" * 40, b"\xff\xfe\n", b'{"id": 5}\n', b"}\n"])
def test_a_damaged_output_is_named_and_left_alone(fitted: Path, tmp_path: Path, damage: bytes) -> None:
    data, out = asked_file(tmp_path / "in.jsonl", 6), tmp_path / "out.jsonl"
    with Recognizer.load(fitted) as recognizer:
        recognizer.predict_file(data, out)
        lines = out.read_bytes().splitlines(keepends=True)
        out.write_bytes(b"".join([*lines[:3], damage, *lines[3:]]))
        before = out.read_bytes()
        with pytest.raises(InputError, match="line 4: not a prediction"):
            recognizer.predict_file(data, out)
    assert out.read_bytes() == before


def test_a_damaged_table_of_predictions_is_named_and_left_alone(fitted: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    data, out = asked_file(tmp_path / "in.jsonl", 40), tmp_path / "out.parquet"
    with Recognizer.load(fitted) as recognizer:
        recognizer.predict_file(data, out)
        content = bytearray(out.read_bytes())
        for damaged in (content[: len(content) // 2], b"PAR1" + bytes(99), b"a note\n"):
            out.write_bytes(damaged)
            with pytest.raises(InputError, match=r"parquet: (cannot be read as|is there, and is no) Parquet"):
                recognizer.predict_file(data, out)
            assert out.read_bytes() == damaged
    assert sorted(path.name for path in tmp_path.glob("*")) == [".out.parquet.lock", "in.jsonl", "out.parquet"]


def test_lines_that_a_killed_run_has_left_beside_an_older_table_get_into_it(fitted: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    few, more, out = (
        asked_file(tmp_path / "few.jsonl", 3),
        asked_file(tmp_path / "in.jsonl", 7),
        tmp_path / "out.parquet",
    )
    with Recognizer.load(fitted) as recognizer:
        recognizer.predict_file(few, out)
        recognizer.predict_file(more, tmp_path / "lines.jsonl")
        (tmp_path / "lines.jsonl").rename(tmp_path / "out.parquet.partial.jsonl")  # all is predicted, no table is made
        found = recognizer.predict_file(more, out)
    assert (found.predicted, found.kept) == (0, 7)
    assert [line.id for line in read_predictions(out)] == [f"r{number}" for number in range(7)]


def test_rows_of_every_kind_of_fault_cost_themselves_alone(fitted: Path, tmp_path: Path) -> None:
    rows = [
        json.dumps(asked(1)).encode(),
        b'{"id": "cut", "text": "mon',
        b"[" * 5000,
        b'{"id": "huge", "text": ' + b"9" * 5000 + b"}",
        b"\xff\xfe\x00",
        b'{"id": "r1", "text": "the id of another"}',
        b'{"id": ["a"], "text": "no id"}',
        b'{"id": "away", "text": "look <img>../../etc/passwd</img>"}',
        b'{"id": "gone", "text": "look <img>gone.png</img>"}',
        b'{"id": "web", "text": "look", "image": "http://localhost/a.png"}',
        b'{"id": "\\ud800", "text": "\\udfff money back"}',
        b"null",
        b'"money back"',
        b"",
        json.dumps({"text": "money back"}).encode(),
        json.dumps({"text": "money back"}).encode(),
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(rows))
    with Recognizer.load(fitted) as recognizer:
        found = predict_file(recognizer.bundle, tmp_path / "in.jsonl", tmp_path, None, out := tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    bad = [json.loads(line) for line in bad_file(out).read_text("utf-8").splitlines()]
    assert (found.predicted, found.failed) == (len(lines), len(bad)) == (4, 11)
    assert len({line["id"] for line in lines}) == 4
    assert lines[0]["id"] == "r1"
    assert {line["label"] for line in lines[1:]} == {"refund"}
    assert [line["where"] for line in bad] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 9)]
    assert "stands in line 1 already" in bad[4]["error"]
