"""`kdsl serve` and `kdsl keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kdsl.cli.options import FILE, HelpfulCommand, bundle_option, images_option, noun, ocr_option

STATE = "Folder of keys, corrections and the record of which bundle is served."


@click.command(cls=HelpfulCommand)
@bundle_option("The bundle to serve; others beside it can take its place.", required=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than this machine's need a key.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--state", type=FILE, help=f"{STATE} [default: BUNDLE.state]")
@click.option("--data", type=FILE, multiple=True, help="Labelled samples on which the effect of rules is shown.")
@images_option
@ocr_option
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Samples that may wait; more are told to come again (429).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds from a request to its answer.",
)
@click.option(
    "--max-request-mb", type=click.FloatRange(min=0.01), default=20.0, show_default=True, help="Size of a request."
)
@click.option(
    "--max-megapixels",
    type=click.FloatRange(min=0.01),
    default=25.0,
    show_default=True,
    help="Size of a picture, looked up before it is decoded.",
)
@click.option("--rate", help="Requests per key, such as 600/minute. [default: any]")
@click.option("--log-texts", is_flag=True, help="Log what users write.")
@click.option(
    "--keep-uncertain",
    is_flag=True,
    help="Keep samples on which the bundle is in doubt, with their pictures, for people to label (`kdsl queue`).",
)
def serve(**given: Any) -> None:
    """Serve a bundle over HTTP: predictions, rules and corrections (docs/serving.md).

    \b
    examples:
      kdsl serve --bundle runs/shop
      kdsl serve --bundle runs/shop --data train.json --images images --port 9000
      kdsl keys add shop --role predict --state runs/shop.state
      kdsl serve --bundle runs/shop --host 0.0.0.0
    """
    from kdsl.machine import require_extra

    require_extra("serve")
    from kdsl.serving.app import serve as run
    from kdsl.serving.settings import ServerSettings

    run(ServerSettings(**given))


@noun("list")
def keys() -> None:
    """Add, list and revoke the keys of a server."""


state_option = click.option("--state", type=FILE, required=True, help=STATE)


@keys.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    type=click.Choice(["read", "predict", "feedback", "label", "admin"]),
    multiple=True,
    required=True,
    help="What it may be used for; may be given more than once.",
)
@state_option
def add(name: str, roles: tuple[Any, ...], state: Path) -> None:
    """Make the key NAME and print it; it is shown this once.

    \b
    examples:
      kdsl keys add shop --role predict --role feedback --state runs/shop.state
    """
    click.echo(_keys(state).add(name, roles))


@keys.command(name="list")
@state_option
def list_command(state: Path) -> None:
    """List names and roles of the keys."""
    from kdsl.errors import InputError

    if not state.is_dir():
        raise InputError(f"{state}: is no folder; give the one that `kdsl serve` keeps its state in.")
    entries = _keys(state).entries
    for entry in entries:
        click.echo(f"{entry.name}  {', '.join(entry.roles)}  {entry.made}")
    if not entries:
        click.echo(f"{state}: there is no key", err=True)


@keys.command()
@click.argument("name")
@state_option
def revoke(name: str, state: Path) -> None:
    """Take the key NAME away; a running server refuses it at once."""
    _keys(state).revoke(name)
    click.echo(f"revoked: {name}")


def _keys(state: Path) -> Any:
    from kdsl.serving.keys import Keys

    return Keys(state / "keys.json")
