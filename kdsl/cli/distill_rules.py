"""`kdsl distill-rules`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options, data_options


@click.command(name="distill-rules")
@data_options
@config_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for <task>.yaml.")
@click.option("--task", "only", help="Distil the rules of this task only.")
@click.option("--no-model", is_flag=True, help="Search without the small model: a uniform prior.")
@click.option("--no-shipped", is_flag=True, help="Leave the rules that ship with kdsl out of the candidates.")
def distill_rules(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config_path: str,
    overrides: tuple[str, ...],
    out: Path,
    only: str | None,
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
    from kdsl.config import load_config, load_tasks
    from kdsl.data.trainable import check_trainable
    from kdsl.evidence.load import load_evidence
    from kdsl.rules.distill import distill_tasks
    from kdsl.tasks import task_by_name

    config = load_config(config_path, overrides)
    tasks = load_tasks(config)
    chosen = tasks if only is None else [task_by_name(tasks, only)]
    evidences = load_evidence(
        data, images, tasks, config.evidence, ocr, lambda samples: check_trainable(samples, chosen)
    )
    teachers = {}
    if not no_model and config.small is not None and config.rules.occlusion_samples:
        from kdsl.models.base import load_base
        from kdsl.models.generation import writer
        from kdsl.models.scorer import LabelScorer
        from kdsl.rules.teacher import ScoreCache, Teacher

        small = load_base(config.small)
        for task in chosen:
            cache = ScoreCache(f"{small.fingerprint}:{config.prompt}:{task}", out / ".scores")
            teachers[task.name] = Teacher(
                LabelScorer(small, task, config.prompt).score, writer(small), small.name, cache
            )
    distill_tasks(evidences, chosen, config, out, teachers, shipped=not no_shipped)
