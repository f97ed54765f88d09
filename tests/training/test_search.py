"""Few-shot adaptation: the recipe of lowest held-out log-loss is chosen, kept and used for all samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.trainings import heard

from kdsl.config import Config, SearchConfig
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.parts import Parts
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.tasks import Task
from kdsl.training.search import TIE, Recipe, Trial, choose


def trial(loss: float, epochs: float = 1.0, r: int = 8, augment: str = "none") -> Trial:
    return Trial(Recipe(r, augment, epochs), {"ask": loss}, {"ask": 0.5}, {"ask": 0.4})


def test_the_lowest_log_loss_wins_and_ties_go_to_the_cheapest() -> None:
    assert choose([trial(1.0), trial(0.8, 2.0), trial(0.9, 4.0)]).recipe.epochs == 2.0
    assert choose([trial(0.8 + TIE / 2), trial(0.8, 2.0)]).recipe.epochs == 1.0
    assert choose([trial(0.8, augment="rare"), trial(0.8)]).recipe.augment == "none"
    assert choose([trial(0.8, r=16), trial(0.8)]).recipe.lora_r == 8


def test_a_recipe_keeps_the_ratio_of_alpha_to_rank(config: Config) -> None:
    training = Recipe(8, "rare", 1.5).applied(config).training
    assert (training.lora_r, training.stop, training.augment.policy) == (8, 1.5, "rare")
    assert training.lora_alpha / training.lora_r == config.training.lora_alpha / config.training.lora_r


@pytest.mark.parametrize("strategy", ["separate", "joint"])
def test_a_fit_searches_and_trains_by_what_it_found(
    strategy: str, samples: Sequence[Evidence], tasks: Sequence[Task], config: Config, tmp_path: Path
) -> None:
    search = SearchConfig(ranks=(2, 4), augment=("none", "rare") if strategy == "separate" else ("none",))
    training = config.training.model_copy(update={"search": search, "strategy": strategy, "epochs": 1.0})
    config = config.model_copy(update={"training": training, "small": None})  # the rules' model has no part in a search
    bundle = fit_bundle(samples, tasks, config, tmp_path / "bundle", Models(config))
    report = json.loads((bundle.folder / "report" / "adaptation.json").read_text("utf-8"))
    assert list(report) == (["joint"] if strategy == "joint" else [task.name for task in tasks])
    for name, found in report.items():
        assert len(found["trials"]) == 2 * len(search.augment) * 2  # ranks, policies, half epochs
        chosen = found["chosen"]
        mean = {json.dumps(t["recipe"]): sum(t["log_loss"].values()) / len(t["log_loss"]) for t in found["trials"]}
        assert mean[json.dumps(chosen["recipe"])] <= min(mean.values()) + TIE
        manifest = json.loads((bundle.folder / "adapters" / name / "manifest.json").read_text("utf-8"))
        assert manifest["training"]["stop"] == chosen["recipe"]["epochs"]
        assert manifest["training"]["lora_r"] == chosen["recipe"]["lora_r"]
        assert manifest["training"]["augment"]["policy"] == chosen["recipe"]["augment"]
    assert not (bundle.folder / "work").exists()


def test_a_killed_search_goes_on_and_finds_the_same(
    samples: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = config.training.model_copy(update={"search": SearchConfig(ranks=(2,), augment=("none",))})
    config = config.model_copy(update={"training": training, "small": None})

    def kill(text: str) -> None:
        if "training 2" in text and "adaptation of ask" in text:
            raise KeyboardInterrupt

    whole = fit_bundle(samples, tasks, config, tmp_path / "whole", Models(config))
    with heard(kill), pytest.raises(KeyboardInterrupt):
        fit_bundle(samples, tasks, config, tmp_path / "killed", Models(config))
    done = sorted((tmp_path / "killed" / "work").glob("inner-*/trials/screen/*/manifest.json"))
    before_resume = {file: file.stat().st_mtime_ns for file in done}
    assert len(done) == 2
    with monkeypatch.context() as patch:
        patch.setattr(Parts, "fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):  # the search is over: what was finished was not trained again
            fit_bundle(samples, tasks, config, tmp_path / "killed", Models(config))
    assert {file: file.stat().st_mtime_ns for file in done} == before_resume
    bundle = fit_bundle(samples, tasks, config, tmp_path / "killed", Models(config))
    again, before = (json.loads((b.folder / "report" / "adaptation.json").read_text("utf-8")) for b in (bundle, whole))
    assert again["ask"]["chosen"]["recipe"] == before["ask"]["chosen"]["recipe"]
    assert again["ask"]["chosen"]["log_loss"]["ask"] == pytest.approx(
        before["ask"]["chosen"]["log_loss"]["ask"], abs=1e-4
    )
