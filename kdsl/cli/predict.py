"""`kdsl predict`, `kdsl ask` and `kdsl explain`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import (
    HelpfulCommand,
    bundle_option,
    columns_options,
    data_option,
    images_option,
    ocr_option,
    task_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@click.command(cls=HelpfulCommand)
@bundle_option(required=True)
@data_option("Samples to predict", multiple=False)
@images_option
@ocr_option
@columns_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    help="Predictions, one JSON line each, or Parquet by the ending .parquet; '-' for standard output.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: on the cluster at RAY_ADDRESS, or in Ray's processes on this machine.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that predict, each with the bundle. [default: one where the bundle has a model, else one per core; "
    "of ray one per GPU, else one per core]",
)
@click.option(
    "--server",
    type=click.Path(path_type=Path),
    help="YAML file of a server that holds the large model and its adapters (docs/gpu.md).",
)
def predict(
    bundle: Path,
    data: Path,
    images: Path,
    ocr: Path | None,
    columns: Columns,
    out: Path,
    engine: str,
    workers: int | None,
    server: Path | None,
) -> None:
    """Predict samples with a bundle; one JSON line each.

    Files may be larger than memory, and any number of lines long. Lines are appended as they are made, in the order of
    the data. A row that cannot be predicted is set aside with the reason in OUT.bad.jsonl, the rest goes on, and the
    exit code is 2. A killed run continues where it was, with either engine. A prediction is made anew whose sample has
    changed under the same id, and so is one that was made with other OCR results or before rules were edited.

    \b
    examples:
      kdsl predict --bundle runs/shop --data test.json --images images --out predictions.jsonl
      kdsl predict --bundle runs/shop --data million.parquet --out predictions.parquet
      kdsl predict --bundle runs/shop --data many.jsonl --images images --out predictions.jsonl --engine ray
      kdsl predict --bundle runs/7b --data test.json --images images --out predictions.jsonl --server vllm.yaml
      cat questions.jsonl | kdsl predict --bundle runs/shop --data - --out -
    """
    from kdsl.data.prediction import bad_file
    from kdsl.progress import say
    from kdsl.recognizer import Recognizer

    with Recognizer.load(bundle, server=server) as recognizer:
        if str(out) == "-":
            failed = 0
            for line in recognizer.predict_lines(data, images=images, ocr=ocr, columns=columns):
                click.echo(json.dumps(line, ensure_ascii=False))
                failed += "error" in line
            sys.exit(2 if failed else 0)
        found = recognizer.predict_file(
            data,
            out,
            images=images,
            ocr=ocr,
            engine=engine,  # type: ignore[arg-type]
            workers=workers or "auto",
            columns=columns,
        )
    say(f"{found.predicted} predicted, {found.kept} kept from before, {found.failed} failed")
    for fault in found.faults:
        say(f"failed: {fault}")
    if found.failed:
        say(f"all that failed stand in {bad_file(out)}")
        sys.exit(2)


@click.command(cls=HelpfulCommand)
@click.argument("text", nargs=-1)
@bundle_option(required=True)
@click.option(
    "-p", "--picture", "pictures", type=click.Path(path_type=Path), multiple=True, help="A picture; may be repeated."
)
@task_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole prediction as one JSON line.")
@click.option("--explain", "explained", is_flag=True, help="Print how the prediction came about.")
def ask(
    text: tuple[str, ...],
    bundle: Path,
    pictures: tuple[Path, ...],
    task: str | None,
    as_json: bool,
    explained: bool,
) -> None:
    """Answer one question, without a file: what a dialogue wants, or what a picture shows.

    Each TEXT is a turn of the user; '-' reads one from standard input. Pictures alone are a question of their own.

    \b
    examples:
      kdsl ask --bundle runs/shop "会生锈吗" -p pot.jpg
      kdsl ask --bundle runs/shop -p screenshot.png --explain
      kdsl ask --bundle runs/shop "Will it rust?" --json
    """
    from kdsl.data.sample import Sample
    from kdsl.recognizer import Recognizer

    turns = [sys.stdin.read() if turn == "-" else turn for turn in text]
    if not turns and len(pictures) != 1:
        raise click.UsageError("Give a TEXT, or one picture with -p.")
    one = Sample.dialogue(turns, pictures, task=task or "") if turns else Sample.picture(pictures[0], task=task or "")
    with Recognizer.load(bundle) as recognizer:
        found = recognizer.predict(one)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    elif explained:
        click.echo(found.explain())
    else:
        reason = "probably no label fits: " if found.out_of_scope else ""
        doubt = f"  ({reason}ask a person)" if found.abstained else ""
        click.echo(f"{found.label}  {found.probability:.2f}{doubt}")


@click.command(cls=HelpfulCommand)
@click.argument("pred", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("id")
def explain(pred: Path, id: str) -> None:
    """Say how the prediction of the sample ID in the file PRED came about; '-' reads standard input.

    \b
    examples:
      kdsl explain predictions.jsonl s-17
      grep '"abstained": true' predictions.jsonl | kdsl explain - s-17
    """
    from kdsl.data.prediction import explain_line

    click.echo(explain_line(sys.stdin.buffer if str(pred) == "-" else pred, id))
