"""`kdsl doctor`."""

from __future__ import annotations

import sys

import click

from kdsl.cli.options import HelpfulCommand, set_option


@click.command(cls=HelpfulCommand)
@click.option("--config", help="Estimate the memory that a fit by these settings takes.")
@set_option
def doctor(config: str | None, overrides: tuple[str, ...]) -> None:
    """Say what this machine can run, and what is missing for the rest.

    Exits with 1 if the light part, all but base models, cannot run here, or what --config asks for does not fit.

    \b
    examples:
      kdsl doctor
      kdsl doctor --config configs/qwen2-vl-7b.yaml --set training.gradient_checkpointing=true
    """
    from rich.table import Table
    from rich.text import Text

    from kdsl.machine import examine, usable
    from kdsl.progress import show

    checks = examine()
    table = Table("", "found", "what to do", box=None)
    colours = {"ok": "green", "missing": "red", "optional": "yellow"}
    for check in checks:
        verdict = Text.assemble((check.verdict, colours[check.verdict]), f" {check.name}")
        table.add_row(verdict, check.found, check.advice)
    show(table)
    if not usable(checks):
        sys.exit(1)
    if config is not None:
        from kdsl.config_file import load_config
        from kdsl.training.memory import check_fit

        settings = load_config(config, overrides)
        large = settings.of_each_large or {"large": settings}
        sources = {name: own.model("large") for name, own in large.items()}  # without any, it says that there is none
        for name, memory in check_fit(settings).items():
            click.echo(f"\nTraining {sources[name].source}, by estimate: {memory}")
        for model in sources.values():
            if model.server is not None:
                click.echo(f"\n{model.source} is behind the server at {model.server.url}; it takes no memory here.")
