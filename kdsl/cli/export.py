"""`kdsl export`."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import ocr_option, set_option


@click.command()
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path), help="A bundle that `kdsl fit` made.")
@click.option("--adapter", type=click.Path(path_type=Path), help="An adapter folder, in place of a bundle.")
@click.option("--model", "config_path", help="Settings that name the adapter's base (large) and tasks.")
@set_option
@click.option("--task", "name", help="The task. Default: the adapter's, where it was trained for one.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder to write the model to.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples to compare scores on. Default: made-up ones.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder that their pictures lie in.")
@ocr_option
@click.option("--push", "repo_id", metavar="OWNER/NAME", help="Upload the folder to this model repository.")
@click.option("--hub", type=click.Choice(["huggingface", "modelscope"]), default="huggingface", show_default=True)
@click.option("--private", is_flag=True, help="The repository must be private.")
def export(
    bundle_folder: Path | None,
    adapter: Path | None,
    config_path: str | None,
    overrides: tuple[str, ...],
    name: str | None,
    output: Path,
    data: Path | None,
    images: Path | None,
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
      kdsl export --bundle runs/nano --task scene --output runs/scene-model
      kdsl export --adapter runs/merged/scene --model configs/qwen2-vl-7b.yaml --output runs/scene-model
      kdsl export --adapter A --model configs/qwen2-vl-7b.yaml --set large.source=/models/Qwen2-VL-7B --output OUT
      kdsl export --bundle runs/nano --task scene --output runs/scene-model --push our-shop/scene --private
    """
    from kdsl.errors import InputError
    from kdsl.export.folding import fold_adapter
    from kdsl.export.hub import check_login, push_folder
    from kdsl.export.source import comparison_samples, from_adapter, from_bundle
    from kdsl.progress import say

    if repo_id:
        check_login(repo_id, hub)  # type: ignore[arg-type]
    if bundle_folder and not (adapter or config_path or overrides):
        source = from_bundle(bundle_folder, name)
    elif adapter and config_path and not bundle_folder:
        source = from_adapter(adapter, config_path, name, overrides)
    else:
        raise InputError("give --bundle (with --task), or --adapter and --model together (--set goes with these).")
    evidences = comparison_samples(source, data, images, ocr)
    done = fold_adapter(source.adapter, source.base, source.task, source.prompt, output, evidences, source.card)
    if done.touches_vision:
        say("warning: the adapter changes the vision tower, which vLLM and sglang ignore; serve this folder instead.")
    say(f"log-probabilities of {done.prompts} prompts moved by {done.moved:.2g} at most")
    click.echo(output)
    if repo_id:
        say(f"uploading to {hub}:{repo_id}")
        click.echo(push_folder(output, repo_id, hub=hub, private=private))  # type: ignore[arg-type]
