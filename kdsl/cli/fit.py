"""`kdsl fit`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import config_options, data_options

if TYPE_CHECKING:
    from kdsl.data.sample import Sample


@click.command()
@data_options
@config_options
@click.option("--bundle", type=click.Path(path_type=Path), required=True, help="Folder to write the bundle to.")
@click.option(
    "--adapter",
    "given",
    multiple=True,
    metavar="TASK=FOLDER",
    help="Take this adapter, trained or merged before, for a task (or joint=FOLDER).",
)
def fit(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config_path: str,
    overrides: tuple[str, ...],
    bundle: Path,
    given: tuple[str, ...],
) -> None:
    """Fit a whole bundle: adapters, rules, index and ensemble.

    Every step that is finished is kept: after a kill, run the same command again.

    \b
    examples:
      kdsl fit --data train.json --images images --config configs/nano.yaml --bundle runs/nano
      kdsl fit --data train.json --data pseudo.json --images images --bundle runs/more
      kdsl fit --data train.json --images images --bundle runs/merged --adapter scene=runs/merged-scene
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.trainable import check_fit
    from kdsl.ensemble.fit import fit_bundle
    from kdsl.ensemble.router import figures_table, load_routers
    from kdsl.errors import InputError
    from kdsl.evidence.load import load_evidence
    from kdsl.export.card import write_cards
    from kdsl.progress import say, show
    from kdsl.training.memory import check_memory

    for entry in given:
        if not all(entry.partition("=")):
            raise InputError(f"--adapter {entry}: expected TASK=FOLDER, such as scene=runs/merged-scene.")
    adapters = {name: Path(folder) for name, _, folder in (entry.partition("=") for entry in given)}
    config = load_config(config_path, overrides)
    tasks = load_tasks(config)
    if config.large is not None:
        say(f"memory by estimate: {check_memory(config, beside_small=True)}")
    if config.large is not None:
        from kdsl.models.task_checks import check_tasks

        check_tasks(tasks, config)

    def check(samples: Sequence[Sample]) -> None:
        check_fit(samples, tasks, config.ensemble.inner_folds, config.seed)

    evidences = load_evidence(data, images, tasks, config.evidence, ocr, check)
    fitted = fit_bundle(evidences, tasks, config, bundle, given=adapters)
    write_cards(fitted)
    show(figures_table(load_routers(fitted.folder / "ensemble.json")))
    say(f"bundle {fitted.manifest['id']} is in {bundle}")
