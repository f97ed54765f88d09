"""The command `kdsl`: a group that imports a command's module only when that command is called."""

from __future__ import annotations

import importlib
import sys

import click

from kdsl import __version__
from kdsl.errors import ConfigError, KdslError
from kdsl.processes import is_main, rank, world_size

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module that holds a click command of the same name, one line of help)
    "fit": ("kdsl.cli.fit", "Fit a whole bundle: adapters, rules, index and ensemble."),
    "predict": ("kdsl.cli.predict", "Predict samples with a bundle; one JSON line each."),
    "evaluate": ("kdsl.cli.evaluate", "Score predictions against gold and write a report."),
    "crossval": ("kdsl.cli.crossval", "Honest out-of-fold predictions of the whole system."),
    "leave-out": ("kdsl.cli.leave_out", "What each expert is worth: alone, and left out."),
    "ablate": ("kdsl.cli.ablate", "Compare settings over seeds and folds, in tables."),
    "train-large": ("kdsl.cli.train_large", "Train one adapter per task."),
    "train-small": ("kdsl.cli.train_small", "Teach the small model what the large one knows."),
    "pseudo-label": ("kdsl.cli.pseudo_label", "Label unlabelled samples where a bundle is confident."),
    "audit": ("kdsl.cli.audit", "Rank labels that out-of-fold predictions contradict."),
    "merge-adapters": ("kdsl.cli.merge_adapters", "Merge adapters of one base into one."),
    "export": ("kdsl.cli.export", "Write a task's model as a plain Hugging Face folder; push it."),
    "distill-rules": ("kdsl.cli.distill_rules", "Distil readable rules by tree search."),
    "rules": ("kdsl.cli.rules", "List and show rules."),
    "knowledge": ("kdsl.cli.knowledge", "Build and search the knowledge index."),
    "data": ("kdsl.cli.data", "Check, convert and generate data."),
    "nano": ("kdsl.cli.nano", "Pretrain and inspect the embedded model."),
    "submit": ("kdsl.cli.submit", "Write predictions as the challenge's CSV."),
    "demo": ("kdsl.cli.demo", "Fit, predict and explain on a bundled sample, in minutes."),
    "doctor": ("kdsl.cli.doctor", "Say what this machine can run, and what is missing."),
}


TOGETHER = ("train-large", "train-small")
"""Commands that several processes may run together (docs/gpu.md)."""


class LazyGroup(click.Group):
    """Lists commands from a table and imports one only when it runs (`kdsl --help` needs no torch)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        command: click.Command = getattr(module, COMMANDS[name][0].rsplit(".", 1)[1])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="kdsl")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Recognise what a shopper wants from a dialogue and its pictures, from a few hundred examples."""
    if world_size() > 1 and ctx.invoked_subcommand not in TOGETHER:
        raise ConfigError(
            f"`kdsl {ctx.invoked_subcommand}` runs in one process, and this launch has {world_size()}. Call it without "
            f"`accelerate launch`, which is for {' and '.join(TOGETHER)}."
        )


def main() -> None:
    """Run the command line; a KdslError becomes one message on stderr and its exit code."""
    try:
        cli(prog_name="kdsl")
    except KdslError as error:
        click.echo(f"error: {error}" if is_main() else f"error (process {rank()}): {error}", err=True)
        sys.exit(error.exit_code)
