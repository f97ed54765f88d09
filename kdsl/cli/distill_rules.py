"""`kdsl distill-rules`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import HelpfulCommand, learning_options, out_option, tasks_option


@click.command(name="distill-rules", cls=HelpfulCommand)
@learning_options
@out_option("Folder for <task>.yaml.")
@tasks_option
@click.option("--no-model", is_flag=True, help="Search without the small model.")
@click.option("--no-shipped", is_flag=True, help="Leave the rules that ship with kdsl out of the candidates.")
def distill_rules(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    out: Path,
    tasks: tuple[str, ...],
    no_model: bool,
    no_shipped: bool,
) -> None:
    """Distil readable rules by tree search.

    The small model guides the search by what it misses when a cue is hidden; rules are selected and weighted on
    samples that the search has not seen, together with the hand-written rules that ship with kdsl.

    \b
    examples:
      kdsl distill-rules --data train.json --images images --config configs/nano.yaml --out my-rules
      kdsl distill-rules --data train.json --images images --out my-rules --task scene --no-model
    """
    from kdsl.experts.rules import distill_files

    overrides += ("small=null",) if no_model else ()
    distill_files(
        data, out, images=images, ocr=ocr, config=config, overrides=overrides, only=tasks, shipped=not no_shipped
    )
