"""`kdsl refit`: a candidate from corrections, compared and switched to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kdsl.cli.options import FILE, bundle_option, columns_options, data_option, images_option, noun, ocr_option

if TYPE_CHECKING:
    from kdsl.corrections.comparison import Comparison
    from kdsl.data.columns import Columns

_SHOWN = 10
"""Samples of each kind that are printed; the candidate's refit/comparison.json has all."""


@noun("make")
def refit() -> None:
    """Make a candidate from corrections, compare it, and switch to it and back."""


@refit.command()
@bundle_option("The bundle to make a candidate of; it is not changed.", required=True)
@click.option("--feedback", type=FILE, required=True, help="Corrections: feedback.sqlite of a server's state.")
@click.option("--out", type=FILE, help="Folder of the candidate. [default: BUNDLE-refit-1, -2, ...]")
@data_option("Samples that the bundle was fitted on, where it does not find them itself", required=False)
@images_option
@ocr_option
@columns_options
def make(
    bundle: Path,
    feedback: Path,
    out: Path | None,
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    columns: Columns,
) -> None:
    """Fit the bundle's samples and people's corrections anew, and show before and after.

    Both are judged on the same samples, which neither had learned when it was asked. Samples keep their inner folds,
    edited rules are kept. After a kill, run the same command again: it goes on with the corrections it began with.

    \b
    examples:
      kdsl refit --bundle runs/shop --feedback runs/shop.state/feedback.sqlite
      kdsl refit --bundle runs/shop --feedback feedback.sqlite --data train.json --images images --out runs/shop-2
    """
    from kdsl.corrections.refit import next_candidate, refit
    from kdsl.data.folders import picture_root
    from kdsl.data.source import DataSource
    from kdsl.ensemble.bundle import open_bundle
    from kdsl.progress import say

    source = DataSource(data, picture_root(data, images), ocr, columns) if data else None
    folder = out or next_candidate(open_bundle(bundle))
    found = refit(bundle, feedback, folder, source)
    _show(found)
    say(f"candidate {found.after} is in {folder}: {found.verdict}")


@refit.command()
@click.argument("candidate", type=FILE)
def show(candidate: Path) -> None:
    """Show how a CANDIDATE compares with the bundle that it was made from.

    \b
    examples:
      kdsl refit show runs/shop-refit-1
    """
    from kdsl.corrections.comparison import Comparison
    from kdsl.errors import InputError

    found = Comparison.of_candidate(candidate)
    if found is None:
        raise InputError(f"{candidate} is no candidate that `kdsl refit` finished.")
    _show(found)


_server_option = click.option(
    "--server", default="http://127.0.0.1:8000", show_default=True, help="Address of the server."
)


@refit.command()
@click.argument("name")
@_server_option
@click.option("--anyway", is_flag=True, help="Switch to a candidate that is worse, too.")
def switch(name: str, server: str, anyway: bool) -> None:
    """Let a running server serve the bundle NAME, a folder beside the one that it serves.

    A candidate that is worse than what it was made from is refused. A server with keys needs one with the role 'admin'
    in the environment's KDSL_KEY.

    \b
    examples:
      kdsl refit switch shop-refit-1
    """
    _ask(server, name, anyway=anyway)


@refit.command()
@_server_option
def back(server: str) -> None:
    """Let a running server serve the bundle that it served before.

    \b
    examples:
      kdsl refit back
    """
    _ask(server, None)


def _ask(server: str, name: str | None, *, anyway: bool = False) -> None:
    from kdsl.corrections.switching import ask_to_switch

    found = ask_to_switch(server, name, anyway=anyway, key=os.environ.get("KDSL_KEY"))
    before = f"; before: {found['previous']}" if found["previous"] else ""
    click.echo(f"served: {found['model']['bundle']} ({found['model']['version']}){before}")


def _show(found: Comparison) -> None:
    from rich.table import Table

    from kdsl.progress import show

    for task in found.tasks:
        table = Table(
            task.task, "samples", "F1 before", "after", "difference", "95% interval", "mended", "broken", box=None
        )
        for group in task.groups:
            low, high = group.interval95
            table.add_row(
                group.of, str(group.n), f"{group.f1_before:.3f}", f"{group.f1_after:.3f}", _signed(group.difference),
                f"{_signed(low)} to {_signed(high)}", str(len(group.mended)), str(len(group.broken)),
            )  # fmt: skip
        labels = Table(
            "label", "samples", "F1 before", "after", "recall before", "after", "mended", "broken", "", box=None
        )
        for one in task.labels:
            labels.add_row(
                one.label, str(one.support), f"{one.f1_before:.3f}", f"{one.f1_after:.3f}", f"{one.recall_before:.3f}",
                f"{one.recall_after:.3f}", str(one.mended), str(one.broken), "lost" if one.lost else "",
            )  # fmt: skip
        show(table, labels, *_samples(task.groups[0]), f"{task.task}: {task.verdict} ({'; '.join(task.reasons)})")
    show(
        f"{found.verdict}: {found.corrections} corrections ({found.relabelled} samples got another label, "
        f"{found.added} are new), {found.unjudged} samples that no label fits are not judged"
    )


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # a zero has no sign but '+'


def _samples(group: Any) -> list[str]:
    lines = []
    for what, samples in (("mended", group.mended), ("broken", group.broken)):
        lines += [
            f"  {what}: {one.id} ({one.said}): {one.before} -> {one.after}, label {one.label}"
            for one in samples[:_SHOWN]
        ]
        lines += [f"  {what}: {len(samples) - _SHOWN} more"] * (len(samples) > _SHOWN)
    return lines
