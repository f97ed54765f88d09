"""Answers are written one by one; a killed run goes on with nothing lost and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.intention_items import write_items

from kdsl.errors import BundleError
from kdsl.evaluation.intentionqa.answers import ANSWERS, answer
from kdsl.evaluation.intentionqa.items import Item, read_items
from kdsl.evaluation.intentionqa.scorers import OptionScores
from kdsl.intentions.backends.base import Failure


class Lengths:
    """Scores an option by its length; fails on some items, and is killed before others."""

    name = "lengths"
    version = "1"

    def __init__(self, fails: Sequence[str] = (), killed_at: str = "") -> None:
        self.fails, self.killed_at = fails, killed_at
        self.asked: list[str] = []

    def score(self, items: Sequence[Item]) -> Iterator[tuple[Item, OptionScores | Failure]]:
        for item in items:
            if item.id == self.killed_at:
                raise KeyboardInterrupt
            self.asked.append(item.id)
            scores = OptionScores(tuple(float(len(option)) for option in item.options), (0.0, 1.0, 2.0, 3.0))
            yield item, Failure("no answer came") if item.id in self.fails else scores


@pytest.fixture
def items(tmp_path: Path) -> tuple[Item, ...]:
    return read_items(write_items(tmp_path / "items.jsonl", 1), 1).items


def test_a_killed_run_goes_on(tmp_path: Path, items: tuple[Item, ...]) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        answer(Lengths(fails=["t1"], killed_at="t5"), items, folder, {"data": "x"})
    file = folder / ANSWERS
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ["t0", "t1", "t2", "t3", "t4"]
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])  # cut off within t4
    again = Lengths()
    found = answer(again, items, folder, {"data": "x"})
    assert again.asked == ["t1", *(f"t{number}" for number in range(4, 12))]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(item.id for item in items)
    assert not found.failed.any()
    assert found.fit.tolist() == [[float(len(option)) for option in item.options] for item in items]
    by_id = {line["id"]: line["answer"] for line in lines}
    best = (found.fit - found.prior).argmax(1)
    assert [by_id[item.id] for item in items] == ["ABCD"[place] for place in best]


def test_a_last_line_without_its_end_is_not_joined_to_the_next(tmp_path: Path, items: tuple[Item, ...]) -> None:
    folder = tmp_path / "run"
    answer(Lengths(), items[:3], folder, {})
    file = folder / ANSWERS
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))
    assert answer(Lengths(), items, folder, {}).fit.shape == (12, 4)
    assert len({json.loads(line)["id"] for line in file.read_text().splitlines()}) == 12


def test_fewer_items_take_none_of_the_others_away(tmp_path: Path, items: tuple[Item, ...]) -> None:
    folder = tmp_path / "run"
    answer(Lengths(), items, folder, {})
    before = (folder / ANSWERS).read_bytes()
    assert answer(Lengths(), items[4:6], folder, {}).fit.shape == (2, 4)
    assert (folder / ANSWERS).read_bytes() == before


def test_failed_items_are_marked(tmp_path: Path, items: tuple[Item, ...]) -> None:
    found = answer(Lengths(fails=["t2", "t7"]), items, tmp_path / "run", {})
    assert np.flatnonzero(found.failed).tolist() == [2, 7]
    assert found.has_prior


def test_another_runs_folder_is_refused(tmp_path: Path, items: tuple[Item, ...]) -> None:
    answer(Lengths(), items, tmp_path / "run", {"data": "x"})
    with pytest.raises(BundleError, match=r"these differ: data.*Choose another `out`"):
        answer(Lengths(), items, tmp_path / "run", {"data": "y"})
