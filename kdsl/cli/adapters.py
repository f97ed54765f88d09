"""`kdsl adapters`: list, merge and export adapters, and teach the small model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kdsl.cli.options import (
    FILE,
    bundle_option,
    columns_options,
    config_option,
    images_option,
    learning_options,
    noun,
    ocr_option,
    out_option,
    resume_option,
    seed_option,
    set_option,
    task_option,
    tasks_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns


@noun("list")
def adapters() -> None:
    """List, merge and export adapters; teach the small model."""


@adapters.command(name="list")
@click.argument("folder", type=FILE, default=".")
def list_command(folder: Path) -> None:
    """List the adapters below FOLDER: a bundle, or what `kdsl train-large` wrote.

    \b
    examples:
      kdsl adapters runs/shop
    """
    from kdsl.export.listing import adapters_table, find_adapters
    from kdsl.progress import show

    show(adapters_table(find_adapters(folder)))


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in value.replace(",", " ").split()) if value else None
    except ValueError:
        raise click.BadParameter(f"'{value}' is no list of numbers, such as 0.5,0.5.") from None


@adapters.command()
@click.argument("sources", nargs=-1, required=True, type=FILE)
@out_option("Folder to write the adapter to.")
@click.option("--method", default="cat", show_default=True, help="How peft combines them; docs/export.md compares.")
@click.option("--weights", callback=_numbers, metavar="W,W,...", help="One per source. Default: all the same.")
@click.option("--density", type=float, help="Share of weights that ties, dare and magnitude_prune keep. Default: 0.5.")
@seed_option
@click.option("--data", type=FILE, help="Labelled samples to judge sources and result on.")
@images_option
@ocr_option
@columns_options
@config_option
@set_option
def merge(
    sources: tuple[Path, ...],
    out: Path,
    method: str,
    weights: tuple[float, ...] | None,
    density: float | None,
    seed: int,
    data: Path | None,
    images: Path,
    ocr: Path | None,
    columns: Columns,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Merge adapters of one base (folds, seeds, views of the data) into one.

    SOURCES are adapter folders. The result is an adapter folder too, with a manifest that names its sources.
    With --data, prints weighted F1 and mean log-loss of each source and of the result, by label scoring.

    \b
    examples:
      kdsl adapters merge runs/a/adapters/scene runs/b/adapters/scene --out runs/merged/scene
      kdsl adapters merge A B --method ties --density 0.3 --out OUT --data valid.json --images images
    """
    from kdsl.evaluation.adapters import adapters_table
    from kdsl.export.merging import merge_files
    from kdsl.models.merging import Merge
    from kdsl.progress import say, show

    asked = Merge(method, weights, density, seed)
    judged = merge_files(
        sources, out, asked, data=data, images=images, ocr=ocr, config=config, overrides=overrides, columns=columns
    )
    say(f"merged {len(sources)} adapters into {out}")
    if judged:
        show(adapters_table(judged))


@adapters.command()
@bundle_option()
@click.option("--adapter", type=FILE, help="An adapter folder, in place of a bundle.")
@click.option("--config", help="With --adapter: settings that name its base (large) and tasks.")
@set_option
@task_option
@out_option("Folder to write the model to.")
@click.option("--data", type=FILE, help="Samples to compare scores on. Default: made-up ones.")
@images_option
@ocr_option
@click.option("--push", "repo_id", metavar="OWNER/NAME", help="Upload the folder to this model repository.")
@click.option(
    "--hub",
    type=click.Choice(["huggingface", "modelscope"]),
    default="huggingface",
    show_default=True,
    help="Where to upload to.",
)
@click.option("--private", is_flag=True, help="The repository must be private.")
def export(
    bundle: Path | None,
    adapter: Path | None,
    config: str | None,
    overrides: tuple[str, ...],
    task: str | None,
    out: Path,
    data: Path | None,
    images: Path,
    ocr: Path | None,
    repo_id: str | None,
    hub: str,
    private: bool,
) -> None:
    """Fold a task's adapter into its base: a plain Hugging Face model folder, checked and with a model card.

    The folder is loaded back, and its label scores are compared with those of base and adapter; if they differ,
    nothing is written. With --push, the token is that of `hf auth login` (or HF_TOKEN), or of `modelscope login`.

    \b
    examples:
      kdsl adapters export --bundle runs/shop --task scene --out runs/scene-model
      kdsl adapters export --adapter runs/merged/scene --config configs/qwen2-vl-7b.yaml --out runs/scene-model
      kdsl adapters export --adapter A --config configs/qwen2-vl-7b.yaml --set large.source=/models/Qwen2-VL --out OUT
      kdsl adapters export --bundle runs/shop --task scene --out runs/scene-model --push our-shop/scene --private
    """
    from kdsl.export.hub import check_login, push_folder
    from kdsl.export.source import fold_source, open_source
    from kdsl.progress import say

    if repo_id:
        check_login(repo_id, hub)  # type: ignore[arg-type]
    source = open_source(bundle, adapter, config, task, overrides)
    done = fold_source(source, out, data=data, images=images, ocr=ocr)
    say(f"log-probabilities of {done.prompts} prompts moved by {done.moved:.2g} at most")
    click.echo(out)
    if repo_id:
        click.echo(push_folder(out, repo_id, hub=hub, private=private))  # type: ignore[arg-type]


@adapters.command(name="train-small")
@learning_options
@columns_options
@out_option("Adapters are written to OUT/small/adapters/<task>.")
@bundle_option("The large model teaches, with the adapters of this bundle, or of this --out of `kdsl train-large`.")
@click.option("--teacher", type=FILE, help="These predictions teach instead, by their sample ids.")
@tasks_option
@click.option("--seed", type=int, help="Default: seed of the config.")
@resume_option
def train_small(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    columns: Columns,
    out: Path,
    bundle: Path | None,
    teacher: Path | None,
    tasks: tuple[str, ...],
    seed: int | None,
    resume: bool,
) -> None:
    """Teach the small model what the large one knows.

    The loss is student.alpha * KL(teacher || student) at student.temperature, plus 1 - student.alpha times the gold
    label's cross-entropy. Samples without a label join by the first term alone. What the large model says is kept in
    OUT/small/teacher; a killed run continues. Curves go to OUT/small/adapters/<task>/logs.

    \b
    examples:
      kdsl adapters train-small --data train.json --images images --bundle runs/nano --out runs/nano
      kdsl adapters train-small --data train.json --data new.json --images images --bundle runs/nano --out runs/more
      kdsl adapters train-small --data train.json --images images --teacher oof.jsonl --out runs/oof
    """
    from kdsl.processes import is_main
    from kdsl.training.from_files import train_small_files

    if (bundle is None) == (teacher is None):
        raise click.UsageError("Give one teacher: --bundle or --teacher.")
    overrides += (f"seed={seed}",) if seed is not None else ()
    folders = train_small_files(
        data,
        out,
        bundle=bundle,
        teacher=teacher,
        images=images,
        ocr=ocr,
        config=config,
        overrides=overrides,
        only=tasks,
        columns=columns,
        resume=resume,
    )
    if is_main():
        click.echo("\n".join(map(str, folders)))
