"""The command `kdsl`: a group that imports a command's module only when that command is called."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from typing import Any

import click

from kdsl import __version__
from kdsl.errors import ConfigError, KdslError
from kdsl.machine import MODELS, require_models
from kdsl.processes import is_main, rank, world_size
from kdsl.progress import show_messages

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    # section: {name: (module that holds a click command of that name, one line of help)}
    "Recognise": {
        "fit": ("kdsl.cli.fit", "Fit a whole bundle: adapters, rules, index and ensemble."),
        "predict": ("kdsl.cli.predict", "Predict samples with a bundle; one JSON line each."),
        "ask": ("kdsl.cli.predict", "Answer one question, without a file."),
        "explain": ("kdsl.cli.predict", "Say how one prediction came about."),
        "evaluate": ("kdsl.cli.evaluate", "Score predictions against labels and write a report."),
    },
    "Serve": {
        "serve": ("kdsl.cli.serve", "Serve a bundle over HTTP."),
        "keys": ("kdsl.cli.serve", "Add, list and revoke the keys of a server."),
        "queue": ("kdsl.cli.queue", "List samples to label; to Label Studio and back."),
        "refit": ("kdsl.cli.refit", "Make a better bundle of corrections; compare, switch, and switch back."),
    },
    "Learn one part": {
        "train-large": ("kdsl.cli.train_large", "Train one adapter per task."),
        "distill-rules": ("kdsl.cli.distill_rules", "Distil readable rules by tree search."),
    },
    "Look into and change": {
        "rules": ("kdsl.cli.rules", "List, explain, test and change rules."),
        "adapters": ("kdsl.cli.adapters", "List, merge and export adapters; teach the small model."),
        "knowledge": ("kdsl.cli.knowledge", "Build and search the knowledge index."),
        "tasks": ("kdsl.cli.tasks", "Write a task file for labels of your own."),
        "data": ("kdsl.cli.data", "Check, convert, split, draw, label and review data."),
    },
    "Measure": {
        "experiment": ("kdsl.cli.experiment", "Cross-validate, compare settings, and weigh experts."),
        "benchmark": ("kdsl.cli.benchmark", "Measure encoders and language models on published benchmarks."),
    },
    "kdsl itself": {
        "demo": ("kdsl.cli.demo", "Fit, predict and explain on a bundled sample, in minutes."),
        "doctor": ("kdsl.cli.doctor", "Say what this machine can run, and what is missing."),
        "nano": ("kdsl.cli.nano", "Inspect and pretrain the embedded model."),
    },
}
COMMANDS = {name: found for section in SECTIONS.values() for name, found in section.items()}

RENAMED = {
    "crossval": "experiment crossval",
    "ablate": "experiment ablate",
    "leave-out": "experiment leave-out",
    "audit": "data audit",
    "pseudo-label": "data pseudo-label",
    "submit": "data submit",
    "merge-adapters": "adapters merge",
    "export": "adapters export",
    "train-small": "adapters train-small",
}
"""Commands of kdsl 0.1 -> what they are called now."""

TOGETHER = ("train-large", "adapters")
"""Commands that several processes may run together: `train-large` and `adapters train-small` (docs/gpu.md)."""


class LazyGroup(click.Group):
    """Lists commands from a table and imports one only when it runs (`kdsl --help` needs no torch)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in RENAMED:
            raise click.UsageError(f"`kdsl {name}` is called `kdsl {RENAMED[name]}` now.", ctx)
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would say 'Aborted!'; `kdsl.__main__` says it
            sys.exit(128 + signal.SIGINT)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="kdsl")
@click.option("-q", "--quiet", is_flag=True, help="Show warnings and results alone.")
@click.option("-v", "--verbose", is_flag=True, help="Show details too.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool, verbose: bool) -> None:
    """Recognise what a shopper wants from a dialogue and its pictures, from a few hundred examples."""
    show_messages(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    if world_size() > 1 and ctx.invoked_subcommand not in TOGETHER:
        raise ConfigError(
            f"`kdsl {ctx.invoked_subcommand}` runs in one process, and this launch has {world_size()}. Call it without "
            f"`accelerate launch`, which is for {' and '.join(TOGETHER)}."
        )


def _run() -> None:
    try:
        cli(prog_name="kdsl")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in MODELS:  # a command that is all about models has not asked before
            require_models()
        raise


def main() -> None:
    """Run the command line; a KdslError becomes one message on stderr and its exit code."""
    try:
        _run()
    except KdslError as error:
        click.echo(f"error: {error}" if is_main() else f"error (process {rank()}): {error}", err=True)
        sys.exit(error.exit_code)
