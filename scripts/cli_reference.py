"""Write docs/cli.md from the command line itself; tests/cli/test_reference.py checks that it is current.

Run: python scripts/cli_reference.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from kdsl.cli.main import cli

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 100


def pages(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """(name, help) of a command and of those below it."""
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from pages(found, f"{name} {child}")


def reference() -> str:
    """The whole page."""
    parts = ["# Command line", "", "Made by `python scripts/cli_reference.py` from the commands' own help."]
    for name, text in pages(cli, "kdsl"):
        parts += ["", f"## {name}", "", "```", text, "```"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), "utf-8")
