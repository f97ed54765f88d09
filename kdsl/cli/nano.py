"""`kdsl nano`: pretrain and inspect the embedded model."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import FILE, noun, out_option, seed_option


@noun("info")
def nano() -> None:
    """Inspect and pretrain kdsl-nano, the model that ships with kdsl."""


@nano.command()
@click.option("--weights", type=FILE, help="Folder of a model; the shipped one by default.")
def info(weights: Path | None) -> None:
    """Show a model's shape, size and how it was made, after checking its files against the manifest.

    \b
    examples:
      kdsl nano
    """
    from kdsl.models.nano.manifest import describe
    from kdsl.models.weights import NANO_FOLDER
    from kdsl.progress import show

    show(describe(weights or NANO_FOLDER))


@nano.command()
@out_option("Work folder; the model is written to OUT/weights.")
@seed_option
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train about so long instead.")
@click.option("--dialogues", default=40_000, show_default=True, type=click.IntRange(min=100), help="In the world.")
@click.option("--screens", default=12_000, show_default=True, type=click.IntRange(min=100), help="In the world.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1), help="CPU threads.")
def pretrain(
    out: Path, seed: int, steps: int | None, minutes: float | None, dialogues: int, screens: int, threads: int
) -> None:
    """Train kdsl-nano on the synthetic world; run the same command again to go on after a kill.

    \b
    examples:
      kdsl nano pretrain --out runs/nano --seed 17 --minutes 40
      kdsl nano pretrain --out runs/nano --seed 17 --steps 3000
    """
    from kdsl.config_file import load_config, load_tasks
    from kdsl.knowledge.snippets import load_snippets
    from kdsl.resources import resource
    from kdsl.training.nano.pretrain import Pretraining
    from kdsl.training.nano.pretrain import pretrain as train

    tasks = load_tasks(load_config("configs/nano.yaml"))
    snippets = load_snippets(resource("knowledge_base"), tasks)
    settings = Pretraining(
        seed=seed, steps=steps, minutes=minutes, dialogues=dialogues, screens=screens, threads=threads
    )
    manifest = train(out, settings, tasks, snippets)
    click.echo(f"{out / 'weights'}: {manifest.steps} steps in {manifest.minutes} minutes")
