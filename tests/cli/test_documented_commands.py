"""Every `kdsl ...` command that a document, a config's comment or a help text shows is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from kdsl.cli.main import COMMANDS, RENAMED, cli

ROOT = Path(__file__).resolve().parents[2]
SHOWN_IN = sorted(
    file
    for pattern in ("README*.md", "CONTRIBUTING.md", "docs/*.md", "configs/**/*.yaml", "benchmarks/*.md", "rules/*.md")
    for file in ROOT.glob(pattern)
    if file.name != "experiments.md"  # a log of what was run, by its name then
)
COMMAND = re.compile(r"(?:^|[`|(#]\s*|-m )(kdsl [a-z-]+(?:[^\n`|#]*\\\n)*[^\n`|#]*)", re.MULTILINE)
PLACEHOLDERS = ("...", "…")


def commands(text: str) -> list[str]:
    """What follows a prompt or stands in code marks, continued lines joined."""
    found = (line.replace("\\\n", " ").strip() for line in COMMAND.findall(text))
    return [line for line in found if line.split()[1] in {*COMMANDS, *RENAMED}]  # others are sentences


def parse(words: list[str]) -> None:
    """Parse a command line without running it; options may be missing, as in prose, but none may be unknown.

    Raises:
        click.UsageError: there is no such command or option.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="kdsl", resilient_parsing=True)
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return
        found = command.get_command(context, words[0])
        if found is None:
            default = getattr(command, "default_cmd_name", None)
            if default is None:
                raise click.UsageError(f"no such command: {words[0]}")
            found, words = command.get_command(context, default), [default, *words]
        assert found is not None
        command, words = found, words[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    unknown = [word.partition("=")[0] for word in words if word.startswith("-") and word not in ("-", "--")]
    if strange := [word for word in unknown if word not in known]:
        raise click.UsageError(f"{command.name} has no option {strange[0]}")


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
