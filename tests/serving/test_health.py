"""Health, readiness, figures, logs, and a stop that finishes what was taken."""

from __future__ import annotations

import json
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.running import PATIENCE, Running, held_up, running, said, serving, wait_until

from kdsl.serving.settings import ServerSettings


def test_a_server_is_alive_before_it_is_ready(light: Path, tmp_path: Path) -> None:
    with running(ServerSettings(light, state=tmp_path / "state"), held=True) as started:
        assert started.client.get("/healthz").json() == {"status": "alive", "queue_depth": 0}
        for answer in (started.client.get("/readyz"), started.client.post("/v1/predict", json=said("money back"))):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        held_up(started).release()
        wait_until(lambda: started.client.get("/readyz").status_code == 200)
        assert started.client.post("/v1/predict", json=said("money back")).status_code == 200


def test_figures_tell_what_was_predicted(server: Running) -> None:
    server.client.post("/v1/predict", json=said("会不会生锈"))
    text = server.client.get("/metrics").text
    assert 'kdsl_predictions_total{label="rust"' in text.replace('task="shop",', "")
    assert "kdsl_ready 1.0" in text
    assert 'kdsl_request_seconds_count{route="/v1/predict"}' in text
    assert "kdsl_batch_samples_bucket" in text
    assert "生锈" not in text


def test_logs_hold_ids_and_no_texts(light: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(light, log, "--state", str(tmp_path / "state")) as started:
        headers = {"X-Request-Id": "r-77"}
        assert started.client.post("/v1/predict", json=said("会不会生锈"), headers=headers).status_code == 200
        wrong = {"turns": [{"text": "悄悄话"}], "pictures": ["c2VjcmV0"]}
        assert started.client.post("/v1/predict", json=wrong).status_code == 422
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    mine = [line for line in lines if line.get("request_id") == "r-77"]
    assert [line["event"] for line in mine] == ["predicted", "request"]
    assert mine[0]["label"] == "rust"
    assert mine[1]["status"] == 200
    assert "会不会生锈" not in log.read_text("utf-8")
    assert "悄悄话" not in log.read_text("utf-8")


def test_texts_are_logged_where_that_is_asked_for(
    light: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ServerSettings(light, state=tmp_path / "state", log_texts=True)
    with running(settings) as started, caplog.at_level(logging.INFO, "kdsl.serving"):
        started.client.post("/v1/predict", json=said("会不会生锈"))
    assert [record.turns for record in caplog.records if record.msg == "predicted"] == [[["user", "会不会生锈"]]]


def test_a_stop_answers_what_was_taken(light: Path, tmp_path: Path) -> None:
    with serving(light, tmp_path / "log", "--state", str(tmp_path / "state")) as started:
        texts = [f"还补货吗 {number}" for number in range(40)]
        with ThreadPoolExecutor(40) as pool:
            asked = [pool.submit(started.client.post, "/v1/predict", json=said(text)) for text in texts]
            wait_until(lambda: any(one.done() for one in asked))
            started.process.send_signal(signal.SIGTERM)
            ended = []
            for one in asked:
                try:
                    ended.append(one.result().status_code)
                except Exception:  # the connection was not accepted any more: never taken
                    ended.append(0)
        assert started.process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert set(ended) <= {200, 0}
    assert ended.count(200) >= 1
    counted = (tmp_path / "log").read_text("utf-8").count('"event": "predicted"')
    assert counted == ended.count(200)
