"""`kdsl ablate`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import data_options


@click.command()
@click.option("--config", "config_path", required=True, help="An ablation, such as configs/ablation/seesaw.yaml.")
@data_options
@click.option("--folds", type=click.Path(path_type=Path), required=True, help="JSON: sample id -> fold.")
@click.option("--fold", "only", type=int, multiple=True, help="Only this fold; may be given more than once.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder of cells and tables.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that run cells.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting of every variant.")
def ablate(
    config_path: str,
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    folds: Path,
    only: tuple[int, ...],
    output: Path,
    jobs: int,
    overrides: tuple[str, ...],
) -> None:
    """Compare settings over seeds and folds, in tables.

    Each cell (a variant, a seed, a fold) is trained without its fold and predicts it. Finished cells are kept:
    after a kill, or with more variants or seeds in the file, run the same command again. A cell that fails is
    reported, and the others go on.

    \b
    examples:
      kdsl ablate --config configs/ablation/seesaw.yaml --data train.json --images images --folds folds.json \\
        --output runs/seesaw
      kdsl ablate --config configs/ablation/llm-ir.yaml --data train.json --images images --folds folds.json \\
        --output runs/llm-ir --fold 0 --jobs 2
    """
    from kdsl.evaluation.ablation.grid import load_grid, run_ablation
    from kdsl.progress import say
    from kdsl.training.memory import check_memory

    grid = load_grid(config_path, overrides)
    for settings in grid.configs.values():
        check_memory(settings, beside_small=grid.ablation.system == "whole")
    page = run_ablation(grid, data, images, ocr, folds, output, only=only, jobs=jobs)
    click.echo(page.read_text("utf-8"), nl=False)
    say(f"tables and pictures are in {output}")
