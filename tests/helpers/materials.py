"""What an expert is fitted on, made of a list of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Material, Setup
from kdsl.models.roles import Models
from kdsl.tasks import Task

NO_MODELS = Config(large=None, small=None)


def setup_of(*tasks: Task, config: Config = NO_MODELS, models: Models | None = None) -> Setup:
    """A run of some tasks, by default without any model."""
    return Setup(tasks, config, models or Models(config))


def material_of(
    task: Task, labelled: Sequence[Evidence], imagined: Sequence[Evidence] = (), work: Path = Path("work")
) -> Material:
    """Labelled evidence of one task, and nothing else but imagined evidence."""
    return Material(
        labelled={task.name: labelled},
        imagined=lambda _: imagined,
        snippets=lambda _: (),
        imagined_documents=lambda _: (),
        adapter_configs={},
        work=work,
    )
