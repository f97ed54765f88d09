"""`kdsl fit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from kdsl.cli.options import (
    HelpfulCommand,
    columns_options,
    data_option,
    learning_options,
    out_option,
    own_tasks_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


def _given(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    for value in values:
        if not all(value.partition("=")):
            raise click.BadParameter(f"'{value}': expected TASK=FOLDER, such as scene=runs/merged-scene.")
    return {name: Path(folder) for name, _, folder in (value.partition("=") for value in values)}


_data_option = data_option("Labelled samples, if there are any", required=False)


def _by_default(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.DEFAULT


@click.command(cls=HelpfulCommand)
@partial(learning_options, data=_data_option)
@out_option("Folder to write the bundle to.")
@own_tasks_option
@columns_options
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    callback=_given,
    metavar="TASK=FOLDER",
    help="Take this adapter, trained or merged before, for a task (or joint=FOLDER).",
)
def fit(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    out: Path,
    task_file: tuple[Path, ...],
    adapters: dict[str, Path],
    columns: Columns,
) -> None:
    """Fit a whole bundle: adapters, rules, index and ensemble.

    Labels of your own need no task file: where none of them is known to the shipped tasks, and --config names no other
    tasks, a task is made of the data, and the log says so. Without any labelled sample a bundle rests on what the task
    file calls and describes the labels as, on rules and on snippets; the log says on what. Every step that is finished
    is kept: after a kill, run the same command again.

    \b
    examples:
      kdsl fit --data shop.csv --out runs/shop
      kdsl fit --data faq.xlsx --text-column question --label-column topic --out runs/faq
      kdsl fit --data photos --out runs/photos
      kdsl fit --data shop.csv --task-file tasks/shop.yaml --out runs/described
      kdsl fit --task-file tasks/shop.yaml --out runs/first
      kdsl fit --data train.json --images images --config configs/nano.yaml --out runs/shop
      kdsl fit --data train.json --data pseudo.json --images images --out runs/more
      kdsl fit --data train.json --images images --out runs/merged --adapter scene=runs/merged-scene
    """
    if not data and not task_file and _by_default("config"):
        raise click.UsageError(
            "Nothing says which labels there are. Give labelled samples (--data), a file that names and describes the "
            "labels (--task-file), or, for the labels that ship with kdsl, --config configs/nano.yaml."
        )
    from kdsl.ensemble.router import figures_table, load_routers
    from kdsl.progress import say, show
    from kdsl.recognizer import Recognizer

    with Recognizer.fit(
        data or None,
        images=images,
        out=out,
        config=config,
        overrides=overrides,
        ocr=ocr,
        task_file=task_file,
        adapters=adapters,
        columns=columns,
    ) as fitted:
        routers = load_routers(out / "ensemble.json")
        if any(router.figures for router in routers.values()):
            show(figures_table(routers))
        say(f"bundle {fitted.bundle.manifest['id']} is in {out}")
