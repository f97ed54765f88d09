"""`kdsl predict`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kdsl.cli.options import images_option, ocr_option


@click.command()
@click.option("--bundle", type=click.Path(path_type=Path), required=True, help="A bundle that `kdsl fit` made.")
@click.option("--input", "input_path", type=click.Path(path_type=Path), required=True, help="Samples to predict.")
@images_option
@ocr_option
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Predictions, one JSON line each.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: many processes, on this machine or on the cluster at RAY_ADDRESS; lines in any order.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes of --engine ray, each with the bundle's models. [default: one a GPU, else one a core]",
)
def predict(
    bundle: Path,
    input_path: Path,
    images: Path,
    ocr: Path | None,
    output: Path,
    engine: str,
    workers: int | None,
) -> None:
    """Predict samples with a bundle; one JSON line each.

    Lines are appended as they are made. A sample that cannot be predicted becomes a line with an `error`,
    the rest goes on, and the exit code is 2. A killed run continues where it was, with either engine.

    \b
    Examples:
      kdsl predict --bundle runs/nano --input test.json --images images --output predictions.jsonl
      kdsl predict --bundle runs/nano --input many.jsonl --images images --output predictions.jsonl --engine ray
    """
    from kdsl.ensemble.bundle import open_bundle
    from kdsl.ensemble.predict_file import predict_file
    from kdsl.ensemble.ray_engine import RayEngine
    from kdsl.progress import say

    if workers and engine != "ray":
        raise click.UsageError("--workers belongs to --engine ray.")
    chosen = RayEngine(workers) if engine == "ray" else None
    summary = predict_file(open_bundle(bundle), input_path, images, ocr, output, chosen)
    say(f"{summary.predicted} predicted, {summary.kept} kept from before, {len(summary.failed)} failed")
    for fault in summary.failed[:10]:
        say(f"failed: {fault}")
    if summary.failed:
        sys.exit(2)
