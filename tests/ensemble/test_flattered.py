"""Scores that are better than on new samples weigh less; the world's blind part stands in for what is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.materials import NO_MODELS

from kdsl.config import Config, FurtherModel, ModelConfig
from kdsl.config_file import load_config, load_tasks
from kdsl.data.sample import Sample
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import fit_weights
from kdsl.ensemble.parts import Parts, learned_from_world
from kdsl.ensemble.router import fit_router
from kdsl.ensemble.selection import voting_experts
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.models.roles import Models
from kdsl.scores import OutOfFold, log_softmax
from kdsl.tasks import Label, Task
from kdsl.world.documents import world_documents
from kdsl.world.evidence import imagine

GOLD = np.random.default_rng(0).integers(0, 4, 200)


def expert(strength: float, seed: int) -> np.ndarray:
    return log_softmax(strength * np.eye(4)[GOLD] + np.random.default_rng(seed).normal(size=(200, 4)))


SCORES = {"flattered": expert(4, 1), "honest": expert(2, 2)}


def test_a_flattered_expert_weighs_less_however_many_samples_there_are() -> None:
    before, now = fit_weights(SCORES, GOLD), fit_weights(SCORES, GOLD, flattered=["flattered"])
    assert before["flattered"] > before["honest"]
    assert 0 < now["flattered"] < min(now["honest"], before["flattered"] / 2)
    assert now["honest"] > before["honest"]
    many = {name: np.vstack([matrix] * 5) for name, matrix in SCORES.items()}
    again = fit_weights(many, np.tile(GOLD, 5), flattered=["flattered"])
    assert again["flattered"] == pytest.approx(now["flattered"], abs=0.02)


def test_honest_experts_are_chosen_first_and_where_all_are_flattered_none_is_pulled_down() -> None:
    assert voting_experts(SCORES, GOLD, 0, flattered=["flattered"])[0] == "honest"
    ids = tuple(map(str, range(200)))

    def router(names: tuple[str, ...], flattered: tuple[str, ...]) -> dict[str, float]:
        first = OutOfFold(ids, GOLD, {name: SCORES[name] for name in names}, flattered)
        return fit_router(first, lambda *_: {}, Config().ensemble, 0).first.weights

    assert router(("flattered",), ("flattered",)) == router(("flattered",), ())
    assert router(("flattered", "honest"), ("flattered",))["flattered"] < 0.5


def test_calls_that_are_flattered_weigh_less_too() -> None:
    again = {"reread": expert(4, 3)}
    first = OutOfFold(tuple(map(str, range(200))), GOLD, {"honest": SCORES["honest"]}, ("large", "reread"))
    asked = fit_router(first, lambda _, __, rows: {"reread": again["reread"][rows]}, Config().ensemble, 0)
    assert asked.further is not None
    open_ = fit_router(
        OutOfFold(first.ids, GOLD, first.scores),
        lambda _, __, rows: {"reread": again["reread"][rows]},
        Config().ensemble,
        0,
    )
    assert open_.further is not None
    assert asked.further.weights["reread"] < open_.further.weights["reread"] / 2


def test_kdsl_nano_is_flattered_on_the_labels_of_the_world_alone() -> None:
    scene, intent = load_tasks(Config())
    own = Task(name="own", input="dialogue", prompt="?", labels=(Label(name="a"), Label(name="b")))
    nano = load_config("configs/nano.yaml")
    assert learned_from_world(scene, nano) == ("large", "reread", "second", "small")
    assert learned_from_world(own, nano) == ()
    assert learned_from_world(intent, NO_MODELS) == ()
    other = ModelConfig(source="some/model")
    beside = {"talker": FurtherModel(model=ModelConfig())}
    mixed = nano.model_copy(update={"large": other, "small": other, "beside": beside})
    assert learned_from_world(intent, mixed) == ("talker",)


def test_held_out_samples_are_scored_by_experts_that_imagined_blindly() -> None:
    knowledge = NO_MODELS.knowledge.model_copy(update={"imagined_per_label": 3})
    config = NO_MODELS.model_copy(update={"knowledge": knowledge})
    (intent,) = [task for task in load_tasks(config) if task.input == "dialogue"]
    parts = Parts(Setup((intent,), config, Models(config)))
    whole, blind = (parts.material({}, Path("work"), blind=blind) for blind in (False, True))
    assert list(blind.imagined(intent)) == list(imagine(intent, 2, config.seed, blind=True))
    assert list(whole.imagined(intent)) == list(imagine(intent, 3, config.seed))
    documents = [text.text for text in world_documents(intent, 2, config.seed, blind=True)]
    assert [document.text for document in blind.imagined_documents(intent)] == documents


def test_inner_folds_are_blind_and_the_bundle_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    given = Parts.material
    monkeypatch.setattr(
        Parts,
        "material",
        lambda self, labelled, work, blind=False: (
            seen.append((work.parent.parent.name, blind)) or given(self, labelled, work, blind)
        ),
    )
    task = Task(name="ask", input="dialogue", prompt="?", labels=(Label(name="a", zh="a"), Label(name="b", zh="b")))
    evidences = [
        Evidence(Sample.dialogue([f"{text} {n}"], task="ask", label=label, id=f"{label}{n}"), ())
        for label, text in (("a", "where is my parcel"), ("b", "wash the blanket"))
        for n in range(6)
    ]
    fit_bundle(evidences, [task], NO_MODELS, tmp_path / "bundle")
    assert [blind for folder, blind in seen if folder.startswith("inner")] == [True] * (len(seen) - 1)
    assert seen[-1] == ("bundle", False)
