"""Light commands stay light: no torch on the path of help and of rule listing."""

from __future__ import annotations

import subprocess
import sys

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
