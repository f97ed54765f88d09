"""`kdsl experiment`: cross-validation, comparisons of settings, what each expert is worth."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import (
    FILE,
    data_option,
    fold_option,
    folds_option,
    images_option,
    learning_options,
    noun,
    ocr_option,
    out_option,
    set_option,
)


@noun()
def experiment() -> None:
    """Cross-validate, compare settings, and weigh experts."""


@experiment.command()
@learning_options
@folds_option
@fold_option
@out_option("Predictions, one JSON line each.")
def crossval(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    folds: Path,
    only: tuple[int, ...],
    out: Path,
) -> None:
    """Predict every sample by a system that was fitted without its fold.

    A killed run continues where it was.

    \b
    examples:
      kdsl data split train.json --images images --n-folds 5 --out folds.json
      kdsl experiment crossval --data train.json --images images --folds folds.json --out oof.jsonl
      kdsl evaluate --data train.json --pred oof.jsonl --out report
    """
    from kdsl.evaluation.crossval import cross_validate_files
    from kdsl.progress import say

    cross_validate_files(data, folds, out, images=images, ocr=ocr, config=config, overrides=overrides, only=only)
    say(f"predictions are in {out}")


@experiment.command(name="leave-out")
@click.argument("scores", nargs=-1, required=True, type=FILE)
def leave_out(scores: tuple[Path, ...]) -> None:
    """Say what each expert is worth: all together, all but each, each alone.

    SCORES are folders that `kdsl experiment crossval` writes beside its output, one per seed; with several, the table
    shows mean and standard deviation.

    \b
    examples:
      kdsl experiment crossval --data train.json --images images --folds folds.json --out oof.jsonl
      kdsl experiment leave-out oof.jsonl.scores
    """
    from kdsl.evaluation.ablation.leave_out import leave_out as judge
    from kdsl.evaluation.ablation.leave_out import leave_out_table
    from kdsl.progress import show

    show(leave_out_table(judge(scores)))


@experiment.command()
@click.option("--config", required=True, help="An ablation, such as configs/ablation/seesaw.yaml.")
@data_option()
@images_option
@ocr_option
@folds_option
@fold_option
@out_option("Folder of cells and tables.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that run cells.")
@set_option
def ablate(
    config: str,
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    folds: Path,
    only: tuple[int, ...],
    out: Path,
    jobs: int,
    overrides: tuple[str, ...],
) -> None:
    """Compare settings over seeds and folds, in tables.

    Each cell (a variant, a seed, a fold) is trained without its fold and predicts it. Finished cells are kept:
    after a kill, or with more variants or seeds in the file, run the same command again. A cell that fails is
    reported, and the others go on.

    \b
    examples:
      kdsl experiment ablate --config configs/ablation/seesaw.yaml --data train.json --images images \\
        --folds folds.json --out runs/seesaw
      kdsl experiment ablate --config configs/ablation/llm-ir.yaml --data train.json --images images \\
        --folds folds.json --out runs/llm-ir --fold 0 --jobs 2
    """
    from kdsl.evaluation.ablation.grid import load_grid, run_ablation
    from kdsl.progress import say

    page = run_ablation(load_grid(config, overrides), data, images, ocr, folds, out, only=only, jobs=jobs)
    click.echo(page.read_text("utf-8"), nl=False)
    say(f"tables and pictures are in {out}")
