"""`kdsl train-small`: the student, adapters on the small model taught by the large one."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options, data_options


@click.command(name="train-small")
@data_options
@config_options
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Adapters are written to OUT/small/adapters/<task>."
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    help="The large model teaches, with the adapters of this bundle, or of this --out of `kdsl train-large`.",
)
@click.option(
    "--teacher", type=click.Path(path_type=Path), help="These predictions teach instead, by their sample ids."
)
@click.option("--task", "names", multiple=True, help="Only this task; may be given more than once.")
@click.option("--seed", type=int, help="Default: seed of the config.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Continue an unfinished training.")
def train_small(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config_path: str,
    overrides: tuple[str, ...],
    out: Path,
    bundle: Path | None,
    teacher: Path | None,
    names: tuple[str, ...],
    seed: int | None,
    resume: bool,
) -> None:
    """Teach the small model what the large one knows.

    The loss is distil.alpha * KL(teacher || student) at distil.temperature, plus 1 - distil.alpha times the gold
    label's cross-entropy. Samples without a label join by the first term alone. What the large model says is kept in
    OUT/small/teacher; a killed run continues. Curves go to OUT/small/adapters/<task>/logs.

    \b
    examples:
      kdsl train-large --data train.json --images images --out runs/nano
      kdsl train-small --data train.json --images images --bundle runs/nano --out runs/nano
      kdsl train-small --data train.json --data new.json --images images --bundle runs/nano --out runs/more
      kdsl train-small --data train.json --images images --teacher oof.jsonl --out runs/oof --set distil.alpha=0.7
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.data.readers import read_files
    from kdsl.evidence.observe import observe
    from kdsl.models.base import load_base
    from kdsl.processes import is_main, main_first, on_main, shards_weights
    from kdsl.progress import say
    from kdsl.tasks import task_by_name
    from kdsl.training.lora import check_launch
    from kdsl.training.memory import check_memory
    from kdsl.training.student import student_store, train_students
    from kdsl.training.teacher import ask_teachers, read_teacher

    if (bundle is None) == (teacher is None):
        raise click.UsageError("Give one teacher: --bundle or --teacher.")
    settings = load_config(config_path, overrides)
    every = load_tasks(settings)
    tasks = [task_by_name(every, name) for name in names] or every
    check_launch(settings.model("small"), len(tasks))
    say(f"memory by estimate: {check_memory(settings, trained='small')}")
    wanted = {task.name for task in tasks}
    samples = [s for s in read_files(data, every) if s.task in wanted]
    soft = read_teacher(teacher, tasks, settings.distil) if teacher else {}
    with main_first():
        evidences = observe(samples, images, settings.evidence, ocr)
    if bundle:
        soft = on_main(
            lambda: ask_teachers(
                load_base(settings.model("large")), bundle, evidences, tasks, settings, student_store(out)
            )
        )
    loaded = load_base(settings.model("small"), to_shard=shards_weights())
    seed = settings.seed if seed is None else seed
    for folder in train_students(loaded, evidences, soft, tasks, settings, out, seed=seed, resume=resume, report=True):
        if is_main():
            click.echo(folder)
