"""Samples of the synthetic world: labelled screens and dialogues with their pictures and what OCR reads in them.

Each sample depends on (task, seed, index) alone, so that any part can be made anywhere, in any order.
`write_world` writes them as the challenge's own files, so that everything that reads real data reads these.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample, Turn
from kdsl.data.writers import write_mire
from kdsl.errors import InputError
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import OcrLine
from kdsl.runs import atomic_write
from kdsl.tasks import Task
from kdsl.world.dialogues import write_dialogue
from kdsl.world.screens import Screen, draw_screen

SHARD = 46
"""Samples that one process draws before it saves them."""
_STREAM = "world/1"
"""Names the random numbers; `kdsl.world.evidence` has others, or a fit of the same seed would learn these samples."""
_HINTS = {"product": "商品头图", "photo": "实物拍摄(含售后)"}
"""Pictures in dialogues: how they are named there, and the scene label that draws them."""


@dataclass(frozen=True, slots=True)
class WorldSample:
    """A sample with its pictures and, for each of them, the lines that OCR would read."""

    sample: Sample
    images: tuple[Image.Image, ...]
    lines: tuple[tuple[OcrLine, ...], ...]


def make_sample(task: Task, index: int, seed: int, scale: float = 1.0) -> WorldSample:
    """Sample `index` of a task's world; labels take turns, so that any run of indices is balanced.

    Args:
        scale: pixels a point for screens, which are 360 points wide.

    Raises:
        InputError: the world cannot draw or write one of the task's labels.
    """
    label = task.names[index % len(task.names)]
    rng = random.Random(f"{_STREAM}/{seed}/{task.name}/{index}")
    name = f"{task.name}-{seed}-{index:06d}"
    if task.input == "picture":
        screens = [draw_screen(label, rng, scale)]
        turns: tuple[Turn, ...] = ()
    else:
        dialogue = write_dialogue(label, rng)
        turns = dialogue.turns
        screens = [draw_screen(_HINTS.get(hint, hint), rng, scale) for hint in dialogue.pictures]
        screens = screens or [draw_screen(_HINTS["product"], rng, scale)]
    files = tuple(f"{name}-{number}.jpg" for number in range(len(screens)))
    lines = tuple(_read(screen, rng) for screen in screens)
    return WorldSample(Sample(name, task.name, files, turns, label), tuple(screen.image for screen in screens), lines)


def _read(screen: Screen, rng: random.Random) -> tuple[OcrLine, ...]:
    return misread(screen.lines, rng, strength=rng.choice((0.5, 1.0, 1.0, 1.5)))


def write_world(
    out: Path, per_label: int, seed: int, tasks: Sequence[Task], scale: float = 2.0, workers: int | None = None
) -> None:
    """Write `per_label` samples of every label: train.json (MIRE format), images/, ocr.jsonl.

    ocr.jsonl holds what OCR would read, mistakes included, in the format of `--ocr`. A run that was stopped
    goes on where it was; nothing is drawn twice, and a finished world is left as it is.

    Args:
        workers: processes; all cores by default. With one, all is drawn in this process.

    Raises:
        InputError: `per_label` is not positive, or the world does not know a label.
    """
    if per_label < 1:
        raise InputError(f"per_label is {per_label}; a world needs at least 1 sample of each label.")
    digest = _digest(per_label, seed, tasks, scale)
    if _finished(out) == digest:
        return
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    parts = out / f".parts-{digest}"
    parts.mkdir(exist_ok=True)
    jobs = [
        (task, start, min(start + SHARD, per_label * len(task.names)), seed, scale, images, parts)
        for task in tasks
        for start in range(0, per_label * len(task.names), SHARD)
    ]
    missing = [job for job in jobs if not _part(job[-1], job[0], job[1]).exists()]
    count = min(workers or os.cpu_count() or 1, len(missing))
    if count > 1:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            list(pool.map(_write_part, *zip(*missing, strict=True)))
    else:
        for job in missing:
            _write_part(*job)
    _assemble(out, parts, jobs, tasks)
    atomic_write(
        out / "world.json", json.dumps({"digest": digest, "per_label": per_label, "seed": seed, "scale": scale})
    )


def _finished(out: Path) -> str:
    """The digest of the world that lies in `out` complete; empty if there is none."""
    try:
        return str(json.loads((out / "world.json").read_text("utf-8"))["digest"])
    except (OSError, ValueError, KeyError):
        return ""


def _digest(per_label: int, seed: int, tasks: Sequence[Task], scale: float) -> str:
    """A name for the parts of one world, so that other settings do not mix with them."""
    labels = [[task.name, task.names] for task in tasks]
    settings = json.dumps([_STREAM, per_label, seed, scale, labels], ensure_ascii=False)
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def _part(parts: Path, task: Task, start: int) -> Path:
    return parts / f"{task.name}-{start:06d}.json"


def _write_part(task: Task, start: int, end: int, seed: int, scale: float, images: Path, parts: Path) -> None:
    """Draw samples `start` to `end` and save pictures, then the part's file, last and whole."""
    samples, ocr = [], []
    for index in range(start, end):
        made = make_sample(task, index, seed, scale)
        samples.append(made.sample)
        for file, image, lines in zip(made.sample.images, made.images, made.lines, strict=True):
            image.save(images / file, quality=88)
            ocr.append(
                {"image": file, "width": image.width, "height": image.height, "lines": [_line(line) for line in lines]}
            )
    mire = parts / f"{task.name}-{start:06d}.mire"
    write_mire(mire, samples, [task])
    atomic_write(_part(parts, task, start), json.dumps({"samples": json.loads(mire.read_text("utf-8")), "ocr": ocr}))
    mire.unlink()


def _line(line: OcrLine) -> dict[str, object]:
    """A line in the form of RapidOCR's output: the box as four corners."""
    left, top, right, bottom = (round(value, 1) for value in line.box)
    box = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {"text": line.text, "score": line.score, "box": box}


def _assemble(
    out: Path, parts: Path, jobs: Sequence[tuple[Task, int, int, int, float, Path, Path]], tasks: Sequence[Task]
) -> None:
    """Join the parts into train.json and ocr.jsonl, check that it reads back, and drop the parts."""
    rows: list[object] = []
    lines: list[str] = []
    for task, start, *_ in jobs:
        part = json.loads(_part(parts, task, start).read_text("utf-8"))
        rows.extend(part["samples"])
        lines.extend(json.dumps(line, ensure_ascii=False) for line in part["ocr"])
    atomic_write(out / "ocr.jsonl", "\n".join(lines) + "\n")
    atomic_write(out / "train.json", json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    read_samples(out / "train.json", tasks)
    shutil.rmtree(parts)
