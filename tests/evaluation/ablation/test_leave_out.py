"""What each expert is worth, from kept scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kdsl.cli.main import cli
from kdsl.errors import InputError
from kdsl.evaluation.ablation.leave_out import leave_out
from kdsl.scores import OutOfFold, log_softmax


def scored(rng: np.random.Generator, n: int, task: str) -> OutOfFold:
    """Three labels; 'knows' is mostly right, 'guesses' is noise, 'silent' never speaks."""
    gold = rng.integers(0, 3, n)
    told = np.where(rng.random(n) < 0.9, gold, (gold + 1) % 3)
    scores = {
        "knows": log_softmax(3.0 * np.eye(3)[told]),
        "guesses": log_softmax(rng.normal(size=(n, 3))),
        "silent": np.full((n, 3), np.nan),
    }
    return OutOfFold(tuple(f"{task}{i}" for i in range(n)), gold, scores)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    for fold in range(2):
        for name in ("fitted", "held_out"):
            scored(rng, 60, "scene").save(tmp_path / "oof.jsonl.scores" / f"fold-{fold}" / f"scene.{name}.npz")
    return tmp_path / "oof.jsonl.scores"


def test_the_expert_that_knows_is_missed_and_the_others_are_not(run: Path) -> None:
    by_name = {subset.name: subset.f1["scene"][0] for subset in leave_out([run])}
    assert by_name["all"] > 0.8
    assert by_name["without knows"] < 0.6
    assert by_name["without guesses"] == pytest.approx(by_name["all"], abs=0.05)
    assert by_name["knows alone"] == pytest.approx(by_name["all"], abs=0.05)
    assert by_name["silent alone"] < 0.5


def test_two_runs_give_two_figures_and_a_table(run: Path) -> None:
    assert all(len(subset.f1["scene"]) == 2 for subset in leave_out([run, run]))
    shown = CliRunner().invoke(cli, ["experiment", "leave-out", str(run), str(run)])
    assert shown.exit_code == 0
    assert "without knows" in shown.output
    assert "±" in shown.output


def test_scores_read_back_as_they_were_saved(tmp_path: Path) -> None:
    made = scored(np.random.default_rng(1), 4, "intent")
    made.save(tmp_path / "s.npz")
    read = OutOfFold.load(tmp_path / "s.npz")
    assert read.ids == made.ids
    np.testing.assert_array_equal(read.gold, made.gold)
    np.testing.assert_array_equal(read.scores["silent"], made.scores["silent"])


def test_a_folder_without_scores_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scores of experts; a cross-validation to"):
        leave_out([tmp_path])
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"x\.npz holds no scores"):
        OutOfFold.load(tmp_path / "x.npz")
