"""The large model of a bundle behind a real HTTP server: the same predictions as with its weights here, a fit without
any weights, and samples that fail alone when the server dies."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.model_servers import FaultyProxy
from helpers.vllm_like import Model, vllm_like

from kdsl.config import Config, ModelServer
from kdsl.ensemble.blocks import predict_rows
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.workers import Worker, WorkerJob
from kdsl.errors import BudgetError, BundleError, ConfigError, ServerError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.large import LargeExpert
from kdsl.models.base import load_base
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.recognizer import Recognizer
from kdsl.scores import OutOfFold
from kdsl.tasks import Task

FURTHER = Fusion({"large": 0.5, "rules": 0.5, "retrieval": 0.5, "lexical": 0.5, "reread": 0.5, "second": 0.2})
NAMES = {"screen": "screen-lora", "ask": "ask-lora"}


@pytest.fixture(scope="module")
def served(bundle: Bundle) -> Model:
    assert bundle.config.large is not None
    adapters = {name: bundle.folder / "adapters" / task for task, name in NAMES.items()}
    return Model(Path(bundle.config.large.source), adapters)


@pytest.fixture(scope="module")
def url(served: Model) -> Iterator[str]:
    with vllm_like(served) as address:
        yield address


@pytest.fixture(scope="module")
def bare_url(config: Config) -> Iterator[str]:
    """A server without adapters."""
    with vllm_like(Model(Path(config.model("large").source), {})) as address:
        yield address


@pytest.fixture(scope="module")
def parameters(config: Config) -> int:
    return load_base(config.model("large")).n_parameters


@pytest.fixture
def server(url: str, parameters: int) -> ModelServer:
    return ModelServer(url=url, model="tiny", parameters=parameters, adapters=NAMES, retries=0)


def test_a_bundle_predicts_the_same_behind_a_server(
    bundle: Bundle, models: Models, samples: list[Evidence], server: ModelServer
) -> None:
    here, there = Predictor(bundle, models), Predictor(bundle.behind(server))
    for one, other in zip(here.predict(samples), there.predict(samples), strict=True):
        assert other.label == one.label
        assert other.spend == one.spend
        assert other.trace.calls[0].served == f"{NAMES[one.task]} by vllm 0.0.test at {server.url}"
        assert not one.trace.calls[0].served
        for label, probability in one.distribution.items():
            assert other.distribution[label] == pytest.approx(probability, abs=1e-4)
        assert other.trace.calls[0].served in other.explain()
    here.close()


def test_every_call_of_a_sample_goes_to_the_server_and_is_booked(
    bundle: Bundle, samples: list[Evidence], server: ModelServer
) -> None:
    config = bundle.config.model_copy(update={"small": None})
    alone = Bundle(bundle.folder, bundle.manifest, config, bundle.tasks)
    alone.manifest = {**bundle.manifest, "base": {"large": bundle.manifest["base"]["large"]}}
    predictor = Predictor(alone.behind(server))
    for task in predictor.tasks.values():
        task.router = dataclasses.replace(task.router, further=FURTHER, route_below=2.0)
    roles = {
        p.task: [(call.role, bool(call.served)) for call in p.trace.calls] for p in predictor.predict(samples[::8])
    }
    assert roles["screen"] == [("large", True), ("reread", True), ("second", True)]
    assert roles["ask"] == [("large", True), ("reread", True), ("second", True)]


def test_a_server_that_dies_fails_its_samples_alone(
    bundle: Bundle, samples: list[Evidence], server: ModelServer, url: str
) -> None:
    proxy = FaultyProxy(url, [])
    predictor = Predictor(bundle.behind(server.model_copy(update={"url": proxy.url, "in_flight": 1})))
    lines = predict_rows(predictor, samples)
    found = [next(lines) for _ in range(8)]
    proxy.close()
    found += list(lines)
    assert ["error" in line for line in found] == [False] * 8 + [True] * 16
    assert all("no connection" in line["error"] for line in found[8:])


@pytest.fixture(scope="module")
def unweighted(config: Config, parameters: int, bare_url: str, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings of a large model of which only tokenizer and config.json are here."""
    folder = tmp_path_factory.mktemp("source") / "large"
    shutil.copytree(config.model("large").source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    server = ModelServer(url=bare_url, model="tiny", parameters=parameters, retries=0)
    large = config.model("large").model_copy(update={"source": str(folder), "server": server})
    return config.model_copy(update={"large": large, "small": None})


def served_by(config: Config, **settings: Any) -> Config:
    large = config.model("large")
    assert large.server is not None
    server = large.server.model_copy(update=settings)
    return config.model_copy(update={"large": large.model_copy(update={"server": server})})


def out_of_fold(bundle: Bundle, task: str) -> np.ndarray:
    """The large expert's scores of the samples of a task."""
    return OutOfFold.load(bundle.folder / "report" / f"{task}.npz").scores["large"]


def of(samples: list[Evidence], task: str) -> list[Evidence]:
    return [evidence for evidence in samples if evidence.sample.task == task]


def test_a_fit_without_weights_asks_the_model_as_it_is(
    unweighted: Config, models: Models, samples: list[Evidence], tasks: list[Task], tmp_path: Path
) -> None:
    made = fit_bundle(samples, tasks, unweighted, tmp_path / "bundle")
    assert made.manifest["adapters"] == {}
    for task in tasks:
        base = LabelScorer(models.large, task, unweighted.prompt).score(of(samples, task.name))
        np.testing.assert_allclose(out_of_fold(made, task.name), base, atol=1e-4, rtol=0)
    assert len(Predictor(made).predict(samples)) == len(samples)


def test_a_fit_uses_a_servers_adapters_whose_folders_are_given(
    unweighted: Config,
    server: ModelServer,
    bundle: Bundle,
    models: Models,
    samples: list[Evidence],
    tasks: list[Task],
    tmp_path: Path,
) -> None:
    config = served_by(unweighted, url=server.url, adapters=NAMES)
    given = {task: bundle.folder / "adapters" / task for task in NAMES}
    made = fit_bundle(samples, tasks, config, tmp_path / "bundle", adapters=given)
    assert set(made.manifest["adapters"]) == set(NAMES)
    for task in tasks:
        place = LargeExpert.place(made.folder, task, made.config)
        here = LargeExpert.load(place, task, Setup(tuple(tasks), bundle.config, models))
        there = LargeExpert.load(place, task, Setup(tuple(tasks), made.config, Models(made.config)))
        own = of(samples, task.name)
        np.testing.assert_allclose(out_of_fold(made, task.name), here.scores(own), atol=1e-4, rtol=0)
        one, other = (expert.first_call(own, keep=False) for expert in (here, there))
        assert sorted(one.weights.values()) == sorted(other.weights.values())
        assert one.tokens == other.tokens
        here.close()


def test_an_adapter_by_name_alone_is_refused(
    unweighted: Config, samples: list[Evidence], tasks: list[Task], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="give its folder as well"):
        fit_bundle(samples, tasks, served_by(unweighted, adapters={"ask": "ask-lora"}), tmp_path / "bundle")


def test_an_adapter_without_a_name_is_refused(
    unweighted: Config, bundle: Bundle, samples: list[Evidence], tasks: list[Task], tmp_path: Path
) -> None:
    given = {"ask": bundle.folder / "adapters" / "ask"}
    with pytest.raises(ConfigError, match="does not say what the server calls it"):
        fit_bundle(samples, tasks, unweighted, tmp_path / "bundle", adapters=given)


def test_a_served_model_beyond_the_budget_is_refused_before_anything_is_asked(
    unweighted: Config, samples: list[Evidence], tasks: list[Task], tmp_path: Path
) -> None:
    budget = unweighted.ensemble.budget.model_copy(update={"max_parameters": 1000})
    ensemble = unweighted.ensemble.model_copy(update={"budget": budget})
    config = served_by(unweighted, url="http://127.0.0.1:9/v1").model_copy(update={"ensemble": ensemble})
    with pytest.raises(BudgetError, match="parameters would pass the limit"):
        fit_bundle(samples, tasks, config, tmp_path / "bundle")


def test_a_server_that_is_not_there_ends_a_fit_with_its_address(
    unweighted: Config, samples: list[Evidence], tasks: list[Task], tmp_path: Path
) -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/v1: no connection"):
        fit_bundle(samples, tasks, served_by(unweighted, url="http://127.0.0.1:9/v1"), tmp_path / "bundle")


def test_a_bundle_without_a_large_model_takes_no_server(bundle: Bundle, server: ModelServer) -> None:
    config = bundle.config.model_copy(update={"large": None})
    with pytest.raises(BundleError, match="without a large model"):
        Bundle(bundle.folder, bundle.manifest, config, bundle.tasks).behind(server)


def test_a_file_of_settings_names_the_server_on_every_way_to_the_bundle(
    bundle: Bundle, server: ModelServer, tmp_path: Path
) -> None:
    file = tmp_path / "vllm.yaml"
    file.write_text(yaml.safe_dump(server.model_dump(mode="json")), "utf-8")
    with Recognizer.load(bundle.folder, server=file) as recognizer:
        assert recognizer.bundle.config.model("large").server == server
    id = bundle.versions["bundle"]
    worker = Worker(WorkerJob(bundle.folder, id, tmp_path, None, tmp_path, cores=1, server=server))
    assert worker.bundle.config.model("large").server == server
    file.write_text("url: http://host/v1\nmodel: tiny\nadapter: {}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"(?s)parameters.*adapter"):
        Recognizer.load(bundle.folder, server=file)
