"""The student: one adapter per task on the small model, trained on the large model's distributions and gold labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.tasks import Task
from kdsl.training.folder import Run
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapter
from kdsl.training.teacher import SoftTargets


def student_folder(folder: Path, task: Task) -> Path:
    """Where a run or a bundle keeps the student of a task."""
    return folder / "small" / "adapters" / task.name


def student_store(folder: Path) -> Path:
    """Where a run keeps what its teacher said."""
    return folder / "small" / "teacher"


def train_students(
    loaded: LoadedModel,
    evidences: Sequence[Evidence],
    soft: Mapping[str, SoftTargets],
    tasks: Sequence[Task],
    config: Config,
    run: Run,
) -> list[Path]:
    """Train `run.out`/small/adapters/<task> for each task on the small model; the folders, in the tasks' order.

    Args:
        evidences: labelled or not; those without a label are learned from the teacher only.
        soft: by task, see `kdsl.training.teacher`.

    Raises:
        InputError: the teacher knows no sample of a task.
        BundleError: a folder holds an adapter of other inputs.
    """
    jobs = [TrainingJob(loaded, evidences, [task], config, soft[task.name]) for task in tasks]
    for job in jobs:
        _ = job.given  # before the first training
    folders = (student_folder(run.out, task) for task in tasks)
    return [train_adapter(job, replace(run, out=out)) for job, out in zip(jobs, folders, strict=True)]
