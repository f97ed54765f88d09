"""Synthetic samples as files: labelled screens and dialogues with their pictures and OCR lines.

Each sample depends only on (task, seed, index), so any part can be drawn in any process and order.
`write_world` writes them as the challenge's own files, so that everything that reads real data reads these.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample, Turn
from kdsl.data.writers import mire_row
from kdsl.errors import InputError
from kdsl.evidence.types import OcrLine
from kdsl.files import atomic_write, write_json, write_jsonl
from kdsl.runs import digest
from kdsl.tasks import Task
from kdsl.world.dialogues import write_dialogue
from kdsl.world.draw import Shard, Stream, read_screen, shards, write_missing
from kdsl.world.screens import draw_screen

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
        scale: pixels per point of screens, which are 360 points wide.

    Raises:
        InputError: the world cannot draw or write one of the task's labels.
    """
    label, rng = Stream(f"{_STREAM}/{seed}/{task.name}", tuple(task.names)).row(index)
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
    lines = tuple(read_screen(screen, rng) for screen in screens)
    return WorldSample(Sample(name, task.name, files, turns, label), tuple(screen.image for screen in screens), lines)


def write_world(
    out: Path, per_label: int, seed: int, tasks: Sequence[Task], scale: float = 2.0, workers: int | None = None
) -> None:
    """Write `per_label` samples of every label: train.json (MIRE format), images/, ocr.jsonl.

    ocr.jsonl holds what OCR would read, mistakes included, as `kdsl.evidence.precomputed` reads it. A run that was
    stopped goes on where it was; nothing is drawn twice, and a finished world is left as it is.

    Args:
        workers: processes; all cores by default. With one, all is drawn in this process.

    Raises:
        InputError: `per_label` is not positive, or the world does not know a label.
    """
    if per_label < 1:
        raise InputError(f"per_label is {per_label}; a world needs at least 1 sample of each label.")
    stamp = digest(_STREAM, per_label, seed, scale, [[task.name, task.names] for task in tasks])
    if _finished(out) == stamp:
        return
    (out / "images").mkdir(parents=True, exist_ok=True)
    folder = out / f".parts-{stamp}"
    parts = [shard for task in tasks for shard in _shards(task, per_label, seed, scale, out / "images", folder)]
    for _ in write_missing(parts, workers or os.cpu_count() or 1):
        pass
    _assemble(out, parts, tasks)
    shutil.rmtree(folder)
    write_json(out / "world.json", {"digest": stamp, "per_label": per_label, "seed": seed, "scale": scale})


def _finished(out: Path) -> str:
    """The digest of the world that lies in `out` complete; empty if there is none."""
    try:
        return str(json.loads((out / "world.json").read_text("utf-8"))["digest"])
    except (OSError, ValueError, KeyError):
        return ""


def _shards(task: Task, per_label: int, seed: int, scale: float, images: Path, folder: Path) -> list[Shard]:
    draw = partial(_draw, task, seed, scale, images)
    return shards(per_label * len(task.names), lambda number: folder / f"{task.name}-{number:05d}.jsonl", draw)


def _draw(task: Task, seed: int, scale: float, images: Path, index: int) -> dict[str, Any]:
    """Draw one sample and save its pictures."""
    made = make_sample(task, index, seed, scale)
    ocr = []
    for file, image, lines in zip(made.sample.images, made.images, made.lines, strict=True):
        image.save(images / file, quality=88)
        ocr.append(
            {"image": file, "width": image.width, "height": image.height, "lines": [_line(line) for line in lines]}
        )
    return {"sample": mire_row(made.sample, task), "ocr": ocr}


def _line(line: OcrLine) -> dict[str, object]:
    """A line in the form of RapidOCR's output: the box as four corners."""
    left, top, right, bottom = (round(value, 1) for value in line.box)
    box = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {"text": line.text, "score": line.score, "box": box}


def _assemble(out: Path, parts: Sequence[Shard], tasks: Sequence[Task]) -> None:
    """Join the parts into train.json and ocr.jsonl, and check that the samples read back."""
    rows = [row for part in parts for row in part.read()]
    write_jsonl(out / "ocr.jsonl", (line for row in rows for line in row["ocr"]))
    atomic_write(out / "train.json", json.dumps([row["sample"] for row in rows], ensure_ascii=False, indent=1) + "\n")
    read_samples(out / "train.json", tasks)
