"""`kdsl train-large`: adapters on the large model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import (
    FILE,
    HelpfulCommand,
    columns_options,
    learning_options,
    out_option,
    resume_option,
    tasks_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@click.command(name="train-large", cls=HelpfulCommand)
@learning_options
@columns_options
@out_option("Adapters are written to OUT/adapters/<task>.")
@tasks_option
@click.option(
    "--strategy",
    type=click.Choice(["separate", "joint", "sequence"]),
    help="One adapter per task, or one for all (adapters/joint): trained on all samples at once, or on each task's and "
    "then on all. Default: training.strategy of the config.",
)
@click.option(
    "--valid",
    type=FILE,
    multiple=True,
    help="Labelled samples held out of training, which choose among its half epochs; may be given more than once.",
)
@click.option("--seed", type=int, help="Default: seed of the config.")
@resume_option
def train_large(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    columns: Columns,
    out: Path,
    tasks: tuple[str, ...],
    strategy: str | None,
    valid: tuple[Path, ...],
    seed: int | None,
    resume: bool,
) -> None:
    """Train one adapter per task, loss on the label alone; a killed run continues.

    Says first what it takes of the GPU's memory, and refuses what does not fit. What is trained follows
    training.regime: LoRA, the last layers, or the whole language model. Curves go to OUT/adapters/<task>/logs.
    Several GPUs and machines: `accelerate launch --config_file configs/accelerate/ddp.yaml -m kdsl train-large ...`.

    With training.search, cross-validation chooses rank, augmentation and epochs first. With --valid these samples
    choose, among the half epochs of one training or, with training.search, of one for each candidate.
    OUT/report/adaptation.json and adaptation-<task>.csv have the figures of every trial.

    \b
    examples:
      kdsl train-large --data train.json --images images --out runs/nano
      kdsl train-large --data train.json --images images --out runs/joint --strategy joint
      kdsl train-large --data train.json --images images --out runs/r8 --task intent --set training.lora_r=8
      kdsl train-large --data train.json --images images --out runs/last --set training.regime=freeze
      kdsl train-large --data train.json --valid dev.json --images images --out runs/halves
    """
    from kdsl.processes import is_main
    from kdsl.training.from_files import train_large_files

    overrides += (f"training.strategy={strategy}",) if strategy else ()
    overrides += (f"seed={seed}",) if seed is not None else ()
    folders = train_large_files(
        data,
        out,
        valid=valid,
        images=images,
        ocr=ocr,
        config=config,
        overrides=overrides,
        only=tasks,
        columns=columns,
        resume=resume,
    )
    if is_main():
        click.echo("\n".join(map(str, folders)))
