"""`kdsl demo`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
def demo(out: Path) -> None:
    """Fit, predict and explain on a bundled sample, in minutes.

    Draws dialogues and screens with kdsl's own synthetic world, reads them with OCR, fits a bundle,
    predicts what was held out, prints each expert alone and all together, explains one prediction and
    writes a report. No download, no GPU.
    """
    from kdsl.evaluation.demo import run_demo
    from kdsl.progress import say

    page = run_demo(out, say)
    say(f"the report is {page}")
