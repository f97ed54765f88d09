"""Light commands stay light: no torch on the path of help and of rule listing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "import kdsl",
        "import kdsl.rules, kdsl.rules.book",
        "from kdsl.cli.main import cli; cli(['--help'], standalone_mode=False)",
    ],
)
def test_no_torch_on_light_paths(code: str) -> None:
    probe = f"{code}; import sys; heavy = {{'torch', 'sklearn'}} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_every_command_answers_help() -> None:
    from click.testing import CliRunner

    from kdsl.cli.main import COMMANDS, cli

    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, (name, result.output, result.exception)
        assert "Usage" in result.output


INTERRUPT = """
import os, runpy, signal, sys
awaited = sys.argv.pop(1)
class Finder:  # Ctrl-C comes when the module is looked for
    def find_spec(self, name, path=None, target=None):
        if name == awaited:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("kdsl", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["click", "kdsl.machine", "kdsl.cli.predict", "kdsl.recognizer", "numpy", "numpy._core.multiarray"]
)
def test_an_interrupt_is_one_line_and_code_130_whenever_it_comes(module: str, tmp_path: Path) -> None:
    options = ["--bundle", str(tmp_path), "--data", "none.csv", "--out", str(tmp_path / "out.jsonl")]
    command = [sys.executable, "-c", INTERRUPT, module, "predict", *options]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


def test_an_error_is_one_message_and_an_exit_code() -> None:
    command = [
        sys.executable,
        "-m",
        "kdsl",
        "evaluate",
        "--data",
        "no.json",
        "--pred",
        "no.jsonl",
        "--out",
        "r",
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert "no.json" in result.stderr
    assert "Traceback" not in result.stderr


def test_messages_call_standard_input_so_and_not_by_a_temporary_file(tmp_path: Path) -> None:
    options = ["--data", "-", "--set", "large=null", "--out", str(tmp_path / "bundle")]
    command = [sys.executable, "-m", "kdsl", "fit", *options]
    table = "text,label\nwill it rust,rust\n,\nmoney back,refund\nmoney back,refund,now\n"
    result = subprocess.run(command, input=table, capture_output=True, text=True)
    assert result.returncode == 2
    assert "warning: standard input:\n  - rows without any content are not read (1 time(s), first in line 3)" in (
        result.stderr
    )
    assert "error: standard input: 1 sample(s) cannot be used:\n  - line 5: has 3 cell(s)" in result.stderr
    assert "kdsl-" not in result.stderr
