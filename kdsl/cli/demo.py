"""`kdsl demo`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import FILE, HelpfulCommand


@click.command(cls=HelpfulCommand)
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder to write everything to.")
def demo(out: Path) -> None:
    """Fit, predict and explain on a bundled sample, in minutes.

    Draws dialogues and screens with kdsl's own synthetic world, reads them with OCR, fits a bundle,
    predicts what was held out, prints each expert alone and all together, explains one prediction and
    writes a report. No download, no GPU.

    \b
    examples:
      kdsl demo --out demo
    """
    from kdsl.config_file import load_config
    from kdsl.evaluation.demo import run_demo
    from kdsl.evaluation.experts_alone import experts_table
    from kdsl.progress import say, show

    found = run_demo(out, load_config("configs/demo.yaml"))
    show(experts_table(found.alone))
    if found.told is not None:
        show("", found.told.explain(found.gold))
    say(f"the report is {found.page}")
