"""`kdsl data`: check, convert, split, draw and label data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from kdsl.cli.options import (
    FILE,
    HelpfulCommand,
    bundle_option,
    columns_options,
    config_option,
    data_option,
    images_option,
    learning_options,
    noun,
    ocr_option,
    out_option,
    own_tasks_option,
    pred_option,
    seed_option,
    set_option,
    task_files_option,
)
from kdsl.errors import InputError
from kdsl.tasks import Task

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@noun("check")
def data() -> None:
    """Check, convert, split, draw, label and review data."""


@data.command(name="check")
@click.argument("file", type=FILE)
@images_option
@click.option("--folds", type=FILE, help="JSON file: sample id -> fold; finds near-duplicates across folds.")
@own_tasks_option
@config_option
@set_option
@columns_options
@click.option("--max-megapixels", default=100.0, show_default=True, help="Larger pictures are refused.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def check_command(
    file: Path,
    images: Path,
    folds: Path | None,
    task_file: tuple[Path, ...],
    config: str,
    overrides: tuple[str, ...],
    columns: Columns,
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
    from kdsl.config_file import load_config, load_tasks
    from kdsl.data.check import check, report_parts
    from kdsl.data.own_task import tasks_for
    from kdsl.progress import show

    settings = load_config(config, overrides)
    tasks = _tasks(task_file) if task_file else tasks_for([file], load_tasks(settings), columns)
    least = settings.ensemble.fewest_folds
    report = check(
        file, tasks, images, folds, max_megapixels, least, settings.seed, columns, unlabelled=bool(task_file)
    )
    if settings.of_each_large or settings.small:
        from kdsl.models.task_checks import task_faults  # here: it loads torch, and a broken file is told before

        report.problems += task_faults(tasks, settings, fetch=False)
    command = click.get_current_context().command
    assert isinstance(command, HelpfulCommand)
    report.problems, report.notes = (list(map(command.with_flags, said)) for said in (report.problems, report.notes))
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        show(*report_parts(report))
    if report.problems:
        raise InputError(f"{file}: {len(report.problems)} problem(s) would stop `kdsl fit`; the report lists them.")


@data.command()
@click.argument("file", type=FILE)
@out_option("File to write; never FILE itself.")
@click.option("--to", "kind", type=click.Choice(["mire", "llama-factory"]), required=True, help="The format to write.")
@task_files_option("the two tasks of the MIRE challenge, or one made of FILE")
@columns_options
def convert(
    file: Path, out: Path, kind: Literal["mire", "llama-factory"], task_files: tuple[Path, ...], columns: Columns
) -> None:
    """Convert FILE, in any format that kdsl reads, and write it in another one.

    \b
    examples:
      kdsl data convert train.json --to llama-factory --out llama/mire.json
    """
    from kdsl.data.writers import convert as convert_file

    click.echo(f"{out}: {convert_file(file, out, kind, _tasks(task_files, file, columns), columns)} samples", err=True)


@data.command()
@click.argument("file", type=FILE)
@out_option("Where to write the folds, a JSON file.")
@click.option("--n-folds", default=5, show_default=True, type=click.IntRange(min=2), help="Number of folds.")
@seed_option
@click.option("--images", type=FILE, help="Folder that all pictures lie below; near-duplicates then share a fold.")
@task_files_option("the two tasks of the MIRE challenge, or one made of FILE")
@columns_options
def split(
    file: Path,
    out: Path,
    n_folds: int,
    seed: int,
    images: Path | None,
    task_files: tuple[Path, ...],
    columns: Columns,
) -> None:
    """Divide FILE into folds, stratified by label, for `kdsl experiment crossval`.

    \b
    examples:
      kdsl data split train.json --images images --n-folds 5 --out folds.json
    """
    from kdsl.data.splits import split_file

    tasks = _tasks(task_files, file, columns)
    click.echo(f"{out}: {split_file(file, out, tasks, n_folds, seed, images, columns)} samples", err=True)


@data.command()
@out_option("Folder for train.json and images/.")
@click.option("--per-label", default=20, show_default=True, type=click.IntRange(min=1), help="Samples of each label.")
@seed_option
@task_files_option("the two tasks of the MIRE challenge")
def world(out: Path, per_label: int, seed: int, task_files: tuple[Path, ...]) -> None:
    """Draw labelled samples of the synthetic world: dialogues and screens.

    \b
    examples:
      kdsl data world --out world --per-label 50
    """
    from kdsl.world.files import write_world

    write_world(out, per_label, seed, _tasks(task_files))
    click.echo(f"{out}: written", err=True)


@data.command()
@learning_options
@click.option("--samples", default=6, show_default=True, type=click.IntRange(1, 100), help="How many to show.")
@out_option("The contact sheet, a PNG file.")
def augment(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    samples: int,
    out: Path,
) -> None:
    """Show what augmentation makes of some samples: each beside three copies, changes of text marked.

    \b
    examples:
      kdsl data augment --data train.json --images images --out sheet.png
      kdsl data augment --data train.json --images images --out sheet.png --set training.augment.pictures=false
    """
    from kdsl.evaluation.contact_sheet import write_contact_sheet

    shown = write_contact_sheet(data, out, samples, images=images, ocr=ocr, config=config, overrides=overrides)
    click.echo(f"{out}: {shown} samples with 3 copies each", err=True)


@data.command()
@data_option("Labelled samples", multiple=False)
@pred_option
@out_option("CSV file of suspects, the worst first.")
@click.option("--images", type=FILE, help="Folder that all pictures lie below, to show the suspects.")
@config_option
def audit(data: Path, pred: Path, out: Path, images: Path | None, config: str) -> None:
    """Rank labels that out-of-fold predictions contradict.

    Confident learning, by cleanlab (`pip install 'kdsl[audit]'`). A suspect is a sample to look at: the predictions
    may be the ones that are wrong. No label is changed. With --images, OUT.html shows each suspect's pictures and words
    beside both labels.

    \b
    examples:
      kdsl experiment crossval --data train.json --images images --folds folds.json --out oof.jsonl
      kdsl data audit --data train.json --pred oof.jsonl --images images --out audit.csv
    """
    from kdsl.config_file import load_config, load_tasks
    from kdsl.data.own_task import tasks_for
    from kdsl.evaluation.audit import audit as find
    from kdsl.evaluation.audit import pairs_table, write_audit, write_audit_page
    from kdsl.progress import say, show

    tasks = tasks_for([data], load_tasks(load_config(config)))
    found = find(data, pred, tasks)
    write_audit(out, found)
    if images:
        page = out.with_name(out.name + ".html")
        write_audit_page(page, found, tasks, images)
        say(f"page to look through: {page}")
    if found.suspects:
        show(pairs_table(found))
    if not found.out_of_fold:
        say("these predictions do not say in which fold they were held out; of samples that were fitted on, few show")
    say(f"{len(found.suspects)} of {found.judged} labels are suspect ({found.failed} had no prediction): {out}")


@data.command(name="pseudo-label")
@bundle_option(required=True)
@data_option("Unlabelled samples", multiple=False)
@images_option
@ocr_option
@click.option(
    "--min-probability", type=click.FloatRange(0, 1), required=True, help="Less confident predictions are left out."
)
@click.option("--per-label", type=click.IntRange(1), help="At most so many per label, the most confident.")
@out_option("Labelled samples, in MIRE's format.")
def pseudo_label(
    bundle: Path,
    data: Path,
    images: Path,
    ocr: Path | None,
    min_probability: float,
    per_label: int | None,
    out: Path,
) -> None:
    """Label unlabelled samples where a bundle is confident.

    Predictions that say 'ask a person' are never taken. OUT.origin.jsonl says how probable each label is and
    which bundle gave it. A killed run continues where it was; another threshold reuses its predictions.

    \b
    examples:
      kdsl data pseudo-label --bundle runs/shop --data new.json --images images --min-probability 0.95 --out more.json
      kdsl fit --data train.json --data more.json --images images --out runs/more
    """
    from kdsl.ensemble.bundle import open_bundle
    from kdsl.ensemble.pseudo import counts_table
    from kdsl.ensemble.pseudo import pseudo_label as label
    from kdsl.progress import say, show

    found = label(open_bundle(bundle), data, images, ocr, out, min_probability=min_probability, per_label=per_label)
    show(counts_table(found))
    say(f"{len(found.samples)} of {sum(found.predicted.values())} samples are labelled in {out}")
    for fault in found.faults:
        say(f"failed: {fault}")
    if found.failed:
        sys.exit(2)


@data.command()
@pred_option
@out_option("CSV file to write.")
@click.option(
    "--test",
    type=FILE,
    help="The challenge's unlabelled file: keep its order and columns, as the baseline does, and check "
    "that every sample has a prediction.",
)
def submit(pred: Path, out: Path, test: Path | None) -> None:
    """Write predictions as the challenge's CSV, with columns id and predict.

    \b
    examples:
      kdsl data submit --pred predictions.jsonl --out submit.csv
      kdsl data submit --pred predictions.jsonl --out submit.csv --test test1.json
    """
    from kdsl.data.writers import write_submission

    click.echo(f"{out}: {write_submission(pred, out, test)} predictions", err=True)


def _tasks(files: tuple[Path, ...], data: Path | None = None, columns: Columns | None = None) -> list[Task]:
    from kdsl.data.own_task import tasks_for
    from kdsl.data.readers import load_task_files

    tasks = load_task_files(files)
    return tasks if files or data is None else tasks_for([data], tasks, columns or {})
