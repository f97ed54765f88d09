"""`KdslBackend` in the real package label-studio-ml, which has an environment of its own: `make test-label-studio`.

The package's app asks a real `kdsl serve`, as Label Studio asks it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.running import PATIENCE, Process, serving

from kdsl.corrections.label_studio import interface
from kdsl.ensemble.bundle import open_bundle
from kdsl.serving.keys import Keys

PYTHON = os.environ.get("KDSL_LABEL_STUDIO", "")
"""The Python of that environment."""
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="label-studio-ml has an environment of its own: make test-label-studio"
)
HELPER = Path(__file__).parents[1] / "helpers" / "label_studio_backend.py"
TASKS = [
    {"id": 7, "data": {"text": "pay me back"}},
    {"id": 8, "data": {"text": "会不会生锈"}},
    {"id": 9, "data": {"picture": "https://elsewhere/a.png"}},
]
"""The last one is of a project that kdsl knows nothing of."""


@pytest.fixture(scope="module")
def served(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """A server that needs a key, and the key."""
    state = tmp_path_factory.mktemp("state")
    key = Keys(state / "keys.json").add("label-studio", ["predict"])
    with serving(shelf / "shop", state / "log", "--state", str(state)) as started:
        yield started, key


@contextmanager
def backend(server: str, key: str) -> Iterator[httpx.Client]:
    """The app of the package, in its environment, that asks a server with a key."""
    environment = {**os.environ, "PYTHONPATH": str(HELPER.parents[2]), "KDSL_KEY": key}
    process = subprocess.Popen(
        [PYTHON, str(HELPER), server], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), process.communicate()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield client
    finally:
        process.kill()
        process.communicate()


def asked(config: str) -> dict[str, Any]:
    """What Label Studio 1.23 sends for predictions."""
    project = {"project": "1.1764000000", "label_config": config, "model_version": None, "force_reload": False}
    return {"tasks": TASKS, **project, "params": {"login": None, "password": None, "context": None}}


def test_label_studios_own_package_predicts_what_the_server_says(served: tuple[Process, str], shelf: Path) -> None:
    started, key = served
    config = interface(open_bundle(shelf / "shop").tasks[0])
    with backend(str(started.client.base_url), key) as client:
        assert client.get("/health").json()["status"] == "UP"
        body = {"project": "1.1764000000", "schema": config, "hostname": "", "access_token": ""}
        assert client.post("/setup", json=body).status_code == 200
        answer = client.post("/predict", json=asked(config))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    straight = started.client.post(
        "/label-studio/predict", json=asked(config), headers={"Authorization": f"Bearer {key}"}
    ).json()
    assert results == straight["results"]
    assert {one["model_version"] for one in results} == {straight["model_version"]}
    assert [one["result"][0]["value"]["choices"] for one in results[:2]] == [["refund"], ["rust"]]
    assert all(0 < one["score"] <= 1 for one in results[:2])
    assert results[2]["result"] == []


def test_a_backend_without_the_key_gives_no_prediction(served: tuple[Process, str], shelf: Path) -> None:
    started, _ = served
    with backend(str(started.client.base_url), "") as client:
        answer = client.post("/predict", json=asked(interface(open_bundle(shelf / "shop").tasks[0])))
    assert answer.status_code >= 400
    assert "refund" not in answer.text
