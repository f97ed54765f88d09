"""The engine `ray` writes what the local engine writes, also when workers die and when the command was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.sample_files import input_file, ocr_file
from helpers.waiting import until

from kdsl.data.prediction import bad_file
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predict_file import predict_file
from kdsl.ensemble.ray_engine import RayEngine, RayWorker, Share, answers_of
from kdsl.ensemble.workers import WorkerJob
from kdsl.errors import BundleError, ConfigError, MissingDependency
from kdsl.evidence.types import Evidence

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'kdsl[ray]'")

BAD: list[dict[str, object]] = [
    {"id": "gone", "task": "screen", "images": ["gone.png"], "messages": [{"role": "user", "content": "<image>"}]}
]


@pytest.fixture(scope="module")
def job(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Arguments of `predict_file` but for the output: 120 samples and a bad one."""
    folder = tmp_path_factory.mktemp("job")
    many = [
        replace(evidence, sample=replace(evidence.sample, id=f"{evidence.sample.id}-{copy}"))
        for copy in range(5)
        for evidence in samples
    ]
    return {
        "bundle": bundle,
        "data": input_file(folder / "in.json", many, BAD),
        "images": shop,
        "ocr_file": ocr_file(folder / "ocr.jsonl", samples),
    }


def read(output: Path) -> list[dict[str, Any]]:
    """The whole lines of an output."""
    return [json.loads(line) for line in whole(output)]


def whole(output: Path) -> list[bytes]:
    lines = output.read_bytes().splitlines(keepends=True) if output.is_file() else []
    return [line for line in lines if line.endswith(b"\n")]


@contextmanager
def started(job: dict[str, Any], output: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    """`kdsl predict` as a process of its own, with blocks of four rows."""
    # Ray gives its workers niceness 15, which takes minutes where something else uses the cores
    environment = os.environ | {"RAY_worker_niceness": "0"}
    script = "from kdsl.ensemble import ray_engine; ray_engine.BLOCK = 4; from kdsl.cli.main import main; main()"
    options = ["--bundle", job["bundle"].folder, "--data", job["data"], "--images", job["images"]]
    options += ["--ocr", job["ocr_file"], "--out", output, "--engine", "ray", "--workers", workers]
    command = [sys.executable, "-c", script, "predict", *map(str, options)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def at_work(driver: subprocess.Popen[str]) -> list[psutil.Process]:
    """The workers in the middle of a block: Ray names a process after what it does."""
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            name = "".join(process.cmdline())
            if name.startswith("ray::RayWorker.answer"):
                found.append(process)
    return found


@pytest.mark.slow
@needs_ray
def test_nothing_is_lost_or_doubled_when_the_command_and_then_a_worker_are_killed(
    job: dict[str, Any], tmp_path: Path
) -> None:
    local, output = tmp_path / "local.jsonl", tmp_path / "ray.jsonl"
    predict_file(**job, out=local)
    expected = {line["id"]: line for line in read(local)}
    assert len(expected) == 120

    with started(job, output, 1) as driver:
        until(lambda: whole(output) or driver.poll() is not None)
        assert driver.poll() is None, driver.communicate()
        heard = {ip for process in psutil.Process(driver.pid).children(recursive=True) for ip in listening(process)}
        driver.kill()
    assert heard == {"127.0.0.1"}
    first = whole(output)
    assert 0 < len(first) < len(expected)

    with started(job, output, 2) as driver:
        until(lambda: len(whole(output)) > len(first) or driver.poll() is not None)
        assert driver.poll() is None, driver.communicate()
        until(lambda: at_work(driver))[0].kill()
        before = whole(output)
        out, err = driver.communicate(timeout=300)
    assert len(first) < len(before) < len(expected)
    assert driver.returncode == 2, err
    assert out == ""
    assert f"{len(first)} kept from before, 1 failed" in err, err
    assert whole(output)[: len(first)] == first
    lines = read(output)
    assert output.read_bytes().endswith(b"\n")
    assert [line["id"] for line in lines] == list(expected)
    assert bad_file(output).read_bytes() == bad_file(local).read_bytes()
    for line in lines:
        wanted = expected[line["id"]]
        assert line.keys() == wanted.keys()
        assert all(line[key] == wanted[key] for key in ("label", "spend", "versions", "content"))
        assert line["distribution"] == pytest.approx(wanted["distribution"], abs=1e-4)


def listening(process: psutil.Process) -> set[str]:
    """The addresses at which others can connect to it."""
    with suppress(psutil.NoSuchProcess):
        sockets = [s for s in process.net_connections("inet") if s.status == psutil.CONN_LISTEN]
        return {s.laddr.ip.removeprefix("::ffff:") for s in sockets}  # IPv4 as IPv6 writes it
    return set()


def test_an_error_of_a_worker_is_told_as_the_local_engine_tells_it(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    worker = RayWorker(WorkerJob(tmp_path / "moved", "id", shop, None, tmp_path, cores=1))
    with pytest.raises(BundleError, match="moved does not exist"):
        answers_of(worker.answer([]))


MACHINES = [{"CPU": 8.0, "memory": 1e9}, {"CPU": 4.0}]
WITH_GPUS = [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0, "GPU": 1.0}, {"CPU": 16.0}]


@pytest.mark.parametrize(
    ("machines", "workers", "gpu", "expected"),
    [
        (MACHINES, None, True, Share(12, 1, 0)),
        (MACHINES, 3, True, Share(3, 4, 0)),
        (MACHINES, 1, True, Share(1, 8, 0)),  # a worker lives on one machine
        (WITH_GPUS, None, True, Share(3, 4, 1)),
        (WITH_GPUS, 1, True, Share(1, 8, 1)),
        (WITH_GPUS, None, False, Share(28, 1, 0)),
    ],
)
def test_workers_share_cores_and_gpus(
    machines: list[dict[str, float]], workers: int | None, gpu: bool, expected: Share
) -> None:
    assert Share.of(machines, workers, gpu) == expected


@pytest.mark.parametrize("machines", [MACHINES, WITH_GPUS])
def test_more_workers_than_there_is_room_for_are_refused(machines: list[dict[str, float]]) -> None:
    with pytest.raises(ConfigError, match="fewer `workers`"):
        Share.of(machines, 13, gpu=True)


def test_without_ray_the_command_to_install_it_is_told(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_BACKEND_LOG_LEVEL"):
        monkeypatch.setenv(name, os.environ.get(name, "0"))
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[ray\]'"):
        predict_file(**job, out=tmp_path / "out.jsonl", engine=RayEngine())
