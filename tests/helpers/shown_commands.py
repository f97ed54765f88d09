"""Finds the `kdsl ...` commands that a text shows and parses them without running anything."""

from __future__ import annotations

import re

import click

from kdsl.cli.main import COMMANDS, RENAMED, cli

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
