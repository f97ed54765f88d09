"""`kdsl audit`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Labelled samples.")
@click.option(
    "--pred", type=click.Path(path_type=Path), required=True, help="Their out-of-fold predictions, by `kdsl crossval`."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="CSV of suspects, the worst first.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the pictures, to show the suspects.")
@click.option("--config", "config_path", default="configs/nano.yaml", show_default=True, help="Names the tasks.")
def audit(data: Path, pred: Path, output: Path, images: Path | None, config_path: str) -> None:
    """Rank labels that out-of-fold predictions contradict.

    Confident learning, by cleanlab. A suspect is a sample to look at: the predictions may be the ones that are
    wrong. No label is changed. With --images, OUTPUT.html shows each suspect's pictures and words beside both labels.

    \b
    Example:
      kdsl data split train.json --images images --folds 5 --output folds.json
      kdsl crossval --data train.json --images images --folds folds.json --output oof.jsonl
      kdsl audit --data train.json --pred oof.jsonl --images images --output audit.csv
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.evaluation.audit import audit as find
    from kdsl.evaluation.audit import pairs_table, write_audit, write_audit_page
    from kdsl.progress import say, show

    tasks = load_tasks(load_config(config_path))
    found = find(data, pred, tasks)
    write_audit(output, found)
    if images:
        page = output.with_name(output.name + ".html")
        write_audit_page(page, found, tasks, images)
        say(f"page to look through: {page}")
    if found.suspects:
        show(pairs_table(found))
    if not found.out_of_fold:
        say("these predictions do not say in which fold they were held out; of samples that were fitted on, few show")
    say(f"{len(found.suspects)} of {found.judged} labels are suspect ({found.failed} had no prediction): {output}")
