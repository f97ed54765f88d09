"""Synthetic evidence: labelled samples without labelling cost, for tasks whose labels the world supports.

Pictures are not rendered to files: the samples have the lines that OCR would read, including its errors.
"""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

from kdsl.data.sample import Sample
from kdsl.evidence.types import UNSEEN, Evidence, Picture
from kdsl.tasks import Task
from kdsl.world.dialogues import write_dialogue
from kdsl.world.draw import Stream, known_labels, read_screen
from kdsl.world.screens import draw_screen

SCALE = 0.5
"""Pixels per point: only the lines are used, and small screens are drawn faster."""


@lru_cache(maxsize=8)
def imagine(task: Task, per_label: int, seed: int, blind: bool = False) -> tuple[Evidence, ...]:
    """`per_label` labelled samples of each label of a task; none where the world lacks one of its labels.

    Drawing 1,400 screens takes about half a minute on one core; the result is kept for this process.

    Args:
        blind: of the families and questions alone that were written without sight of the challenge's samples.
    """
    if known_labels(task) != list(task.names):
        return ()
    draw = _screen if task.input == "picture" else _dialogue
    stream = Stream(f"{seed}/{task.name}{'/blind' * blind}", tuple(task.names))
    return tuple(draw(task, f"imagined-{i}", *stream.row(i), blind) for i in range(per_label * len(task.names)))


def _screen(task: Task, name: str, label: str, rng: random.Random, blind: bool) -> Evidence:
    screen = draw_screen(label, rng, SCALE, blind=blind)
    picture = Picture(name, Path(name), *screen.image.size, read_screen(screen, rng), UNSEEN)
    return Evidence(Sample(name, task.name, (name,), (), label), (picture,))


def _dialogue(task: Task, name: str, label: str, rng: random.Random, blind: bool) -> Evidence:
    return Evidence(Sample(name, task.name, (), write_dialogue(label, rng, blind).turns, label), ())
