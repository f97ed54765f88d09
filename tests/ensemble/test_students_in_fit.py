"""A bundle with a student: `kdsl fit` trains it, call 3 uses it, and the ledger counts its weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import Config, StudentConfig
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import count_parameters
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task


@pytest.fixture(scope="module")
def taught(
    samples: list[Evidence],
    tasks: list[Task],
    config: Config,
    models: Models,
    tmp_path_factory: pytest.TempPathFactory,
) -> Bundle:
    """A bundle of the task 'ask' alone, with a student that was taught with much force."""
    training = config.training.model_copy(update={"learning_rate": 1e-2})
    config = config.model_copy(update={"student": StudentConfig(train=True), "training": training})
    asks = [e for e in samples if e.sample.task == "ask"]
    return fit_bundle(asks, tasks, config, tmp_path_factory.mktemp("taught"), models)


def test_the_bundle_ships_the_student_and_not_what_its_teacher_said(taught: Bundle) -> None:
    files = set(taught.manifest["files"])
    assert "small/adapters/ask/adapter_model.safetensors" in files
    assert not any("teacher" in name or name.startswith("work") for name in files)


def test_call_three_is_the_students_and_its_weights_are_counted(
    taught: Bundle, samples: list[Evidence], models: Models
) -> None:
    others = {*models.large.adapters, *models.small.adapters}
    predictor = Predictor(taught, models)
    task = predictor.tasks["ask"]
    task.router = dataclasses.replace(task.router, further=Fusion({"large": 1.0, "small": 1.0}), route_below=2.0)
    asked = next(e for e in samples if e.sample.task == "ask")
    (prediction,) = predictor.predict([asked])
    assert [call.role for call in prediction.trace.calls] == ["large", "reread", "small"]
    (adapter,) = set(models.large.adapters) - others
    (student,) = set(models.small.adapters) - others
    adapters = count_parameters(models.large, adapter), count_parameters(models.small, student)
    assert min(adapters) > 0
    assert prediction.spend.parameters == models.large.n_parameters + models.small.n_parameters + sum(adapters)
    scorer = LabelScorer(models.small, task.task, taught.config.prompt)
    bare = scorer.score([asked])[0]
    with models.small.using(student):
        expected = scorer.score([asked])[0]
    assert np.abs(expected - bare).max() > 1e-3
    said = dict(prediction.trace.calls[2].top)
    assert said[task.task.names[int(expected.argmax())]] == pytest.approx(np.exp(expected.max()), abs=1e-4)
    predictor.close()
    assert models.small.adapters == ()


def test_without_a_student_the_small_model_stays_bare(bundle: Bundle, models: Models, samples: list[Evidence]) -> None:
    predictor = Predictor(bundle, models)
    predictor.predict(samples)
    assert models.small.adapters == ()
    assert not (Path(bundle.folder) / "small").exists()
    predictor.close()
