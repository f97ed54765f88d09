"""`Source`: what an export takes, either a task of a bundle, or an adapter with the config that names its base."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kdsl.config import EvidenceConfig, ModelConfig, PromptConfig
from kdsl.config_file import load_config, load_tasks
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.folders import picture_root
from kdsl.data.readers import read_samples
from kdsl.data.rows import usual_columns
from kdsl.ensemble.bundle import open_bundle
from kdsl.errors import InputError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.export.card import bundle_card, model_card
from kdsl.export.folding import Folded, fold_adapter
from kdsl.export.merging import trained_tasks
from kdsl.models.adapters import tensor_shapes
from kdsl.tasks import Task, task_by_name

log = logging.getLogger(__name__)

COMPARED = 16
"""Maximum number of user samples on which scores before and after are compared."""


@dataclass(frozen=True)
class Source:
    """An adapter with its base, the task on which scores are compared, and the text of its card."""

    adapter: Path
    base: ModelConfig
    task: Task
    tasks: tuple[Task, ...]
    """All tasks of the config, needed to read samples."""
    prompt: PromptConfig
    evidence: EvidenceConfig
    card: str
    columns: Columns = field(default_factory=dict)
    """Those by which the fit read its samples; a file that has them is read alike."""


def open_source(
    bundle: Path | None, adapter: Path | None, config: str | None, task: str | None, overrides: Sequence[str] = ()
) -> Source:
    """Open a `task` of a `bundle`, or an `adapter` with the `config` that names its base.

    Raises:
        InputError: neither `bundle` nor `adapter` is given, or both are.
    """
    if bundle and not (adapter or config or overrides):
        return from_bundle(bundle, task)
    if adapter and config and not bundle:
        return from_adapter(adapter, config, task, overrides)
    raise InputError("give `bundle` (with `task`), or `adapter` and `config` together (overrides go with these).")


def from_bundle(folder: Path, name: str | None) -> Source:
    """The source for a task of a bundle.

    Raises:
        BundleError: the bundle cannot be opened.
        InputError: no task is named although there are several, or there is no task of that name.
    """
    bundle = open_bundle(folder)
    task = _choose(bundle.tasks, name)
    card, config = bundle_card(bundle, task, "model"), bundle.config
    every, base = tuple(bundle.tasks), config.model("large")
    return Source(bundle.adapter(task), base, task, every, config.prompt, config.evidence, card, bundle.columns)


def from_adapter(adapter: Path, config_path: str, name: str | None, overrides: Sequence[str] = ()) -> Source:
    """The source for an adapter folder and the config (with `key.path=value` overrides) that names its base and tasks.

    Raises:
        BundleError: the folder is not an adapter.
        ConfigError: the config has faults.
        InputError: no task is named although the adapter has several, or there is no task of that name.
    """
    tensor_shapes(adapter)  # raises if it is not an adapter
    config = load_config(config_path, overrides)
    every = load_tasks(config)
    trained = trained_tasks([adapter], every)
    task = _choose(trained, name)
    card = model_card(adapter, trained, "model")
    return Source(adapter, config.model("large"), task, tuple(every), config.prompt, config.evidence, card)


def fold_source(
    source: Source, out: Path, *, data: Path | None = None, images: Path = Path(), ocr: Path | None = None
) -> Folded:
    """Fold a source's adapter into its base; scores are compared on samples in `data`, or on built-in ones.

    Raises:
        InputError: `data` has no sample of the task.
    """
    evidences = comparison_samples(source, data, images, ocr) if data else []
    done = fold_adapter(source.adapter, source.base, source.task, source.prompt, out, evidences, source.card)
    if done.touches_vision:
        log.warning("the adapter changes the vision tower, which vLLM and sglang ignore; serve this folder instead")
    return done


def comparison_samples(source: Source, data: Path, images: Path, ocr: Path | None) -> list[Evidence]:
    """The first samples of the task in `data`.

    Raises:
        InputError: `data` has no sample of the task.
    """
    columns = usual_columns([data], AS_KNOWN, source.columns)
    samples = [s for s in read_samples(data, source.tasks, columns) if s.task == source.task.name][:COMPARED]
    if not samples:
        raise InputError(f"{data} holds no sample of task '{source.task.name}' to compare scores on.")
    return observe(samples, picture_root([data], images), source.evidence, ocr)


def _choose(tasks: Sequence[Task], name: str | None) -> Task:
    if name is None and len(tasks) != 1:
        raise InputError(f"name one task; there are: {', '.join(task.name for task in tasks) or 'none'}.")
    return task_by_name(tasks, name) if name else tasks[0]
