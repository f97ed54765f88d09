"""`examples_of`: samples to try a bundle with. They are drawn and written by kdsl's synthetic world where it knows the
labels of a task; for labels of one's own they are what the labels are described as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from kdsl.data.dialogue import format_turns
from kdsl.ensemble.bundle import Bundle
from kdsl.tasks import Task
from kdsl.world.draw import known_labels
from kdsl.world.files import make_sample

PER_TASK = 3
SEED = 2027
"""Of no fit, demo or pretraining."""
SCALE = 1.5
"""Pixels per point: enough for OCR."""
TITLE = 40


@dataclass(frozen=True)
class Example:
    """A sample of a task: its dialogue as it is pasted, and its pictures as PNG."""

    task: str
    number: int
    text: str
    pictures: tuple[bytes, ...] = ()

    @property
    def title(self) -> str:
        """The beginning of what is said."""
        line = " ".join(self.text.split())
        return line if len(line) <= TITLE else f"{line[:TITLE]}…"


def examples_of(bundle: Bundle) -> tuple[Example, ...]:
    """The examples of a bundle's tasks."""
    return tuple(example for task in bundle.tasks for example in _of_task(task.model_dump_json()))


@lru_cache(maxsize=32)
def _of_task(plain: str) -> tuple[Example, ...]:
    """The examples of a task, which is given as JSON."""
    task = Task.model_validate_json(plain)
    if len(known_labels(task)) == len(task.names):
        step = max(len(task.names) // PER_TASK, 1)
        return tuple(_drawn(task, number, number * step) for number in range(PER_TASK))
    if task.input == "picture":
        return ()
    return tuple(Example(task.name, number, label.texts[-1]) for number, label in enumerate(task.labels[:PER_TASK]))


def _drawn(task: Task, number: int, index: int) -> Example:
    made = make_sample(task, index, SEED, SCALE)
    text = format_turns(made.sample.turns) if made.sample.turns else ""
    pictures = []
    for image in made.images:
        stream = BytesIO()
        image.save(stream, "PNG")
        pictures.append(stream.getvalue())
    return Example(task.name, number, text, tuple(pictures))
