"""`kdsl doctor`."""

from __future__ import annotations

import sys

import click

from kdsl.cli.options import HelpfulCommand, set_option


@click.command(cls=HelpfulCommand)
@click.option("--config", help="Estimate the memory that training by these settings takes.")
@set_option
def doctor(config: str | None, overrides: tuple[str, ...]) -> None:
    """Say what this machine can run, and what is missing for the rest.

    Exits with 1 if the embedded default cannot run here, or what --config asks for does not fit.

    \b
    examples:
      kdsl doctor
      kdsl doctor --config configs/qwen2-vl-7b.yaml --set training.gradient_checkpointing=true
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
    if config is not None:
        from kdsl.config import load_config
        from kdsl.training.memory import check_memory

        settings = load_config(config, overrides)
        click.echo(f"\nTraining {settings.model('large').source}, by estimate: {check_memory(settings)}")
