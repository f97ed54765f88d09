"""Files are written whole or not at all, and their hashes say what was changed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kdsl.errors import InputError
from kdsl.files import atomic_write, changed_files, file_hash, file_hashes, write_jsonl, written_whole

DYING = """
import os, sys
from pathlib import Path
from kdsl.files import {function}
out = Path(sys.argv[1])
{body}
"""
"""A program that is killed in the middle of a write."""


def fail_in_the_middle(target: Path) -> None:
    with written_whole(target) as partial:
        assert not partial.exists()  # what a killed writer left is gone
        partial.mkdir()
        partial.write_text("a folder is no file")


def die(body: str, function: str, out: Path) -> None:
    code = DYING.format(body=body, function=function)
    assert subprocess.run([sys.executable, "-c", code, str(out)]).returncode == 9


def test_a_file_keeps_its_old_content_when_its_writer_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "a.txt"
    atomic_write(file, "old\r\n")
    die("def pieces():\n    yield b'new'\n    os._exit(9)\natomic_write(out, pieces())", "atomic_write", file)
    assert file.read_bytes() == b"old\r\n"
    atomic_write(file, [b"ne", b"w"])
    assert file.read_bytes() == b"new"


WRITER = """
import os, signal, sys
from pathlib import Path
from kdsl.files import atomic_write

def pieces():
    yield sys.argv[2].encode()
    print("writing", flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()

atomic_write(Path(sys.argv[1]), pieces())
"""
"""Writes its second argument to its first; it is in the middle of it until its input ends, or is killed there."""


def writer(file: Path, content: str) -> subprocess.Popen[str]:
    """A process in the middle of writing a file."""
    words = [sys.executable, "-c", WRITER, str(file), content]
    started = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "writing\n"
    return started


@pytest.mark.parametrize("order", [("killed", "alive"), ("alive", "killed"), ("killed", "alive", "killed")])
def test_the_next_writer_takes_away_what_a_killed_one_left_and_nothing_of_a_living_one(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    file = tmp_path / "a.txt"
    writers = {}
    for content in order:
        writers[content] = writer(file, content)
        if content == "killed":
            assert writers[content].wait() == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == (2 if order[-1] == "killed" else 1)
    atomic_write(file, "here")
    [left] = set(tmp_path.iterdir()) - {file}
    assert file.read_text() == "here"
    assert writers["alive"].communicate()[0] == ""
    assert not left.exists()
    assert file.read_text() == "alive"
    assert list(tmp_path.iterdir()) == [file]


def test_of_many_who_write_at_once_one_is_the_last_and_nothing_is_left(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kdsl.files import atomic_write\n"
        "for n in range(60): atomic_write(Path(sys.argv[1]), [sys.argv[2].encode() * 999] * 9)"
    )
    words = [[sys.executable, "-c", code, str(tmp_path / "a.txt"), letter] for letter in "abc"]
    writers = [subprocess.Popen(one) for one in words]
    assert [one.wait() for one in writers] == [0, 0, 0]
    assert (tmp_path / "a.txt").read_text() in {letter * 8991 for letter in "abc"}
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_not_ours_stays_where_a_temporary_file_would_be(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("own")
    (tmp_path / ".a.txt.0.tmp").symlink_to("own")
    (tmp_path / ".a.txt.1.tmp").mkdir()
    atomic_write(tmp_path / "a.txt", "new")
    assert (tmp_path / "own").read_text() == "own"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.txt.0.tmp", ".a.txt.1.tmp", "a.txt", "own"]


def test_content_that_raises_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_jsonl(tmp_path / "a.jsonl", [1, object()])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_told_and_left_tidy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"a\.txt: cannot be written"):
        atomic_write(tmp_path / "file" / "a.txt", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder: cannot be written"):
        atomic_write(tmp_path / "folder", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_json_lines_hold_one_value_each(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", ({"text": text} for text in ("退款\u2028页面", "b")))
    lines = (tmp_path / "a.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == [{"text": "退款\u2028页面"}, {"text": "b"}]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_written_beside_appears_whole(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "new" / "made.npz"
    begin = "partial.write_text('half')" if kind == "file" else "partial.mkdir(); (partial / 'a').touch()"
    die(f"with written_whole(out) as partial:\n    {begin}\n    os._exit(9)", "written_whole", target)
    assert not target.exists()
    with pytest.raises(IsADirectoryError):
        fail_in_the_middle(target)
    assert list(target.parent.iterdir()) == []
    with written_whole(target) as partial:
        assert partial.suffix == ".npz"  # numpy adds the ending where it is missing
        partial.write_text("whole")
    assert target.read_text() == "whole"


def test_hashes_name_what_was_changed(tmp_path: Path) -> None:
    for name in ("b/c", "a", "work/left", "own.json"):
        atomic_write(tmp_path / name, name)
    hashes = file_hashes(tmp_path, leave_out=[tmp_path / "work", tmp_path / "own.json"])
    assert hashes == {"a": file_hash(tmp_path / "a"), "b/c": file_hash(tmp_path / "b" / "c")}
    assert list(hashes) == ["a", "b/c"]
    assert changed_files(tmp_path, hashes) == []
    (tmp_path / "a").write_text("other")
    (tmp_path / "b" / "c").unlink()
    assert changed_files(tmp_path, hashes) == ["a", "b/c"]


def test_a_file_that_is_written_anew_stays_private_and_behind_its_link(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("old")
    (tmp_path / "book").chmod(0o600)
    (tmp_path / "link").symlink_to("book")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "book").read_text() == "new"
    assert (tmp_path / "book").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 2
