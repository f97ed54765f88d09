"""What a seed draws stays the same, for every consumer of the world; shards are written once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kdsl.data.readers import load_task_files
from kdsl.data.sample import Turn
from kdsl.resources import resource
from kdsl.runs import digest
from kdsl.tasks import Task
from kdsl.world.dialogues import ask, write_dialogue
from kdsl.world.documents import world_documents
from kdsl.world.draw import Stream, known_labels, shards, write_missing
from kdsl.world.evidence import imagine
from kdsl.world.files import make_sample
from kdsl.world.rows import build_world
from kdsl.world.screens import draw_screen, families

SCENE, INTENT = load_task_files([resource(f"configs/tasks/mire-{name}.yaml") for name in ("scene", "intent")])


def said(turns: Iterable[Turn]) -> list[str]:
    return [turn.raw for turn in turns]


def text_of(task: Task, seed: int) -> list[Any]:
    """A few samples of the written world without their pixels: turns, and what is read in their pictures."""
    made = [make_sample(task, index, seed, scale=0.3) for index in range(8)]
    return [(said(one.sample.turns), [[line.text for line in lines] for lines in one.lines]) for one in made]


def pretraining_rows(folder: Path) -> list[Any]:
    world = build_world(folder, (SCENE, INTENT), 5, {"dialogues": 50, "screens": 50}, workers=1)
    talks = [(row.label, row.ask, said(row.turns), row.pictures) for row in world.held_out_dialogues]
    return talks + [(row.label, row.family, [line.text for line in row.lines]) for row in world.held_out_screens]


def test_the_order_of_families_is_that_of_earlier_seeds() -> None:
    order = {
        label: [(entry.name, entry.app, entry.weight) for entry in entries] for label, entries in families().items()
    }
    assert digest(list(order.items())) == "37a2c26615b410c2"


def test_seeds_draw_what_they_drew_before(tmp_path: Path) -> None:
    screens = [draw_screen(label, random.Random(label), 0.3) for label in families()]
    talks = [
        (ask(label, random.Random(3)), said(write_dialogue(label, random.Random(4)).turns)) for label in INTENT.names
    ]
    drawn = {
        "screens": [(screen.family, [line.text for line in screen.lines]) for screen in screens],
        "dialogues": talks,
        "files": [text_of(SCENE, 17), text_of(INTENT, 17)],
        "evidence": [(said(e.sample.turns), e.ocr_text) for task in (SCENE, INTENT) for e in imagine(task, 1, 17)],
        "documents": [(d.label, d.title, d.text) for task in (SCENE, INTENT) for d in world_documents(task, 1, 17)],
        "rows": pretraining_rows(tmp_path),
    }
    assert {name: digest(rows) for name, rows in drawn.items()} == {
        "screens": "41a14ba5d26cdf61",
        "dialogues": "17278d5c907c8ed7",
        "files": "9d80b2313825d63f",
        "evidence": "19f678a4758d6c45",
        "documents": "0d8cb3accb8131d5",
        "rows": "ba7c0404a6c05929",
    }


def test_a_stream_takes_labels_in_turns_and_seeds_each_row_alone() -> None:
    stream = Stream("world", ("a", "b"))
    assert [stream.row(index)[0] for index in range(4)] == ["a", "b", "a", "b"]
    assert stream.row(3)[1].random() == stream.row(3)[1].random() != stream.row(1)[1].random()


def test_labels_that_the_world_does_not_know_are_left_out() -> None:
    new = SCENE.labels[0].model_copy(update={"name": "new"})
    strange = SCENE.model_copy(update={"labels": (new, *SCENE.labels[:2])})
    assert known_labels(strange) == [label.name for label in SCENE.labels[:2]]


def draw_row(index: int) -> dict[str, int]:
    return {"row": index}


@pytest.mark.parametrize("workers", [1, 2])
def test_shards_that_are_there_are_not_drawn_again(tmp_path: Path, workers: int) -> None:
    parts = shards(120, lambda number: tmp_path / f"{number}.jsonl", draw_row)
    assert [len(part.rows) for part in parts] == [50, 50, 20]
    parts[1].file.write_text('{"row": "kept"}\n', "utf-8")
    assert {part.file.name for part in write_missing(parts, workers)} == {"0.jsonl", "2.jsonl"}
    assert [row["row"] for part in parts for row in part.read()] == [*range(50), "kept", *range(100, 120)]


def test_importing_the_world_reads_no_phrases_and_no_drawings() -> None:
    code = (
        "import sys\n"
        "import kdsl.world.documents, kdsl.world.evidence, kdsl.world.files, kdsl.world.rows\n"
        "from kdsl.world.dialogues.phrasebook import phrasebook\n"
        "from kdsl.world.screens.words import catalogue\n"
        "assert phrasebook.cache_info().currsize == catalogue.cache_info().currsize == 0\n"
        "assert 'kdsl.world.screens.table' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
