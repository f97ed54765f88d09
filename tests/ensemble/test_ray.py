"""The engine `ray` writes what the local engine writes, also when workers die and when the command was killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from test_batch import input_file, ocr_file

from kdsl.cli.main import cli
from kdsl.ensemble import cluster
from kdsl.ensemble.batch import predict_file
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.cluster import RayEngine, Share
from kdsl.errors import BundleError, ConfigError, MissingDependency
from kdsl.evidence.types import Evidence

BAD: list[dict[str, object]] = [
    {"id": "gone", "task": "screen", "images": ["gone.png"], "messages": [{"role": "user", "content": "<image>"}]}
]


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine, started as the engine starts its own."""
    pytest.importorskip("ray", reason="pip install 'kdsl[ray]'")
    with cluster.cluster() as ray:
        yield ray


@pytest.fixture(scope="module")
def job(
    bundle: Bundle, shop: Path, samples: list[Evidence], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Arguments of `predict_file` but for the output: 24 samples and a bad one."""
    folder = tmp_path_factory.mktemp("job")
    return {
        "bundle": bundle,
        "source": input_file(folder / "in.json", samples, BAD),
        "images": shop,
        "ocr_file": ocr_file(folder / "ocr.jsonl", samples),
    }


@pytest.fixture(scope="module")
def local(job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the local engine says of the job, by id."""
    output = tmp_path_factory.mktemp("local") / "out.jsonl"
    predict_file(**job, output=output)
    return {line["id"]: line for line in read(output)}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CHUNK", 2)


def read(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()] if output.is_file() else []


def check(lines: list[dict[str, Any]], local: dict[str, dict[str, Any]]) -> None:
    """Each line of the local engine stands here once, with the same content."""
    assert sorted(line["id"] for line in lines) == sorted(local)
    for line in lines:
        expected = local[line["id"]]
        assert line.keys() == expected.keys()
        if "error" in line:
            assert line == expected
        else:
            assert line["label"] == expected["label"]
            assert line["distribution"] == pytest.approx(expected["distribution"], abs=1e-4)
            assert line["spend"] == expected["spend"]
            assert line["versions"] == expected["versions"]


def until(met: Callable[[], Any], seconds: float = 240) -> Any:
    """Wait until something is there, and give it back."""
    end = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
    return found


@pytest.mark.slow
def test_a_run_that_was_killed_is_finished_by_two_workers(
    ray: Any, job: dict[str, Any], local: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    written = [json.dumps(line, ensure_ascii=False) + "\n" for line in local.values()]
    output.write_text("".join(written[:7]) + written[7][:20], "utf-8")  # killed in the middle of line 8
    options = ["--bundle", job["bundle"].folder, "--input", job["source"], "--images", job["images"]]
    options += ["--ocr", job["ocr_file"], "--output", output, "--engine", "ray", "--workers", 2]
    result = CliRunner().invoke(cli, ["predict", *map(str, options)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert output.read_text("utf-8").startswith("".join(written[:7]))
    check(read(output), local)


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_when_a_worker_dies(
    ray: Any, job: dict[str, Any], local: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run = threading.Thread(target=predict_file, kwargs=job | {"output": output, "engine": RayEngine(2)})
    run.start()
    try:
        first = until(at_work)
        first.send_signal(signal.SIGSTOP)  # what it holds stays undone, the other worker does the rest ...
        until(lambda: output.is_file() and quiet(output))
        before = read(output)
        assert len(before) < len(local)
        first.kill()  # ... until it is dead and another does it
        until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE)
    finally:
        run.join(300)
    assert not run.is_alive()
    lines = read(output)
    assert lines[: len(before)] == before
    check(lines, local)


def at_work() -> psutil.Process | None:
    """A process of this process's cluster that is in the middle of a chunk: Ray names it after what it does."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "".join(process.cmdline()).startswith("ray::MapWorker") and ".submit" in "".join(process.cmdline()):
                return process
    return None


def quiet(output: Path, seconds: float = 5) -> bool:
    """Whether no line came for a while."""
    return time.time() - output.stat().st_mtime > seconds


@pytest.mark.slow
def test_an_error_of_a_worker_is_told_as_the_local_engine_tells_it(
    ray: Any, job: dict[str, Any], tmp_path: Path
) -> None:
    bundle = Bundle(tmp_path / "moved", job["bundle"].manifest, job["bundle"].config, job["bundle"].tasks)
    with pytest.raises(BundleError, match="moved does not exist"):
        predict_file(**job | {"bundle": bundle}, output=tmp_path / "out.jsonl", engine=RayEngine(1))


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
    with pytest.raises(ConfigError, match="--workers"):
        Share.of(machines, 13, gpu=True)


def test_without_ray_the_command_to_install_it_is_told(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_BACKEND_LOG_LEVEL"):
        monkeypatch.setenv(name, os.environ.get(name, "0"))
    with pytest.raises(MissingDependency, match=r"pip install 'kdsl\[ray\]'"):
        predict_file(**job, output=tmp_path / "out.jsonl", engine=RayEngine())


def test_workers_without_ray_are_refused(tmp_path: Path) -> None:
    paths = ["--bundle", "b", "--input", "i", "--images", "p", "--output", str(tmp_path / "o")]
    result = CliRunner().invoke(cli, ["predict", *paths, "--workers", "2"])
    assert result.exit_code == 2
    assert "--engine ray" in result.output
