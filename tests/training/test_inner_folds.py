"""Inner folds keep copies of a sample together, as outer folds do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.tasks import Task
from kdsl.training.inner_folds import inner_folds


def test_copies_of_a_dialogue_share_a_fold(samples: list[Evidence], tasks: list[Task], config: Config) -> None:
    asks = [e for e in samples if e.sample.task == "ask"]
    many = []
    for i, e in enumerate(asks):
        turns = tuple(
            replace(turn, text=turn.text + "请问一下这件商品还有没有别的颜色和尺码" * 2 + "啊" * i)
            for turn in e.sample.turns
        )
        for copy in ("a", "b"):
            many.append(replace(e, sample=replace(e.sample, id=f"{e.sample.id}-{copy}", turns=turns)))
    ask = next(task for task in tasks if task.name == "ask")
    fold = inner_folds({"ask": many}, [ask], config)["ask"]
    assert (fold[::2] == fold[1::2]).all()
    assert set(fold) == {0, 1}


def test_copies_of_a_picture_share_a_fold(
    samples: list[Evidence], tasks: list[Task], config: Config, tmp_path: Path
) -> None:
    screens = [e for e in samples if e.sample.task == "screen"]
    many = []
    for e in screens:
        many.append(e)
        name = f"copy-{e.pictures[0].path.name}"
        path = Path(shutil.copy(e.pictures[0].path, tmp_path / name))
        picture = replace(e.pictures[0], name=name, path=path)
        many.append(Evidence(replace(e.sample, id=f"{e.sample.id}-b", images=(name,)), (picture,)))
    screen = next(task for task in tasks if task.name == "screen")
    fold = inner_folds({"screen": many}, [screen], config)["screen"]
    assert (fold[::2] == fold[1::2]).all()


def test_without_a_large_model_there_are_more_folds(samples: list[Evidence], tasks: list[Task], config: Config) -> None:
    ask = next(task for task in tasks if task.name == "ask")
    asks = [e for e in samples if e.sample.task == "ask"]
    light = config.model_copy(update={"large": None})
    assert set(inner_folds({"ask": asks}, [ask], light)["ask"]) == {0, 1, 2, 3, 4}
    asked_for = light.model_copy(update={"ensemble": light.ensemble.model_copy(update={"inner_folds": 3})})
    assert set(inner_folds({"ask": asks}, [ask], asked_for)["ask"]) == {0, 1, 2}
    two_each = [[e for e in asks if e.sample.label == label][:2] for label in ask.names[:2]]
    four = [e for pair in two_each for e in pair]
    assert set(inner_folds({"ask": four}, [ask], light)["ask"]) == {0, 1}  # too few for five
