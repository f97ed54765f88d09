"""Evidence of the synthetic world: labelled samples that nobody had to label, for tasks whose labels it knows.

No picture is kept: what a screen would read as stands in its lines, with OCR's own mistakes.
"""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

from kdsl.data.sample import Sample
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import UNSEEN, Evidence, Picture
from kdsl.tasks import Task
from kdsl.world.dialogues import labels, write_dialogue
from kdsl.world.screens import draw_screen, families

SCALE = 0.5
"""Pixels a point: only the lines are used, and small screens are drawn faster."""
_STRENGTHS = (0.5, 1.0, 1.0, 1.5)
"""How badly OCR misreads a screen."""


@lru_cache(maxsize=4)
def imagine(task: Task, per_label: int, seed: int) -> tuple[Evidence, ...]:
    """`per_label` labelled samples of each label of a task; none where the world lacks one of its labels.

    Drawing 1,400 screens takes about half a minute on one core; the result is kept for this process.
    """
    known = set(families() if task.input == "picture" else labels())
    if not set(task.names) <= known:
        return ()
    rows = []
    for index in range(per_label * len(task.names)):
        label = task.names[index % len(task.names)]
        rng = random.Random(f"{seed}/{task.name}/{index}")
        rows.append(_screen(task, label, index, rng) if task.input == "picture" else _dialogue(task, label, index, rng))
    return tuple(rows)


def _screen(task: Task, label: str, index: int, rng: random.Random) -> Evidence:
    screen = draw_screen(label, rng, SCALE)
    name = f"imagined-{index}"
    lines = misread(screen.lines, rng, strength=rng.choice(_STRENGTHS))
    picture = Picture(name, Path(name), screen.image.width, screen.image.height, lines, UNSEEN)
    return Evidence(Sample(name, task.name, (name,), (), label), (picture,))


def _dialogue(task: Task, label: str, index: int, rng: random.Random) -> Evidence:
    return Evidence(Sample(f"imagined-{index}", task.name, (), write_dialogue(label, rng).turns, label), ())
