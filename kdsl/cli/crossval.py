"""`kdsl crossval`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options, data_options


@click.command()
@data_options
@click.option("--folds", type=click.Path(path_type=Path), required=True, help="JSON: sample id -> fold.")
@click.option("--fold", "only", type=int, multiple=True, help="Only this fold; may be given more than once.")
@config_options
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Predictions, one JSON line each.")
def crossval(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    folds: Path,
    only: tuple[int, ...],
    config_path: str,
    overrides: tuple[str, ...],
    output: Path,
) -> None:
    """Honest out-of-fold predictions of the whole system.

    Everything is fitted without the fold that is predicted. A killed run continues where it was.

    \b
    Example:
      kdsl data split train.json --images images --folds 5 --output folds.json
      kdsl crossval --data train.json --images images --folds folds.json --output oof.jsonl
      kdsl evaluate --gold train.json --pred oof.jsonl --report report
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.splits import read_folds
    from kdsl.evaluation.crossval import cross_validate
    from kdsl.evidence.load import load_evidence
    from kdsl.progress import say
    from kdsl.training.memory import check_memory

    config = load_config(config_path, overrides)
    tasks = load_tasks(config)
    say(f"memory by estimate: {check_memory(config, beside_small=True)}")
    evidences = load_evidence(data, images, tasks, config.evidence, ocr)
    assigned = read_folds(folds, [e.sample.id for e in evidences])
    cross_validate(evidences, assigned, tasks, config, output, only)
    say(f"predictions are in {output}")
