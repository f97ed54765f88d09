"""A refit over HTTP: begun, compared, refused where it is worse, switched to, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.corrected_shop import ASKED, QUICK, shop_file
from helpers.running import Running, running, said, wait_until

from kdsl import Recognizer
from kdsl.corrections.switching import ask_to_switch
from kdsl.errors import InputError
from kdsl.serving.settings import ServerSettings


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    Recognizer.fit(shop_file(folder), out=folder / "shop", overrides=QUICK).close()
    return folder


def refitted(started: Running) -> dict[str, Any]:
    """Begin a refit and wait for its end."""
    assert started.client.post("/v1/refit").status_code == 202
    wait_until(lambda: started.client.get("/v1/refit").json()["state"] != "running", "the candidate")
    found: dict[str, Any] = started.client.get("/v1/refit").json()
    return found


def correct(started: Running, text: str, label: str) -> None:
    answer = started.client.post("/v1/feedback", json={"sample": said(text), "label": label})
    assert answer.status_code == 200, answer.text


def test_a_worse_candidate_is_refused_unless_told_so_and_there_is_a_way_back(shelf: Path, tmp_path: Path) -> None:
    with running(ServerSettings(shelf / "shop", state=tmp_path / "state")) as started:
        client = started.client
        assert client.get("/v1/refit").json()["state"] == "none"
        failed = refitted(started)
        assert failed["state"] == "failed"
        assert any("holds no correction that counts" in line for line in failed["lines"])
        assert str(shelf) not in str(failed)
        for text in ASKED["rust"]:
            for number in range(12):
                correct(started, f"{text} {number + 10}", "refund")
        found = refitted(started)
        assert (found["state"], found["candidate"], found["served"]) == ("finished", "shop-refit-1", False)
        assert found["comparison"]["verdict"] == "worse"
        refused = client.post("/v1/bundles", json={"bundle": "shop-refit-1"})
        assert refused.status_code == 409
        assert "is worse than the bundle" in refused.json()["detail"]
        with pytest.raises(InputError, match="the server refuses: bundle 'shop' goes on"):
            ask_to_switch(started.url, "shop-refit-1")
        assert ask_to_switch(started.url, "shop-refit-1", anyway=True)["model"]["bundle"] == "shop-refit-1"
        assert client.get("/v1/refit").json()["served"]
        assert client.post("/v1/predict", json=said("will it rust 17")).json()["prediction"]["label"] == "refund"
        assert ask_to_switch(started.url, None)["model"]["bundle"] == "shop"
        assert client.post("/v1/predict", json=said("will it rust 17")).json()["prediction"]["label"] == "rust"


def test_a_refit_that_is_stopped_can_go_on(shelf: Path, tmp_path: Path) -> None:
    with running(ServerSettings(shelf / "shop", state=tmp_path / "state")) as started:
        correct(started, "几天能到", "stock")
        assert started.client.post("/v1/refit").status_code == 202
        assert started.client.post("/v1/refit").status_code == 409
        name = started.client.get("/v1/refit").json()["candidate"]
        wait_until(lambda: (shelf / name / "work").exists())
        assert started.client.post("/v1/refit/stop").json()["state"] == "stopped"
    with running(ServerSettings(shelf / "shop", state=tmp_path / "state")) as started:
        assert started.client.get("/v1/refit").json()["state"] == "stopped"
        found = refitted(started)
        assert (found["state"], found["candidate"]) == ("finished", name)
        assert started.client.post("/v1/bundles", json={"bundle": name}).status_code == 200


def test_no_server_answers() -> None:
    with pytest.raises(InputError, match="no kdsl server answers at"):
        ask_to_switch("http://127.0.0.1:9", None)
    with pytest.raises(InputError, match="expected an address"):
        ask_to_switch("file:///etc/passwd", None)
