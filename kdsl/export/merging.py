"""Merges adapters from files: checks them before a model is loaded, and judges the result beside its sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config_file import load_config, load_tasks
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.folders import picture_root
from kdsl.data.readers import read_samples
from kdsl.evaluation.adapters import AdapterMetrics, judge_adapters
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.models.base import load_base
from kdsl.models.merging import Merge, check_mergeable, merge_adapters, training_manifest
from kdsl.tasks import Task


def merge_files(
    sources: Sequence[Path],
    out: Path,
    merge: Merge,
    *,
    data: Path | None = None,
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
    columns: Columns = AS_KNOWN,
) -> list[AdapterMetrics]:
    """Merge adapters of the config's large model and, with labelled samples, evaluate each source and the result.

    Args:
        data: a file of labelled samples for the evaluation.
        images: the root folder of the pictures.
        ocr: a file of existing OCR results.
        overrides: `key.path=value`.
        columns: those of `data` that are called otherwise than docs/data.md says.

    Raises:
        KdslError: the adapters cannot be merged this way, or the samples cannot be used; raised before a model is
            loaded.
    """
    settings = load_config(config, overrides)
    merge = merge.resolved(len(sources))
    check_mergeable(sources, merge.method)
    every = load_tasks(settings)
    tasks = trained_tasks(sources, every)
    evidences: list[Evidence] = []
    if data:
        samples = [s for s in read_samples(data, every, columns) if s.task in {task.name for task in tasks}]
        evidences = observe(samples, picture_root([data], images), settings.evidence, ocr)
    loaded = load_base(settings.model("large"))
    merge_adapters(loaded, sources, merge, out)
    return judge_adapters(loaded, [*sources, out], evidences, tasks, settings.prompt) if evidences else []


def trained_tasks(sources: Sequence[Path], tasks: Sequence[Task]) -> list[Task]:
    """The tasks that the adapters' manifests name; all of `tasks` if no adapter has a manifest."""
    names = {name for folder in sources for name in training_manifest(folder).get("tasks", {})}
    return [task for task in tasks if task.name in names] if names else list(tasks)
