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
    from kdsl.config import load_config
    from kdsl.evaluation.demo import run_demo
    from kdsl.evaluation.experts_alone import experts_table
    from kdsl.progress import say, show

    demo = run_demo(out, load_config("configs/demo.yaml"))
    show(experts_table(demo.alone))
    if demo.told:
        show("\n" + demo.told.explain(demo.gold))
    say(f"the report is {demo.page}")
