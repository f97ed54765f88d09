"""Every `kdsl ...` command that a document, a config's comment or a help text shows is one that there is."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from helpers.shown_commands import PLACEHOLDERS, commands, parse

ROOT = Path(__file__).resolve().parents[2]
SHOWN_IN = sorted(
    file
    for pattern in ("README*.md", "CONTRIBUTING.md", "docs/*.md", "configs/**/*.yaml", "benchmarks/*.md", "rules/*.md")
    for file in ROOT.glob(pattern)
    if file.name != "experiments.md"  # a log of what was run, by its name then
)


@pytest.mark.parametrize("file", SHOWN_IN, ids=lambda file: str(file.relative_to(ROOT)))
def test_commands_that_are_shown_exist(file: Path) -> None:
    faults = []
    for line in commands(file.read_text("utf-8")):
        try:
            words = [word for word in shlex.split(line)[1:] if word not in PLACEHOLDERS]
            parse(words)
        except (click.UsageError, ValueError) as error:
            faults.append(f"{line}: {error}")
    assert not faults


def test_a_command_that_is_not_there_is_found() -> None:
    assert commands("run `kdsl fit --data x` or\n\nkdsl rules \\\n  --label y\n") == [
        "kdsl fit --data x",
        "kdsl rules    --label y",
    ]
    with pytest.raises(click.UsageError, match="fit has no option --bundle"):
        parse(["fit", "--bundle", "b"])
    with pytest.raises(click.UsageError, match="no such command"):
        parse(["experiment", "splendid"])
