"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def data_options(command: Command) -> Command:
    """--data, --images and --ocr of a command that learns."""
    for option in reversed(
        (
            click.option(
                "--data",
                type=click.Path(path_type=Path),
                required=True,
                multiple=True,
                help="Labelled samples; may be given more than once.",
            ),
            images_option,
            ocr_option,
        )
    ):
        command = option(command)
    return command


images_option = click.option(
    "--images", type=click.Path(path_type=Path), required=True, help="Folder that the pictures lie in."
)
ocr_option = click.option(
    "--ocr", type=click.Path(path_type=Path), help="OCR results that exist already, as JSON lines."
)


set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting, e.g. training.epochs=3."
)


def config_options(command: Command) -> Command:
    """--config and --set."""
    command = set_option(command)
    return click.option(
        "--config", "config_path", default="configs/nano.yaml", show_default=True, help="Settings of the run."
    )(command)
