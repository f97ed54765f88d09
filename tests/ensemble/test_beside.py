"""Several large models side by side: each an expert with one call, within the budget, asked only where it can tell."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import TAKEN, BudgetConfig, Config, ModelConfig
from kdsl.config_file import load_config
from kdsl.ensemble import first_look
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import BudgetError, ConfigError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Material, Setup
from kdsl.experts.beside import FurtherLargeExpert
from kdsl.experts.registry import EXPERTS, experts_for
from kdsl.models.roles import Models
from kdsl.tasks import Task


@pytest.fixture(scope="module")
def both(config: Config, base_of: Callable[..., ModelConfig]) -> Config:
    """The large model, and a text-only one beside it for the task `ask`, with a prompt and a training of its own."""
    model = base_of("gemma3_text").model_copy(update={"tasks": ("ask",)})
    further = {"model": model, "prompt": {"dialogue_tokens": 128}, "training": {"lora_r": 4}}
    return Config.model_validate(config.model_dump() | {"beside": {"reader": further}})


@pytest.fixture(scope="module")
def models(both: Config) -> Models:
    return Models(both)


@pytest.fixture(scope="module")
def bundle(
    samples: list[Evidence],
    tasks: list[Task],
    both: Config,
    models: Models,
    tmp_path_factory: pytest.TempPathFactory,
) -> Bundle:
    return fit_bundle(samples, tasks, both, tmp_path_factory.mktemp("both") / "bundle", models)


def test_each_has_an_adapter_a_vote_and_a_call(samples: list[Evidence], bundle: Bundle) -> None:
    assert set(bundle.manifest["base"]) == {"large", "small", "reader"}
    adapter = json.loads((bundle.folder / "beside/reader/adapters/ask/adapter_config.json").read_text("utf-8"))
    assert adapter["r"] == 4
    assert not (bundle.folder / "beside/reader/adapters/screen").exists()
    predictor = Predictor(open_bundle(bundle.folder))
    for sample, one in zip(samples, predictor.predict(samples), strict=True):
        wanted = ["large", "reader"] if sample.sample.task == "ask" else ["large"]
        assert [call.role for call in one.trace.calls][: len(wanted)] == wanted
        assert one.trace.routed == (one.spend.calls > len(wanted))
        assert set(wanted) <= set(one.trace.experts)
        assert one.spend.calls <= 3
        assert one.spend.output_tokens <= 100
    predictor.close()


def test_one_call_is_left_for_the_doubtful(samples: list[Evidence], bundle: Bundle, models: Models) -> None:
    predictor = Predictor(open_bundle(bundle.folder), models)
    further = Fusion({"large": 0.5, "reader": 0.5, "reread": 0.5, "small": 0.2})
    for task in predictor.tasks.values():
        task.router = dataclasses.replace(task.router, further=further, route_below=2.0)
    expected = {"screen": ["large", "reread", "small"], "ask": ["large", "reader", "reread"]}
    for sample, one in zip(samples, predictor.predict(samples), strict=True):
        assert [call.role for call in one.trace.calls] == expected[sample.sample.task]
        assert one.trace.routed
    reader = models.beside["reader"].large
    asked = next(one for one in predictor.predict(samples) if one.task == "ask")
    assert asked.spend.parameters > models.large.n_parameters + reader.n_parameters
    predictor.close()


def test_a_budget_that_cannot_hold_both_is_told_before_anything_is_fitted(
    samples: list[Evidence], tasks: list[Task], both: Config, tmp_path: Path
) -> None:
    tight = both.ensemble.model_copy(update={"budget": BudgetConfig(max_calls=1)})
    with pytest.raises(BudgetError, match="call 'reader' is refused: 1 of 1 model calls are spent"):
        fit_bundle(samples, tasks, both.model_copy(update={"ensemble": tight}), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_model_is_asked_only_about_tasks_that_it_can_tell(
    samples: list[Evidence], tasks: list[Task], config: Config, tmp_path: Path
) -> None:
    assert config.large is not None
    picky = config.model_copy(update={"large": config.large.model_copy(update={"tasks": ("screen",)})})
    bundle = fit_bundle(samples, tasks, picky, tmp_path / "bundle")
    assert set(bundle.manifest["adapters"]) == {"screen"}
    predictor = Predictor(bundle)
    for one in predictor.predict(samples):
        assert ("large" in one.trace.experts) == (one.task == "screen")
        assert (one.spend.calls > 0) == (one.task == "screen")
    predictor.close()


def test_the_names_that_are_taken_are_those_of_all_experts_and_calls() -> None:
    assert {expert.name for expert in EXPERTS} | {"small", "reread", "second"} == TAKEN


@pytest.mark.parametrize("name", ["rules", "reread", "Gemma 3"])
def test_a_name_must_be_free_and_plain(name: str, both: Config) -> None:
    raw = both.model_dump() | {"beside": {name: both.beside["reader"].model_dump()}}
    with pytest.raises(ValueError, match=r"name of another expert|should match pattern"):
        Config.model_validate(raw)


def test_a_config_says_only_in_what_a_further_model_differs(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        f"extends: {shop / 'config.yaml'}\n"
        "beside: {reader: {model: {source: gemma-3-270m}, prompt: {max_tokens: 200}, training: {epochs: 3}}}\n"
    )
    config = load_config(tmp_path / "two.yaml", ["beside.reader.model.accept_terms=gemma", "training.lora_alpha=9"])
    own = config.of_beside("reader")
    assert (own.large, own.small) == (ModelConfig(source="gemma-3-270m", accept_terms="gemma"), None)
    assert (own.prompt.max_tokens, own.prompt.max_pixels) == (200, config.prompt.max_pixels)
    assert (own.training.epochs, own.training.lora_r, own.training.lora_alpha) == (3, config.training.lora_r, 9)
    assert Config.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ConfigError, match="max_token: no such setting; did you mean 'max_tokens'"):
        load_config(tmp_path / "two.yaml", ["beside.reader.prompt.max_token=9"])


def test_the_shipped_config_puts_gemma_beside_nano_once_its_terms_are_accepted() -> None:
    config = load_config("configs/nano-gemma.yaml")
    assert list(config.of_each_large) == ["large", "gemma"]
    assert config.beside["gemma"].model.accept_terms is None
    assert config.of_beside("gemma").training.search is None


def test_a_killed_fit_continues_and_ends_the_same(
    samples: list[Evidence], tasks: list[Task], both: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    whole, calls = FurtherLargeExpert.fit, 0

    def dies_at_the_second(self: FurtherLargeExpert, material: Material) -> FurtherLargeExpert:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        return whole(self, material)

    models = Models(both)
    only = [task for task in tasks if task.name == "ask"]
    asks = [evidence for evidence in samples if evidence.sample.task == "ask"]
    at_once = fit_bundle(asks, only, both, tmp_path / "at-once", models)
    monkeypatch.setattr(FurtherLargeExpert, "fit", dies_at_the_second)
    with pytest.raises(Killed):
        fit_bundle(asks, only, both, tmp_path / "bundle", models)
    again = fit_bundle(asks, only, both, tmp_path / "bundle", models)
    assert calls == 4  # of two inner folds and all samples, and one that was cut short
    weights = "beside/reader/adapters/ask/adapter_model.safetensors"
    assert again.manifest["files"][weights] == at_once.manifest["files"][weights]


def test_a_model_that_tells_nothing_on_a_task_is_left_out_there_and_kept_on_the_other(
    samples: list[Evidence],
    tasks: list[Task],
    both: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
) -> None:
    everywhere = both.beside["reader"].model.model_copy(update={"tasks": None})
    further = both.beside["reader"].model_copy(update={"model": everywhere})
    eager = both.model_copy(update={"beside": {"reader": further}})

    def tells(task: Task, asked: Sequence[Evidence], setup: Setup) -> np.ndarray:
        knows = setup.config.large != everywhere or task.name == "ask"
        gold = [task.index(evidence.sample.label or "") for evidence in asked]
        return np.log(0.01 + 0.97 * np.eye(3)[gold]) if knows else np.full((len(asked), 3), -np.log(3))

    monkeypatch.setattr(first_look, "ENOUGH", 8)
    monkeypatch.setattr(first_look, "_as_it_is", tells)
    monkeypatch.setattr(first_look, "_after_training", lambda task, taught, asked, setup, _: tells(task, asked, setup))
    said.clear()
    groups = {task.name: [e for e in samples if e.sample.task == task.name] for task in tasks}
    left = first_look.first_look(Setup(tuple(tasks), eager, Models(eager)), groups, tmp_path).config
    assert f"reader ({everywhere.source}): no better than chance on your labels of screen, left out" in said
    assert left.large == eager.large
    assert left.beside["reader"].model.tasks == ("ask",)
    by_task = {task.name: [expert.name for expert in experts_for(task, left)] for task in tasks}
    assert "reader" in by_task["ask"]
    assert "reader" not in by_task["screen"]
