"""Synthetic data for pretraining, on disk: dialogues and screens, drawn once by worker processes.

Drawing a screen costs as much as several training steps on it, so a screen is drawn once and seen with
fresh OCR mistakes and at other sizes each time. A killed run goes on with the shards that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kdsl.data.sample import Turn
from kdsl.evidence.types import UNSEEN, Picture
from kdsl.tasks import Task
from kdsl.world.dialogues import ask, write_dialogue
from kdsl.world.draw import SHARD, Stream, shards, write_missing
from kdsl.world.screens import DrawnLine, draw_screen

Kind = Literal["dialogues", "screens"]

SCALE = 0.55
"""Pixels per point that screens are drawn at: about twice what the model sees."""


@dataclass(frozen=True, slots=True)
class DialogueRow:
    """A dialogue, and another way to ask the same in one utterance.

    `pictures` says for each `<image>` what it shows: 'product', 'photo' or a scene's label.
    """

    label: str
    ask: str
    turns: tuple[Turn, ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScreenRow:
    """A screen: its label, the layout family that drew it, the picture without text, and its true lines."""

    label: str
    family: str
    picture: Picture
    lines: tuple[DrawnLine, ...]


@dataclass(frozen=True, slots=True)
class World:
    """All rows, those to learn from and those held out."""

    dialogues: tuple[DialogueRow, ...]
    screens: tuple[ScreenRow, ...]
    held_out_dialogues: tuple[DialogueRow, ...]
    held_out_screens: tuple[ScreenRow, ...]


def build_world(
    folder: Path,
    tasks: Sequence[Task],
    seed: int,
    sizes: dict[Kind, int],
    workers: int = 2,
    progress: Callable[[Kind, int], None] = lambda kind, rows: None,
) -> World:
    """Draw what is not in `folder` yet and read all of it.

    Args:
        tasks: the scene task (input 'picture') and the intent task (input 'dialogue'); labels take turns.
        sizes: rows of each kind; one row in twenty (whole shards, at least one) is held out.
        progress: told of the rows of each shard that was written.
    """
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    drawn: dict[Kind, list[list[dict[str, Any]]]] = {"dialogues": [], "screens": []}
    for kind, size in sizes.items():
        stream = Stream(f"{seed}/{kind}", _names(tasks, "picture" if kind == "screens" else "dialogue"))
        draw = partial(_draw_screen if kind == "screens" else _draw_dialogue, stream, folder)
        whole = -(-size // SHARD) * SHARD
        parts = shards(whole, partial(_file, folder, kind), draw)
        for shard in write_missing(parts, workers):
            progress(kind, len(shard.rows))
        drawn[kind] = [shard.read() for shard in parts]
    learn_d, hold_d = _split([[_dialogue(row) for row in rows] for rows in drawn["dialogues"]])
    learn_s, hold_s = _split([[_screen(row, folder) for row in rows] for rows in drawn["screens"]])
    return World(learn_d, learn_s, hold_d, hold_s)


def _names(tasks: Sequence[Task], kind: str) -> tuple[str, ...]:
    return tuple(name for task in tasks if task.input == kind for name in task.names)


def _split(shards: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    held = max(1, len(shards) // 20)
    learn = tuple(row for shard in shards[:-held] for row in shard)
    return learn, tuple(row for shard in shards[-held:] for row in shard)


def _file(folder: Path, kind: Kind, index: int) -> Path:
    return folder / f"{kind}-{index:05d}.jsonl"


def _draw_screen(stream: Stream, folder: Path, index: int) -> dict[str, Any]:
    label, rng = stream.row(index)
    screen = draw_screen(label, rng, SCALE)
    name = f"pictures/{index:06d}.jpg"
    screen.image.convert("RGB").save(folder / name, quality=88)
    return {
        "label": label,
        "family": screen.family,
        "name": name,
        "size": screen.image.size,
        "lines": [[line.text, *(round(side) for side in line.box)] for line in screen.lines],
    }


def _draw_dialogue(stream: Stream, folder: Path, index: int) -> dict[str, Any]:
    label, rng = stream.row(index)
    dialogue = write_dialogue(label, rng)
    return {
        "label": label,
        "ask": ask(label, rng),
        "turns": [[turn.role, turn.text] for turn in dialogue.turns],
        "pictures": dialogue.pictures,
    }


def _screen(row: dict[str, Any], folder: Path) -> ScreenRow:
    lines = tuple(DrawnLine(text, (box[0], box[1], box[2], box[3])) for text, *box in row["lines"])
    width, height = row["size"]
    picture = Picture(row["name"], folder / row["name"], width, height, (), UNSEEN)
    return ScreenRow(row["label"], row["family"], picture, lines)


def _dialogue(row: dict[str, Any]) -> DialogueRow:
    turns = tuple(Turn(role, text, text) for role, text in row["turns"])
    return DialogueRow(row["label"], row["ask"], turns, tuple(row["pictures"]))
