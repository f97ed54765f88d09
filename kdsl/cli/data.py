"""`kdsl data`: check, convert, split and generate data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from kdsl.cli.options import config_options, data_options
from kdsl.errors import InputError
from kdsl.tasks import Task

_FILE = click.Path(path_type=Path)
_task_option = click.option(
    "--task",
    "task_files",
    type=_FILE,
    multiple=True,
    help="Task file; may be given more than once. Default: the two tasks of the MIRE challenge.",
)


@click.group()
def data() -> None:
    """Check, convert and generate data."""


@data.command(name="check")
@click.argument("file", type=_FILE)
@click.option("--images", type=_FILE, required=True, help="Folder that all pictures lie below.")
@click.option("--folds", type=_FILE, help="folds.json, to find near-duplicates across folds.")
@_task_option
@config_options
@click.option("--max-megapixels", default=100.0, show_default=True, help="Larger pictures are refused.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def check_command(
    file: Path,
    images: Path,
    folds: Path | None,
    task_files: tuple[Path, ...],
    config_path: str,
    overrides: tuple[str, ...],
    max_megapixels: float,
    as_json: bool,
) -> None:
    """Report labels, dialogues, pictures and duplicates of FILE; fail on what would stop `kdsl fit`.

    \b
    examples:
      kdsl data check train.json --images images
      kdsl data check train.json --images images --config my-shop.yaml
      kdsl data check train.json --images images --folds folds.json --json > report.json
    """
    from rich.console import Console

    from kdsl.config import load_config, load_tasks
    from kdsl.data.check import check, print_report
    from kdsl.models.task_checks import task_faults

    config = load_config(config_path, overrides)
    tasks = _tasks(task_files) if task_files else load_tasks(config)
    report = check(file, tasks, images, folds, max_megapixels, config.ensemble.inner_folds, config.seed)
    report.problems += task_faults(tasks, config, fetch=False)
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        print_report(report, Console())
    if report.problems:
        raise InputError(f"{file}: {len(report.problems)} problem(s) would stop `kdsl fit`; the report lists them.")


@data.command()
@click.argument("file", type=_FILE)
@click.argument("output", type=_FILE)
@click.option("--to", "kind", type=click.Choice(["mire", "llama-factory"]), required=True)
@_task_option
def convert(file: Path, output: Path, kind: Literal["mire", "llama-factory"], task_files: tuple[Path, ...]) -> None:
    """Convert FILE, in any format that docs/data.md lists, and write OUTPUT.

    \b
    example:
      kdsl data convert train.json llama/mire.json --to llama-factory
    """
    from kdsl.data.writers import convert as write

    n_samples = write(file, output, kind, _tasks(task_files))
    click.echo(f"{output}: {n_samples} samples", err=True)


@data.command()
@click.argument("file", type=_FILE)
@click.option("--output", type=_FILE, required=True, help="Where to write folds.json.")
@click.option("--folds", "n_folds", default=5, show_default=True, type=click.IntRange(min=2))
@click.option("--seed", default=17, show_default=True)
@click.option("--images", type=_FILE, help="Folder of the pictures; near-duplicates then share a fold.")
@_task_option
def split(file: Path, output: Path, n_folds: int, seed: int, images: Path | None, task_files: tuple[Path, ...]) -> None:
    """Divide FILE into folds, stratified by label, for `kdsl crossval`.

    \b
    example:
      kdsl data split train.json --images images --folds 5 --output folds.json
    """
    from kdsl.data.duplicates import near_duplicates, read_fingerprints
    from kdsl.data.readers import read_samples
    from kdsl.data.splits import stratified_folds, write_folds

    samples = read_samples(file, _tasks(task_files))
    together = near_duplicates(samples, read_fingerprints(images, samples) if images else {})
    write_folds(output, stratified_folds(samples, n_folds, seed, together))
    click.echo(f"{output}: {len(samples)} samples in {n_folds} folds", err=True)


@data.command()
@click.option("--output", type=_FILE, required=True, help="Folder for train.json and images/.")
@click.option("--per-label", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=17, show_default=True)
@_task_option
def world(output: Path, per_label: int, seed: int, task_files: tuple[Path, ...]) -> None:
    """Generate labelled samples of the synthetic world: dialogues and drawn screens.

    \b
    example:
      kdsl data world --output world --per-label 50
    """
    from kdsl.world.files import write_world

    write_world(output, per_label, seed, _tasks(task_files))
    click.echo(f"{output}: written", err=True)


@data.command()
@data_options
@config_options
@click.option("--samples", "n_samples", default=6, show_default=True, type=click.IntRange(1, 100))
@click.option("--output", type=_FILE, required=True, help="The contact sheet, a PNG file.")
def augment(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config_path: str,
    n_samples: int,
    output: Path,
    overrides: tuple[str, ...],
) -> None:
    """Show what augmentation makes of some samples: each beside three copies, changes of text marked.

    \b
    examples:
      kdsl data augment --data train.json --images images --output sheet.png
      kdsl data augment --data train.json --images images --output sheet.png --set training.augment.pictures=false
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.readers import read_files
    from kdsl.evaluation.contact_sheet import contact_sheet, spread
    from kdsl.evidence.observe import observe
    from kdsl.runs import atomic_write
    from kdsl.training.augmentation import augmented_copy

    settings = load_config(config_path, overrides)
    samples = spread(read_files(data, load_tasks(settings)), n_samples)
    evidences = observe(samples, images, settings.evidence, ocr)
    make = settings.training.augment
    rows = [(e, [augmented_copy(e, f"{e.sample.id}+{k}", make, settings.seed) for k in (1, 2, 3)]) for e in evidences]
    atomic_write(output, contact_sheet(rows))
    click.echo(f"{output}: {len(rows)} samples with 3 copies each", err=True)


def _tasks(files: tuple[Path, ...]) -> list[Task]:
    from kdsl.data.readers import load_task_files

    return load_task_files(files)
