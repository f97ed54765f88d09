"""`kdsl merge-adapters`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options, ocr_option


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in value.replace(",", " ").split()) if value else None
    except ValueError:
        raise click.BadParameter(f"'{value}' is no list of numbers, such as 0.5,0.5.") from None


@click.command("merge-adapters")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder to write the adapter to.")
@click.option("--method", default="cat", show_default=True, help="How peft combines them; docs/export.md compares.")
@click.option("--weights", callback=_numbers, metavar="W,W,...", help="One a source. Default: all the same.")
@click.option("--density", type=float, help="Share of weights that ties, dare and magnitude_prune keep. Default: 0.5.")
@click.option("--seed", default=17, show_default=True, help="For dare, which drops weights at random.")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled samples to judge sources and result on.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder that their pictures lie in.")
@ocr_option
@config_options
def merge_adapters(
    sources: tuple[Path, ...],
    output: Path,
    method: str,
    weights: tuple[float, ...] | None,
    density: float | None,
    seed: int,
    data: Path | None,
    images: Path | None,
    ocr: Path | None,
    config_path: str,
    overrides: tuple[str, ...],
) -> None:
    """Merge adapters of one base (folds, seeds, views of the data) into one.

    SOURCES are adapter folders. The result is an adapter folder too, with a manifest that names its sources.
    With --data, prints weighted F1 and mean log-loss of each source and of the result, by label scoring.

    \b
    examples:
      kdsl merge-adapters runs/a/adapters/scene runs/b/adapters/scene --output runs/merged/scene
      kdsl merge-adapters A B --method ties --density 0.3 --output OUT --data valid.json --images images
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.readers import read_samples
    from kdsl.errors import InputError
    from kdsl.evaluation.adapters import adapters_table, judge_adapters
    from kdsl.evidence.observe import observe
    from kdsl.export.merging import Merge, check_mergeable, merge_adapters, trained_tasks
    from kdsl.models.base import load_base
    from kdsl.progress import say, show

    if (data is None) != (images is None):
        raise InputError("--data and --images belong together: labelled samples, and the folder of their pictures.")
    config = load_config(config_path, overrides)
    merge = Merge(method, weights, density, seed).resolved(len(sources))
    check_mergeable(sources, method)
    every = load_tasks(config)
    tasks = trained_tasks(sources, every)
    evidences = []
    if data and images:
        samples = [s for s in read_samples(data, every) if s.task in {task.name for task in tasks}]
        evidences = observe(samples, images, config.evidence, ocr)
    loaded = load_base(config.model("large"))
    merge_adapters(loaded, sources, merge, output)
    say(f"merged {len(sources)} adapters into {output}")
    if evidences:
        show(adapters_table(judge_adapters(loaded, [*sources, output], evidences, tasks, config.prompt)))
