"""The student: one adapter a task on the small model, taught by the large one's distributions and by gold labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.tasks import Task
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
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    report: bool = False,
) -> list[Path]:
    """Train `out/small/adapters/<task>` for each task on the small model; the folders, in the tasks' order.

    Args:
        evidences: labelled or not; those without a label are learned from the teacher alone.
        soft: by task, see `kdsl.training.teacher`.
        report: write curves where `training.report_to` says.

    Raises:
        InputError: the teacher knows no sample of a task.
        BundleError: a folder holds an adapter of other inputs.
    """
    for task in tasks:
        soft[task.name].taught(evidences)
    return [
        train_adapter(
            loaded,
            evidences,
            [task],
            config,
            student_folder(out, task),
            seed=seed,
            resume=resume,
            report=report,
            soft=soft[task.name],
        )
        for task in tasks
    ]
