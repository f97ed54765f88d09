"""`kdsl train-large`: adapters on the large model."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options, data_options


@click.command()
@data_options
@config_options
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Adapters are written to OUT/adapters/<task>."
)
@click.option("--task", "names", multiple=True, help="Only this task; may be given more than once.")
@click.option(
    "--strategy",
    type=click.Choice(["separate", "joint"]),
    help="One adapter per task, or one for all (adapters/joint). Default: training.strategy of the config.",
)
@click.option(
    "--valid",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Labelled samples held out of training, which choose among its half epochs; may be given more than once.",
)
@click.option("--seed", type=int, help="Default: seed of the config.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Continue an unfinished training.")
def train_large(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config_path: str,
    out: Path,
    names: tuple[str, ...],
    strategy: str | None,
    valid: tuple[Path, ...],
    seed: int | None,
    resume: bool,
    overrides: tuple[str, ...],
) -> None:
    """Train one adapter per task, loss on the label alone; a killed run continues.

    Says first what it takes of the GPU's memory, and refuses what does not fit. What is trained follows
    training.regime: LoRA, the last layers, or the whole language model. Curves go to OUT/adapters/<task>/logs.
    Several GPUs and machines: `accelerate launch --config_file configs/accelerate/ddp.yaml -m kdsl train-large ...`.

    With training.search, cross-validation chooses rank, augmentation and epochs first. With --valid these samples
    choose, among the half epochs of one training or, with training.search, of one for each candidate.
    OUT/report/adaptation.json and adaptation-<task>.csv have the figures of every trial.

    \b
    examples:
      kdsl train-large --data train.json --images images --out runs/nano
      kdsl train-large --data train.json --images images --out runs/joint --strategy joint
      kdsl train-large --data train.json --images images --out runs/r8 --task intent --set training.lora_r=8
      kdsl train-large --data train.json --images images --out runs/last --set training.regime=freeze
      kdsl train-large --data train.json --valid dev.json --images images --out runs/halves
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.readers import read_files
    from kdsl.data.trainable import check_trainable
    from kdsl.evidence.observe import observe
    from kdsl.models.base import load_base
    from kdsl.processes import is_main, main_first, shards_weights, spare_gpus
    from kdsl.progress import say
    from kdsl.tasks import task_by_name
    from kdsl.training.lora import adapter_groups, check_launch
    from kdsl.training.memory import check_memory
    from kdsl.training.train_large import train_large as train

    changes = [*overrides, *([f"training.strategy={strategy}"] if strategy else [])]
    changes += [f"seed={seed}"] if seed is not None else []
    settings = load_config(config_path, changes)
    every = load_tasks(settings)
    tasks = [task_by_name(every, name) for name in names] or every
    wanted = {task.name for task in tasks}
    samples = [s for s in read_files([*data, *valid], every) if s.task in wanted and s.label is not None]
    held = {sample.id for sample in read_files(valid, every)}
    check_trainable([sample for sample in samples if sample.id not in held], tasks)
    choosing = bool(held) or settings.training.search is not None
    check_launch(settings.model("large"), len(adapter_groups(tasks, settings)), choosing=choosing)
    say(f"memory by estimate: {check_memory(settings)}")
    if spare := spare_gpus():
        say(
            f"{spare} more of this machine's GPUs would be idle; to use them: accelerate launch --config_file "
            f"configs/accelerate/ddp.yaml --num_processes {spare + 1} -m kdsl train-large ... (docs/gpu.md)"
        )
    with main_first():
        evidences = observe(samples, images, settings.evidence, ocr)
    held_out = [e for e in evidences if e.sample.id in held]
    evidences = [e for e in evidences if e.sample.id not in held]
    loaded = load_base(settings.model("large"), to_shard=shards_weights())
    for folder in train(loaded, evidences, held_out, tasks, settings, out, resume=resume, say=say):
        if is_main():
            click.echo(folder)
