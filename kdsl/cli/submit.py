"""`kdsl submit`: predictions as the challenge's CSV."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--pred", type=click.Path(path_type=Path), required=True, help="JSONL of `kdsl predict`.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="CSV to write.")
@click.option(
    "--test",
    type=click.Path(path_type=Path),
    help="The challenge's unlabelled file: keep its order and columns, as the baseline does, and check "
    "that every sample has a prediction.",
)
def submit(pred: Path, output: Path, test: Path | None) -> None:
    """Write predictions as a CSV with columns id and predict.

    \b
    examples:
      kdsl submit --pred out.jsonl --output submit.csv
      kdsl submit --pred out.jsonl --output submit.csv --test test1.json
    """
    from kdsl.data.writers import write_submission

    count = write_submission(pred, output, test)
    click.echo(f"{output}: {count} predictions", err=True)
