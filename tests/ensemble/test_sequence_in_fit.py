"""A fit with `training.strategy: sequence`: one adapter for all tasks, trained in stages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task


def test_one_adapter_trained_in_stages_answers_both_tasks(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    training = config.training.model_copy(update={"strategy": "sequence", "learning_rate": 0.01})
    own = config.model_copy(update={"training": training})
    bundle = fit_bundle(samples, tasks, own, tmp_path / "bundle", models)

    adapters = [path.name for path in (bundle.folder / "adapters").iterdir()]
    assert adapters == ["joint"]
    folder = bundle.folder / "adapters" / "joint"
    assert not (folder / "stages").exists()
    assert {bundle.adapter(task) for task in tasks} == {folder}
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["sequence"] == [task.name for task in tasks]
    assert manifest["samples"] == {"screen": 12, "ask": 12}

    predictor = Predictor(bundle, models)
    with adapter_on(models.large, folder):
        for task in tasks:
            group = [e for e in samples if e.sample.task == task.name]
            alone = LabelScorer(models.large, task, own.prompt).score(group)
            np.testing.assert_allclose(predictor.tasks[task.name].first_scores(group)["large"], alone, atol=1e-4)
    assert all(one.label for one in predictor.predict(samples))
    predictor.close()
