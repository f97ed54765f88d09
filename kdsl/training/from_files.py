"""Trains adapters from files of samples: reads, checks and observes them first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from kdsl.config_file import load_config, load_tasks
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.folders import picture_root
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import read_files
from kdsl.data.trainable import check_trainable, learned_from
from kdsl.evidence.observe import observe
from kdsl.models.base import load_base
from kdsl.processes import main_first, on_main, shards_weights, spare_gpus
from kdsl.tasks import Task, task_by_name
from kdsl.training.folder import Run
from kdsl.training.job import count_trainings
from kdsl.training.lora import check_launch
from kdsl.training.memory import check_memory
from kdsl.training.student import student_store, train_students
from kdsl.training.teacher import ask_teachers, read_teacher
from kdsl.training.train_large import train_large

log = logging.getLogger(__name__)


def train_large_files(
    data: Sequence[Path],
    out: Path,
    *,
    valid: Sequence[Path] = (),
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    columns: Columns = AS_KNOWN,
    resume: bool = True,
) -> list[Path]:
    """Train adapters on the large model, one per task or one for all; their folders.

    Under a launch of several processes all call it with the same arguments.

    Args:
        data: files of samples; those without a label are left out.
        valid: files of labelled samples that are held out and choose among half epochs (`train_large`).
        images: the folder that all pictures lie below.
        ocr: OCR results that exist already.
        overrides: `key.path=value`.
        only: names of tasks; by default all of the config's.
        columns: those of the files that are called otherwise than docs/data.md says.
        resume: False discards what unfinished trainings left in `out`.

    Raises:
        KdslError: samples, settings, memory or what lies in `out` do not allow it; said before pictures are read.
    """
    settings = load_config(config, overrides)
    every = tasks_for(data, load_tasks(settings), columns)
    tasks = _chosen(every, only)
    wanted = {task.name for task in tasks}
    samples = [s for s in read_files([*data, *valid], every, columns) if s.task in wanted]
    samples = [s for s in learned_from(samples, [*data, *valid], every, columns) if s.label is not None]
    held = {sample.id for sample in read_files(valid, every, columns)} if valid else set()
    check_trainable([sample for sample in samples if sample.id not in held], tasks)
    choosing = bool(held) or settings.training.search is not None
    large = settings.model("large")
    check_launch(large, count_trainings(tasks, settings), choosing=choosing)
    log.info("memory by estimate: %s", check_memory(settings))
    if spare := spare_gpus():
        log.info(
            "%d more of this machine's GPUs would be idle; `accelerate launch --config_file "
            "configs/accelerate/ddp.yaml --num_processes %d -m kdsl train-large ...` uses them (docs/gpu.md)",
            spare,
            spare + 1,
        )
    with main_first():
        evidences = observe(samples, picture_root([*data, *valid], images), settings.evidence, ocr)
    held_out = [e for e in evidences if e.sample.id in held]
    evidences = [e for e in evidences if e.sample.id not in held]
    loaded = load_base(large, to_shard=shards_weights())
    return train_large(loaded, evidences, held_out, tasks, settings, out, resume=resume)


def train_small_files(
    data: Sequence[Path],
    out: Path,
    *,
    bundle: Path | None = None,
    teacher: Path | None = None,
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    columns: Columns = AS_KNOWN,
    resume: bool = True,
) -> list[Path]:
    """Teach the small model what the large one knows; the folders of its adapters.

    Args:
        data: files of samples, labelled or not.
        bundle: a bundle, or what `train_large_files` wrote: the large model teaches with its adapters.
        teacher: a file of predictions that teaches instead.

    The other arguments and errors are those of `train_large_files`.
    """
    settings = load_config(config, overrides)
    every = tasks_for(data, load_tasks(settings), columns)
    tasks = _chosen(every, only)
    small = settings.model("small")
    check_launch(small, len(tasks))
    log.info("memory by estimate: %s", check_memory(settings, trained="small"))
    wanted = {task.name for task in tasks}
    samples = [s for s in read_files(data, every, columns) if s.task in wanted]
    soft = read_teacher(teacher, tasks, settings.student) if teacher else {}
    with main_first():
        evidences = observe(samples, picture_root(data, images), settings.evidence, ocr)
    if bundle:
        large = settings.model("large")
        soft = on_main(lambda: ask_teachers(load_base(large), bundle, evidences, tasks, settings, student_store(out)))
    loaded = load_base(small, to_shard=shards_weights())
    return train_students(loaded, evidences, soft, tasks, settings, Run(out, resume=resume, report=True))


def _chosen(tasks: Sequence[Task], only: Sequence[str]) -> list[Task]:
    return [task_by_name(tasks, name) for name in only] or list(tasks)
