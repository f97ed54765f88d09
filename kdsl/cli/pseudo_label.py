"""`kdsl pseudo-label`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kdsl.cli.options import images_option, ocr_option


@click.command(name="pseudo-label")
@click.option("--bundle", type=click.Path(path_type=Path), required=True, help="A bundle that `kdsl fit` made.")
@click.option("--input", "input_path", type=click.Path(path_type=Path), required=True, help="Unlabelled samples.")
@images_option
@ocr_option
@click.option(
    "--min-probability", type=click.FloatRange(0, 1), required=True, help="Less confident predictions are left out."
)
@click.option("--per-label", type=click.IntRange(1), help="At most so many a label, the most confident.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Labelled samples, in MIRE's format.")
def pseudo_label(
    bundle: Path,
    input_path: Path,
    images: Path,
    ocr: Path | None,
    min_probability: float,
    per_label: int | None,
    output: Path,
) -> None:
    """Label unlabelled samples where a bundle is confident.

    Predictions that say 'ask a person' are never taken. OUTPUT.origin.jsonl says how probable each label is and
    which bundle gave it. A killed run continues where it was; another threshold reuses its predictions.

    \b
    Example:
      kdsl pseudo-label --bundle runs/nano --input new.json --images images --min-probability 0.95 --output pseudo.json
      kdsl fit --data train.json --data pseudo.json --images images --bundle runs/more
    """
    from kdsl.ensemble.bundle import open_bundle
    from kdsl.ensemble.pseudo import counts_table
    from kdsl.ensemble.pseudo import pseudo_label as label
    from kdsl.progress import say, show

    found = label(
        open_bundle(bundle),
        input_path,
        images,
        ocr,
        output,
        min_probability=min_probability,
        per_label=per_label,
    )
    show(counts_table(found))
    say(f"{len(found.samples)} of {sum(found.predicted.values())} samples are labelled in {output}")
    for fault in found.failed[:10]:
        say(f"failed: {fault}")
    if found.failed:
        sys.exit(2)
