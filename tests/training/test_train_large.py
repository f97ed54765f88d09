"""`kdsl train-large`: recipes chosen by cross-validation or by held-out samples, and the adapters that they leave."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.trainings import heard
from helpers.trainings import train as train_once
from safetensors.numpy import load_file
from sklearn.metrics import f1_score

from kdsl.config import Config, SearchConfig
from kdsl.errors import BundleError, ConfigError, InputError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.search import TIE
from kdsl.training.train_large import train_large

Train = Callable[..., list[Path]]


@pytest.fixture
def held_out(samples: list[Evidence]) -> list[Evidence]:
    """The last sample of each label."""
    return samples[3::4]


@pytest.fixture
def train(
    samples: list[Evidence], held_out: list[Evidence], tasks: list[Task], config: Config, models: Models
) -> Train:
    """Training of all samples, or of those that are not held out; settings of `training` as keywords."""

    def run(
        out: Path,
        valid: bool = False,
        only: Sequence[Task] = tasks,
        resume: bool = True,
        say: Callable[[str], None] = lambda text: None,
        **training: Any,
    ) -> list[Path]:
        settings = config.model_copy(update={"training": config.training.model_copy(update=training)})
        rest = [e for e in samples if e not in held_out] if valid else samples
        with heard(say):
            return train_large(models.large, rest, held_out if valid else [], only, settings, out, resume=resume)

    return run


def _report(out: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((out / "report" / "adaptation.json").read_text("utf-8"))
    return report


def _recipe(adapter: Path) -> tuple[int, str, float]:
    training = json.loads((adapter / "manifest.json").read_text("utf-8"))["training"]
    return training["lora_r"], training["augment"]["policy"], training["stop"]


def test_cross_validation_chooses_what_trains_on_all_samples(train: Train, tasks: list[Task], tmp_path: Path) -> None:
    search = SearchConfig(ranks=(2, 4), augment=("none",))
    (folder,) = train(tmp_path, only=tasks[1:], search=search)
    assert folder == tmp_path / "adapters" / "ask"
    found = _report(tmp_path)["ask"]
    assert len(found["trials"]) == 4  # two ranks, two half epochs
    assert _recipe(folder) == tuple(found["chosen"]["recipe"].values())
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["samples"] == {"ask": 12}  # not those of a fold alone
    rows = list(csv.DictReader((tmp_path / "report" / "adaptation-ask.csv").open()))
    assert [(int(row["rank"]), float(row["epochs"])) for row in rows] == [(2, 0.5), (2, 1.0), (4, 0.5), (4, 1.0)]
    for row, trial in zip(rows, found["trials"], strict=True):
        for name in ("log_loss", "f1", "macro_f1"):
            assert float(row[name]) == pytest.approx(trial[name]["ask"], abs=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapters", "report"]
    # what is done is not done again, and what is asked for otherwise is refused
    before = (folder / "manifest.json").stat().st_mtime_ns
    said: list[str] = []
    assert train(tmp_path, only=tasks[1:], say=said.append, search=search) == [folder]
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert not said
    for changed in ({"search": SearchConfig(ranks=(2,))}, {"search": search, "valid": True}):
        with pytest.raises(BundleError, match="holds an adapter of another recipe"):
            train(tmp_path, only=tasks[1:], **changed)


def test_held_out_samples_choose_among_the_half_epochs_of_one_training(
    train: Train,
    samples: list[Evidence],
    held_out: list[Evidence],
    tasks: list[Task],
    config: Config,
    models: Models,
    tmp_path: Path,
) -> None:
    ask = tasks[1]
    (folder,) = train(tmp_path, valid=True, only=[ask], epochs=2, learning_rate=0.02)
    found = _report(tmp_path)["ask"]
    assert [trial["recipe"]["epochs"] for trial in found["trials"]] == [0.5, 1.0, 1.5, 2.0]
    losses = [trial["log_loss"]["ask"] for trial in found["trials"]]
    assert len(set(losses)) == 4
    assert found["chosen"]["log_loss"]["ask"] <= min(losses) + TIE
    # it is the adapter that a training to that point leaves, and its figures are those of the held-out samples
    update = {"epochs": 2.0, "learning_rate": 0.02, "stop": found["chosen"]["recipe"]["epochs"]}
    settings = config.model_copy(update={"training": config.training.model_copy(update=update)})
    rest = [e for e in samples if e not in held_out]
    other = train_once(models.large, rest, [ask], settings, tmp_path / "other", seed=settings.seed)
    made, trained = (load_file(path / "adapter_model.safetensors") for path in (folder, other))
    assert made.keys() == trained.keys()
    for name in made:
        np.testing.assert_allclose(made[name], trained[name], atol=1e-5)
    group = [e for e in held_out if e.sample.task == "ask"]
    with adapter_on(models.large, folder):
        said = LabelScorer(models.large, ask, settings.prompt).score(group).argmax(1)
    gold = [ask.index(e.sample.label or "") for e in group]
    assert found["chosen"]["f1"]["ask"] == pytest.approx(f1_score(gold, said, average="weighted", zero_division=0))
    assert found["chosen"]["macro_f1"]["ask"] == pytest.approx(f1_score(gold, said, average="macro", zero_division=0))
    assert {path.name for path in folder.iterdir()} == {path.name for path in other.iterdir()} | {"logs"}


def test_held_out_samples_choose_among_candidates_without_folds(train: Train, tmp_path: Path) -> None:
    said: list[str] = []
    search = SearchConfig(ranks=(2, 4), augment=("none",))
    (folder,) = train(tmp_path, valid=True, say=said.append, search=search, strategy="joint")
    assert sum("training 1 of 1" in text for text in said) == 2
    chosen = _report(tmp_path)["joint"]["chosen"]
    assert _recipe(folder) == tuple(chosen["recipe"].values())
    assert set(chosen["f1"]) == {"screen", "ask"}


@pytest.mark.parametrize("valid", [True, False])
def test_a_killed_search_goes_on(valid: bool, train: Train, tasks: list[Task], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"only": tasks[1:], "search": SearchConfig(ranks=(2, 4), augment=("none",))}

    def kill(text: str) -> None:
        if "rank 4" in text and "epoch 0.5" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, valid, say=kill, **settings)
    trials = sorted((tmp_path / "adaptation").rglob("r*/manifest.json"))
    assert len(trials) == (2 if valid else 4)
    stamps = [file.stat().st_mtime_ns for file in trials]
    table = (tmp_path / "report" / "adaptation-ask.csv").read_text("utf-8")
    assert len(table.splitlines()) == 1 + 3

    def watch(text: str) -> None:
        assert [file.stat().st_mtime_ns for file in trials] == stamps

    train(tmp_path, valid, say=watch, **settings)
    assert (tmp_path / "report" / "adaptation-ask.csv").read_text("utf-8").startswith(table)
    assert len(_report(tmp_path)["ask"]["trials"]) == 4
    assert not (tmp_path / "adaptation").exists()


def test_trials_of_other_samples_are_refused_until_discarded(train: Train, tasks: list[Task], tmp_path: Path) -> None:
    def kill(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, valid=True, only=tasks[1:], say=kill)
    with pytest.raises(BundleError, match="resume=False"):
        train(tmp_path, valid=True, only=tasks[1:], epochs=0.5)
    train(tmp_path, valid=True, only=tasks[1:], epochs=0.5, resume=False)
    assert _report(tmp_path)["ask"]["chosen"]["recipe"]["epochs"] == 0.5


def test_what_cannot_be_chosen_by_is_refused_before_a_training(
    train: Train, samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    def run(evidences: Sequence[Evidence], held_out: Sequence[Evidence], settings: Config) -> None:
        train_large(models.large, evidences, held_out, tasks, settings, tmp_path)

    pictures = [e for e in samples if e.sample.task == "screen"]
    with pytest.raises(InputError, match="'ask' has no labelled sample among the held-out ones"):
        run(samples, pictures, config)
    search = config.model_copy(update={"training": config.training.model_copy(update={"search": SearchConfig()})})
    singles = {e.sample.label: e for e in samples if e.sample.task == "ask"}  # three labels: a fold holds two of them
    with pytest.raises(InputError, match="inner trainings"):
        run([*pictures, *singles.values()], [], search)
    with pytest.raises(ConfigError, match=r"below 0\.5"):
        train(tmp_path / "short", valid=True, only=tasks[1:], epochs=0.1)
    assert not any(tmp_path.glob("adapters/*"))
