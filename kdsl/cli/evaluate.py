"""`kdsl evaluate`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import (
    FILE,
    HelpfulCommand,
    bundle_option,
    columns_options,
    config_option,
    data_option,
    ocr_option,
    out_option,
    own_tasks_option,
    pred_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@click.command(cls=HelpfulCommand)
@data_option("Labelled samples", multiple=False)
@pred_option
@out_option("Folder to write the report to.")
@click.option("--images", type=FILE, help="Folder that all pictures lie below, to show the wrong ones.")
@ocr_option
@config_option
@own_tasks_option
@bundle_option("The bundle that predicted: tasks and columns are its own.")
@columns_options
@click.option(
    "--by-modality",
    type=FILE,
    metavar="BUNDLE",
    help="Also score this bundle by text alone, by pictures alone and jointly: three predictions per sample with both.",
)
def evaluate(
    data: Path,
    pred: Path,
    out: Path,
    images: Path | None,
    ocr: Path | None,
    config: str,
    task_file: tuple[Path, ...],
    bundle: Path | None,
    columns: Columns,
    by_modality: Path | None,
) -> None:
    """Score predictions against labels and write a report.

    The folder gets metrics.json, report.html with the wrong samples and their traces, errors.jsonl, and the
    pictures. Figures equal scikit-learn's; failed samples count as wrong. Rows of DATA that are no labelled sample are
    set aside with the reason in gold.bad.jsonl and count in no figure; then the exit code is 2.

    \b
    examples:
      kdsl evaluate --data test.json --pred predictions.jsonl --out report --images images
      kdsl evaluate --data test.csv --pred predictions.jsonl --out report --bundle runs/shop
      kdsl evaluate --data test.csv --pred predictions.jsonl --out report --task-file tasks/shop.yaml
      kdsl evaluate --data test.json --pred predictions.jsonl --out report --images images --by-modality runs/shop
    """
    from kdsl.config_file import load_config, load_tasks
    from kdsl.data.own_task import tasks_for
    from kdsl.data.readers import load_task_files
    from kdsl.ensemble.bundle import open_bundle
    from kdsl.evaluation.experts_alone import experts_table
    from kdsl.evaluation.predictions import task_predicted
    from kdsl.evaluation.report import (
        BAD,
        confidence_table,
        evaluate_file,
        metrics_table,
        modalities_table,
        scope_table,
        write_evaluation,
    )
    from kdsl.progress import say, show

    tasks = load_task_files(task_file) if task_file else []
    if source := bundle or by_modality:
        opened = open_bundle(source)
        columns, tasks = opened.columns_for([data], columns), tasks or opened.tasks
    if not tasks:  # one that is made of the data is called as the one that was predicted
        tasks = tasks_for([data], load_tasks(load_config(config)), columns, task_predicted(pred))
    evaluation = evaluate_file(data, pred, tasks, columns)
    if by_modality:
        from kdsl.evaluation.modalities import by_modality as score

        found = score(open_bundle(by_modality), data, images or Path(), ocr, columns)
        evaluation = replace(evaluation, modalities={name: found[name] for name in evaluation.tasks if name in found})
    page = write_evaluation(evaluation, out, data if data.is_dir() else images)
    show(metrics_table(evaluation))
    show(confidence_table(evaluation))
    if evaluation.scope:
        show(scope_table(evaluation.scope))
    if evaluation.modalities:
        show(modalities_table(evaluation.modalities))
    if evaluation.alone:
        show(experts_table(evaluation.alone))
    say(f"report: {page}")
    if evaluation.set_aside:
        say(f"{len(evaluation.set_aside)} row(s) of {data} were set aside: {out / BAD}")
        sys.exit(2)
