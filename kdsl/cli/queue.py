"""`kdsl queue`: samples that people should label, also in Label Studio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import (
    FILE,
    bundle_option,
    columns_options,
    data_option,
    images_option,
    noun,
    ocr_option,
    out_option,
    task_option,
)

if TYPE_CHECKING:
    from kdsl.corrections.queue import Queue
    from kdsl.data.columns import Columns

_state_option = click.option("--state", type=FILE, required=True, help="The state folder of a server.")


@noun("list")
def queue() -> None:
    """Samples to label, the most doubtful first; out to Label Studio, and back as corrections."""


@queue.command()
@bundle_option("The bundle that predicts them.", required=True)
@_state_option
@data_option("Samples without labels")
@images_option
@ocr_option
@columns_options
def add(bundle: Path, state: Path, data: tuple[Path, ...], images: Path, ocr: Path | None, columns: Columns) -> None:
    """Predict samples and put them into the queue.

    \b
    examples:
      kdsl queue add --bundle runs/shop --state runs/shop.state --data new.jsonl
    """
    from kdsl.corrections.ask import asked
    from kdsl.recognizer import Recognizer

    with Recognizer.load(bundle) as recognizer:
        items = asked(recognizer, data, images=images, ocr=ocr, columns=columns)
        new = _queue(state).add(items, "file")
    click.echo(f"{new} of {len(items)} samples are new in the queue")


@queue.command(name="list")
@_state_option
@task_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to show.")
def list_command(state: Path, task: str | None, limit: int) -> None:
    """Show the samples that wait, the most doubtful first.

    \b
    examples:
      kdsl queue list --state runs/shop.state
    """
    from kdsl.rules.show import harmless

    queued = _there(state)
    waiting, items = queued.open(task, limit)
    for item in items:
        said = " / ".join(text for role, text in item.turns if role == "user") or f"{len(item.pictures)} picture(s)"
        prediction = item.prediction
        click.echo(
            f"{item.number}  {item.task}  {item.doubt.why}  {prediction.label} {prediction.probability:.2f}"
            f"  margin {item.doubt.margin:.2f}  {harmless(' '.join(said.split())[:80])}"
        )
    click.echo(f"{waiting} samples wait")
    if task is not None and task not in (held := queued.tasks()) and held:
        click.echo(f"The queue holds no sample of a task '{task}'; it holds samples of {', '.join(held)}.")


@queue.command()
@bundle_option("The bundle whose labels there are to choose from.", required=True)
@_state_option
@task_option
@out_option("Folder to write TASK.json, Label Studio's tasks, and TASK.xml, its labelling interface, to.")
def export(bundle: Path, state: Path, task: str | None, out: Path) -> None:
    """Write what waits as tasks for Label Studio, with predictions and scores.

    In Label Studio: make a project, paste TASK.xml as its labelling interface, import TASK.json, and sort by
    prediction score.

    \b
    examples:
      kdsl queue export --bundle runs/shop --state runs/shop.state --out to-label
    """
    from kdsl.corrections.ask import export_tasks
    from kdsl.ensemble.bundle import open_bundle

    for name, count in export_tasks(_there(state), open_bundle(bundle).tasks, out, task).items():
        click.echo(f"{out / name}.json: {count} tasks")


@queue.command(name="import")
@click.argument("file", type=FILE)
@bundle_option("The bundle whose labels were chosen from.", required=True)
@_state_option
def import_command(file: Path, bundle: Path, state: Path) -> None:
    """Store the annotations of FILE, Label Studio's export as JSON, as corrections, each once.

    \b
    examples:
      kdsl queue import project-1.json --bundle runs/shop --state runs/shop.state
    """
    from kdsl.corrections.ask import import_export
    from kdsl.corrections.feedback import Feedback
    from kdsl.ensemble.bundle import open_bundle

    feedback = Feedback(_folder(state) / "feedback.sqlite")
    found, new = import_export(file, open_bundle(bundle), feedback)
    click.echo(
        f"{new} of {len(found.corrections)} annotations are new corrections; {found.unlabelled} tasks are not "
        f"labelled, {found.disputed} are labelled differently by several people"
    )


@queue.command()
@_state_option
@click.confirmation_option(prompt="Forget all samples of the queue? Corrections stay.")
def clear(state: Path) -> None:
    """Forget all samples of the queue; corrections stay.

    \b
    examples:
      kdsl queue clear --state runs/shop.state --yes
    """
    click.echo(f"{_there(state).clear()} samples are forgotten")


def _there(state: Path) -> Queue:
    return _queue(_folder(state))


def _folder(state: Path) -> Path:
    """A state folder that is there: a name with a slip of the pen is no empty queue, and no place for corrections."""
    from kdsl.errors import InputError

    if not state.is_dir():
        raise InputError(f"{state}: is no folder; give the one that `kdsl serve` keeps its state in.")
    return state


def _queue(state: Path) -> Queue:
    from kdsl.corrections.feedback import Feedback
    from kdsl.corrections.queue import Queue

    return Queue(state / "queue.sqlite", Feedback(state / "feedback.sqlite"))
