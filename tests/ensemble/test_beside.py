"""Several large models side by side: each an expert with one call, within the budget, asked only where it can tell."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kdsl.config import BudgetConfig, Config, FurtherModel, ModelConfig
from kdsl.ensemble.bundle import open_bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import BudgetError
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.tasks import Task


@pytest.fixture
def both(config: Config, base_of: Callable[..., ModelConfig]) -> Config:
    """The large model, and a text-only one beside it for the task `ask`, with a prompt and a training of its own."""
    model = base_of("gemma3_text").model_copy(update={"tasks": ("ask",)})
    further = FurtherModel(model=model, prompt={"dialogue_tokens": 128}, training={"epochs": 1, "lora_r": 4})
    return config.model_copy(update={"beside": {"reader": further}})


def test_each_has_an_adapter_a_vote_and_a_call(
    samples: list[Evidence], tasks: list[Task], both: Config, tmp_path: Path
) -> None:
    bundle = fit_bundle(samples, tasks, both, tmp_path / "bundle")
    assert set(bundle.manifest["base"]) == {"large", "small", "reader"}
    adapter = json.loads((bundle.folder / "beside/reader/adapters/ask/adapter_config.json").read_text("utf-8"))
    assert adapter["r"] == 4
    assert not (bundle.folder / "beside/reader/adapters/screen").exists()
    predictor = Predictor(open_bundle(bundle.folder))
    for sample, one in zip(samples, predictor.predict(samples), strict=True):
        wanted = ["large", "reader"] if sample.sample.task == "ask" else ["large"]
        assert [call.role for call in one.trace.calls][: len(wanted)] == wanted
        assert set(wanted) <= set(one.trace.experts)
        assert one.spend.calls <= 3
        assert one.spend.output_tokens <= 100
    predictor.close()


def test_one_call_is_left_for_the_doubtful(
    samples: list[Evidence], tasks: list[Task], both: Config, tmp_path: Path
) -> None:
    models = Models(both)
    predictor = Predictor(fit_bundle(samples, tasks, both, tmp_path / "bundle", models), models)
    further = Fusion({"large": 0.5, "reader": 0.5, "reread": 0.5, "small": 0.2})
    for task in predictor.tasks.values():
        task.router = dataclasses.replace(task.router, further=further, route_below=2.0)
    expected = {"screen": ["large", "reread", "small"], "ask": ["large", "reader", "reread"]}
    for sample, one in zip(samples, predictor.predict(samples), strict=True):
        assert [call.role for call in one.trace.calls] == expected[sample.sample.task]
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


@pytest.mark.parametrize("name", ["rules", "reread", "Gemma 3"])
def test_a_name_must_be_free_and_plain(name: str, both: Config) -> None:
    raw = both.model_dump() | {"beside": {name: both.beside["reader"].model_dump()}}
    with pytest.raises(ValueError, match=r"name of another expert|should match pattern"):
        Config.model_validate(raw)


def test_settings_of_a_further_model_are_checked_when_they_are_read(both: Config) -> None:
    raw = both.model_dump()
    raw["beside"]["reader"]["training"] = {"epoch": 2}
    with pytest.raises(ValueError, match="epoch"):
        Config.model_validate(raw)
