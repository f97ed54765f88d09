"""Draws rows of the synthetic world, adds OCR errors and stores the rows in shards.

A row depends only on its stream's name and its index, so any part can be drawn in any process and order.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.child_processes import process_pool
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import OcrLine
from kdsl.files import write_jsonl
from kdsl.tasks import Task
from kdsl.world.dialogues import labels
from kdsl.world.screens import Screen, families

SHARD = 50
"""Rows that one process draws before it saves them."""
_STRENGTHS = (0.5, 1.0, 1.0, 1.5)
"""How badly OCR misreads a screen."""


def known_labels(task: Task) -> list[str]:
    """Those of a task's labels that the world can draw or write, in the task's order."""
    known = families() if task.input == "picture" else labels()
    return [name for name in task.names if name in known]


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows under one name. Labels take turns, so that any run of rows is balanced.

    The name seeds the rows: consumers have names of their own, so that none learns what another is tested on.
    """

    name: str
    labels: tuple[str, ...]

    def row(self, index: int) -> tuple[str, random.Random]:
        """A row's label, and the source of all chance in it."""
        return self.labels[index % len(self.labels)], random.Random(f"{self.name}/{index}")


def read_screen(screen: Screen, rng: random.Random) -> tuple[OcrLine, ...]:
    """A screen's lines as an OCR engine, better or worse, might have read them."""
    return misread(screen.lines, rng, rng.choice(_STRENGTHS))


@dataclass(frozen=True, slots=True)
class Shard:
    """Some rows in one file of JSON lines, drawn by a function that other processes can be given."""

    file: Path
    rows: range
    draw: Callable[[int], dict[str, Any]]

    def write(self) -> None:
        """Draw the rows and write the file, whole or not at all."""
        write_jsonl(self.file, [self.draw(index) for index in self.rows])

    def read(self) -> list[dict[str, Any]]:
        """The rows as they were drawn."""
        return [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]


def shards(count: int, file: Callable[[int], Path], draw: Callable[[int], dict[str, Any]]) -> list[Shard]:
    """`count` rows in shards; `file` names a shard's file by the shard's number."""
    starts = range(0, count, SHARD)
    return [Shard(file(n), range(start, min(start + SHARD, count)), draw) for n, start in enumerate(starts)]


def write_missing(shards: Sequence[Shard], workers: int) -> Iterator[Shard]:
    """Write the shards whose files are not there yet, and yield each when it is written.

    Args:
        workers: processes; with one, all is drawn in this process.
    """
    missing = [shard for shard in shards if not shard.file.exists()]
    if min(workers, len(missing)) <= 1:
        for shard in missing:
            shard.write()
            yield shard
        return
    with process_pool(min(workers, len(missing))) as pool:
        jobs = {pool.submit(shard.write): shard for shard in missing}
        for job in as_completed(jobs):
            job.result()
            yield jobs[job]
