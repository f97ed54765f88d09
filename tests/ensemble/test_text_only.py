"""A bundle on a text-only model: the same experts, calls, budget and trace; pictures are read by OCR alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from kdsl.config import Config, ModelConfig
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.tasks import Task


def test_a_second_view_is_taken_where_another_than_the_user_spoke(
    samples: list[Evidence],
    tasks: list[Task],
    config: Config,
    base_of: Callable[..., ModelConfig],
    tmp_path: Path,
) -> None:
    own = config.model_copy(update={"large": base_of("gemma3_text"), "small": None})
    models = Models(own)
    predictor = Predictor(fit_bundle(samples, tasks, own, tmp_path / "bundle", models), models)
    further = Fusion({"large": 0.5, "lexical": 0.5, "reread": 0.5, "second": 0.2})
    for task in predictor.tasks.values():
        task.router = dataclasses.replace(task.router, further=further, route_below=2.0)
    expected = {"screen": ["large", "reread"], "ask": ["large", "reread", "second"]}
    for sample, prediction in zip(samples, predictor.predict(samples), strict=True):
        assert [call.role for call in prediction.trace.calls] == expected[sample.sample.task]
        assert prediction.spend.parameters > models.large.n_parameters
    predictor.close()
