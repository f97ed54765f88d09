"""From files of samples to evidence, in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kdsl.config import EvidenceConfig
from kdsl.data.readers import read_files
from kdsl.data.sample import Sample
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task


def load_evidence(
    data: Sequence[Path],
    images: Path,
    tasks: Sequence[Task],
    config: EvidenceConfig,
    ocr_file: Path | None = None,
    check: Callable[[Sequence[Sample]], None] = lambda samples: None,
) -> list[Evidence]:
    """Evidence of every sample of one or more files, in the files' order.

    Args:
        check: raises what is wrong with the samples, before any picture is read.

    Raises:
        InputError: a sample or a picture cannot be used (the message lists the first few), or two files share an id.
        MissingDependency: the OCR backend is not installed.
    """
    samples = read_files(data, tasks)
    check(samples)
    return observe(samples, images, config, ocr_file)
