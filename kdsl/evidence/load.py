"""From a file of samples to evidence, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.config import EvidenceConfig
from kdsl.data.readers import read_samples
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task


def load_evidence(
    data: Path, images: Path, tasks: Sequence[Task], config: EvidenceConfig, ocr_file: Path | None = None
) -> list[Evidence]:
    """Evidence of every sample of a file, in the file's order.

    Raises:
        InputError: a sample or a picture cannot be used; the message lists the first few.
        MissingDependency: the OCR backend is not installed.
    """
    return observe(read_samples(data, tasks), images, config, ocr_file)
