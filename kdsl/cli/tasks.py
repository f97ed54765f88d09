"""`kdsl tasks`: write task files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import FILE, columns_options, data_option, noun

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@noun()
def tasks() -> None:
    """Write a task file for labels of your own."""


@tasks.command()
@data_option()
@columns_options
@click.option("--out", type=FILE, help="Task file to write, where there is none yet. Default: standard output.")
def init(data: tuple[Path, ...], columns: Columns, out: Path | None) -> None:
    """Draft a task file from labelled samples: labels with counts, typical samples, and a place for descriptions.

    Add descriptions, in any language, and fit with --task-file. None is required.

    \b
    examples:
      kdsl tasks init --data shop.csv --out tasks/shop.yaml
      kdsl fit --data shop.csv --task-file tasks/shop.yaml --out runs/shop
    """
    from kdsl.errors import InputError
    from kdsl.files import atomic_write
    from kdsl.knowledge.task_file import draft_task_file

    if out and out.exists():  # it may hold descriptions that somebody wrote
        raise InputError(f"{out} exists already; give `out` another name.")
    text = draft_task_file(data, columns)
    if out is None:
        click.echo(text, nl=False)
        return
    atomic_write(out, text)
    click.echo(f"{out}: describe its labels, then fit with --task-file {out}", err=True)
