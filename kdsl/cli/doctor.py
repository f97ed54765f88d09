"""`kdsl doctor`."""

from __future__ import annotations

import sys

import click


@click.command()
def doctor() -> None:
    """Say what this machine can run, and what is missing for the rest.

    Exits with 1 if the embedded default cannot run here.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from kdsl.machine import examine, usable

    checks = examine()
    table = Table("", "found", "what to do", box=None)
    marks = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "optional": "[yellow]optional[/]"}
    for check in checks:
        table.add_row(f"{marks[check.verdict]} {check.name}", check.found, escape(check.advice))
    Console().print(table)
    if not usable(checks):
        sys.exit(1)
