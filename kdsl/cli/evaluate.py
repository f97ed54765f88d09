"""`kdsl evaluate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--gold", type=click.Path(path_type=Path), required=True, help="Labelled samples.")
@click.option("--pred", type=click.Path(path_type=Path), required=True, help="Predictions, one JSON line each.")
@click.option("--report", type=click.Path(path_type=Path), required=True, help="Folder to write the report to.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the pictures, to show the wrong ones.")
@click.option("--config", "config_path", default="configs/nano.yaml", show_default=True, help="Names the tasks.")
def evaluate(gold: Path, pred: Path, report: Path, images: Path | None, config_path: str) -> None:
    """Score predictions against gold and write a report.

    The folder gets metrics.json, report.html with the wrong samples and their traces, errors.jsonl, and the
    pictures. Figures equal scikit-learn's; failed samples count as wrong.

    \b
    Example:
      kdsl evaluate --gold test.json --pred predictions.jsonl --report report --images images
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.evaluation.experts_alone import FUSED, experts_alone, experts_table
    from kdsl.evaluation.report import evaluate_file, metrics_table, write_evaluation
    from kdsl.progress import say, show

    evaluation = evaluate_file(gold, pred, load_tasks(load_config(config_path)))
    page = write_evaluation(evaluation, report, images)
    show(metrics_table(evaluation))
    alone = experts_alone(evaluation.judged)
    if any(row.expert != FUSED for row in alone):
        show(experts_table(alone))
    say(f"report: {page}")
