"""What a terminal is shown, and that kdsl as a library shows nothing by itself."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.sample_files import input_file, ocr_file
from rich.table import Table

from kdsl import progress
from kdsl.evidence.types import Evidence
from kdsl.progress import log, say, show, show_messages, track

MARKUP = ("好的 [/INST]", "[red]x[/red]", ":smile:")
"""Text from outside that rich would fail on, or change, if it took it for its own markup."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = list(log.handlers), log.level
    yield
    log.handlers[:] = handlers
    log.setLevel(level)


def test_messages_go_to_stderr_behind_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    show_messages()
    for text in MARKUP:
        say(text)
    logging.getLogger("kdsl.rules").warning("odd")
    logging.getLogger("kdsl.rules").debug("detail")
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [re.fullmatch(r" *\d+:\d\d (.*)", line) for line in shown.err.splitlines()]
    assert [line and line[1] for line in lines] == [*MARKUP, "warning: odd"]


@pytest.mark.parametrize(("level", "seen"), [(logging.WARNING, ""), (logging.DEBUG, "detail")])
def test_the_level_may_change_and_each_message_comes_once(
    level: int, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_messages()
    show_messages(level)
    logging.getLogger("kdsl.rules").debug("detail")
    assert capsys.readouterr().err.count("detail") == bool(seen)


def test_other_processes_of_a_launch_are_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show_messages()
    for name, value in {"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    say("hello")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", MARKUP)
def test_results_are_printed_as_they_are(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(f"{text} head", title=f"{text} title")
    table.add_row(f"{text} cell")
    show(text, table)
    printed = capsys.readouterr().out
    assert printed.startswith(text)
    for part in ("head", "title", "cell"):
        assert f"{text} {part}" in printed


@pytest.mark.parametrize(("level", "seen"), [(logging.INFO, True), (logging.WARNING, False)])
def test_a_bar_is_seen_where_messages_are(
    level: int, seen: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich: write as to a terminal
    show_messages(level)
    assert list(track("ab", MARKUP[0], 2)) == ["a", "b"]
    assert (MARKUP[0] in capsys.readouterr().err) == seen


def test_the_library_prints_nothing(shop: Path, samples: list[Evidence], tmp_path: Path) -> None:
    program = f"""
from kdsl import Recognizer, Sample
short = ["training.search=null", "ensemble.inner_folds=2", "rules.simulations=4"]
given = dict(images={str(shop)!r}, ocr={str(ocr_file(tmp_path / "ocr.jsonl", samples))!r})
data = {str(input_file(tmp_path / "train.json", samples, []))!r}
with Recognizer.fit(data, out="bundle", config={str(shop / "config.yaml")!r}, overrides=short, **given) as fitted:
    fitted.predict(Sample.dialogue(["会不会生锈"])).explain()
    fitted.predict_file(data, out="predictions.jsonl", **given)
"""
    terminal = {"TTY_COMPATIBLE": "1"}  # where bars would be seen
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | terminal, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_left_is_told_from_the_first_that_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it models were loaded, which tells nothing of the others."""
    said: list[str] = []
    clock = iter((300.0, 310.0, 340.0))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(progress, "SAID_EVERY", 20)
    monkeypatch.setattr(progress, "say", said.append)
    with progress.counted("predicting", 400) as count:
        for done in (1, 50, 101):
            count(done)
    monkeypatch.undo()
    assert said == ["predicting: 101 of about 400, 2 per second, about 2 min left"]
