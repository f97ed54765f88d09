"""Workers that some samples kill, as a library does that crashes; they take the real one's place in its processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from kdsl.data.sample import Sample
from kdsl.ensemble import workers
from kdsl.ensemble.blocks import Answer

FATAL = "r3"
"""The id of a sample that kills every process."""
ONCE = "once"
"""The id of a sample that kills the first process that predicts it."""


class Fragile:
    """A worker that answers with the sample's id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, block: Sequence[Sample]) -> list[Answer]:
        ids = {sample.id for sample in block}
        died = self.folder / "died"
        first = ONCE in ids and not died.exists()
        if first:
            died.touch()
        if first or FATAL in ids:
            os.kill(os.getpid(), signal.SIGKILL)
        return [Answer(sample.id) for sample in block]


class NeverLoads(Fragile):
    """A worker that dies before anything is predicted."""

    def answer(self, block: Sequence[Sample]) -> list[Answer]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []


def start_fragile(job: SimpleNamespace) -> None:
    workers._worker = Fragile(job.folder)  # type: ignore[assignment]


def start_never(job: SimpleNamespace) -> None:
    workers._worker = NeverLoads(job.folder)  # type: ignore[assignment]
