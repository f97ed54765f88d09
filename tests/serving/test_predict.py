"""Predictions over HTTP, from a real server."""

from __future__ import annotations

import base64
import json
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from helpers.running import Running, held_up, running, said, wait_until
from PIL import Image, ImageDraw

from kdsl import Prediction, Recognizer, Sample
from kdsl.ensemble.bundle import Bundle
from kdsl.serving.schemas import MOST_ITEMS
from kdsl.serving.settings import ServerSettings


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 80)) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 30), "refund 42", fill="black")
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_dialogue_is_predicted_as_the_recogniser_does(server: Running, light: Path) -> None:
    answer = server.client.post("/v1/predict", json=said("会不会生锈呀", id="mine"), headers={"X-Request-Id": "r-1"})
    assert answer.status_code == 200
    found = answer.json()
    with Recognizer.load(light) as recognizer:
        expected = recognizer.predict(Sample.dialogue(["会不会生锈呀"], id="mine"))
        version = recognizer.bundle.manifest["id"]
    prediction = Prediction.from_json(found["prediction"])
    assert prediction.label == expected.label == "rust"
    assert prediction.probability == pytest.approx(expected.probability, abs=1e-4)
    assert (found["request_id"], answer.headers["x-request-id"]) == ("r-1", "r-1")
    assert found["model"]["version"] == version
    assert found["queue_wait_ms"] >= 0
    assert found["model_ms"] > 0


def test_agents_turns_count_as_the_agents(server: Running) -> None:
    turns = [{"text": "还补货吗"}, {"role": "agent", "text": "您好"}, {"role": "user", "text": "什么时候补货"}]
    found = server.client.post("/v1/predict", json={"turns": turns}).json()
    assert found["prediction"]["label"] == "stock"


def test_a_form_says_the_same_as_json(server: Running) -> None:
    content = picture()
    by_json = server.client.post(
        "/v1/predict", json={"turns": [{"text": "<image>"}, {"text": "money back"}], "pictures": [encoded(content)]}
    )
    by_form = server.client.post(
        "/v1/predict",
        data={"item": json.dumps({"turns": [{"text": "<image>"}, {"text": "money back"}]})},
        files=[("pictures", ("../../etc/passwd", content, "image/png"))],
    )
    assert by_json.status_code == by_form.status_code == 200, by_json.text + by_form.text
    one, other = by_json.json()["prediction"], by_form.json()["prediction"]
    assert one["distribution"] == other["distribution"]
    assert one["label"] == "refund"


def test_a_data_address_is_a_picture(server: Running) -> None:
    address = "data:image/jpeg;base64," + encoded(picture("JPEG"))
    answer = server.client.post("/v1/predict", json=said("<image>", "money back", pictures=[address]))
    assert answer.status_code == 200, answer.text


def test_one_bad_sample_of_several_costs_itself_alone(server: Running) -> None:
    items = [
        said("会不会生锈", id="a"),
        said("<image>", pictures=["bm8gcGljdHVyZQ=="], id="b"),
        said("money back", task="no-such-task", id="c"),
        said("还补货吗", id="d"),
        {"id": "e"},
    ]
    answer = server.client.post("/v1/predict/batch", json={"items": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result.get("prediction", {}).get("label") for result in results] == ["rust", None, None, "stock", None]
    details = [result["error"]["detail"] for result in results if "error" in result]
    assert [result["error"]["status"] for result in results if "error" in result] == [422] * 3
    assert "picture '1'" in details[0]
    assert "no-such-task" in details[1]
    assert "give `turns`, or exactly one picture" in details[2]


def test_many_clients_share_batches_and_get_what_one_gets(server: Running) -> None:
    asked = ("会不会生锈", "money back", "还补货吗", "is it new")
    texts = [f"{text} {number}" for number in range(8) for text in asked]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: server.client.post("/v1/predict", json=said(text)).json(), texts))
    alone = [server.client.post("/v1/predict", json=said(text)).json() for text in texts]
    for one, other in zip(found, alone, strict=True):
        assert one["prediction"]["label"] == other["prediction"]["label"]
        assert one["prediction"]["probability"] == pytest.approx(other["prediction"]["probability"], abs=1e-4)


def test_tasks_tell_labels_and_thresholds(server: Running) -> None:
    found = server.client.get("/v1/tasks").json()
    assert [label["name"] for label in found["tasks"][0]["labels"]] == ["refund", "rust", "stock"]
    assert found["tasks"][0]["input"] == "dialogue"
    assert 0 <= found["tasks"][0]["ask_below"] <= 1


@pytest.mark.parametrize(
    ("body", "status", "said_of"),
    [
        (b"{", 422, "JSON"),
        (b'{"turns": 3}', 422, "turns"),
        (b'{"turns": [{"text": "hi", "role": "system"}]}', 422, "turns.0.role"),
        (b'{"turns": [{"text": "hi"}], "path": "/etc/passwd"}', 422, "path"),
        (b'{"turns": [{"text": "hi"}], "pictures": ["http://169.254.169.254/a.png"]}', 422, "pictures.0"),
        (b'{"turns": [{"text": "hi"}], "pictures": ["file:///etc/passwd"]}', 422, "pictures.0"),
        (b'{"turns": [{"text": "<image>"}]}', 422, "1 <image>"),
        (b'{"turns": [{"text": "\\ud800"}]}', 422, "JSON"),
        (b"{}", 422, "give `turns`"),
    ],
)
def test_bad_bodies_are_refused_with_the_place(server: Running, body: bytes, status: int, said_of: str) -> None:
    answer = server.client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert said_of in problem["detail"] + " ".join(problem["faults"])
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_other_kinds_of_bodies_are_refused(server: Running) -> None:
    assert server.client.post("/v1/predict", content=b"turns: []").status_code == 415
    assert server.client.post("/v1/predict", data={"item": "{}", "more": "x"}).status_code == 415
    wrong = server.client.post("/v1/predict", files={"item": b"{}"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    many = {"items": [said("hi")] * (MOST_ITEMS + 1)}
    assert server.client.post("/v1/predict/batch", json=many).status_code == 422


def test_an_odd_request_id_is_replaced(server: Running) -> None:
    answer = server.client.get("/v1/tasks", headers={"X-Request-Id": "a b<script>"})
    assert answer.headers["x-request-id"] != "a b<script>"


@pytest.fixture
def small_server(light: Path, tmp_path: Path) -> Iterator[Running]:
    """A server with narrow limits."""
    settings = ServerSettings(light, state=tmp_path / "state", queue=4, max_request_mb=0.02, max_megapixels=0.05)
    with running(settings) as started:
        yield started


def test_overload_is_refused_and_says_when_to_come_again(small_server: Running) -> None:
    client = small_server.client
    with ThreadPoolExecutor(8) as pool:
        with held_up(small_server):
            asked = [pool.submit(client.post, "/v1/predict", json=said(f"money back {n}")) for n in range(8)]
            wait_until(lambda: sum(one.done() for one in asked) == 4)
            assert client.get("/healthz").json()["status"] == "alive"
        answers = [one.result() for one in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 4
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
    assert client.post("/v1/predict", json=said("money back")).status_code == 200
    assert client.post("/v1/predict/batch", json={"items": [said("hi")] * 5}).status_code == 429
    assert 'kdsl_skipped_total{reason="overload"} 5.0' in client.get("/metrics").text


def test_a_deadline_is_kept_while_the_model_is_busy(small_server: Running) -> None:
    client = small_server.client
    with held_up(small_server):
        answer = client.post("/v1/predict", json=said("money back"), headers={"X-Timeout-Ms": "50"})
    assert answer.status_code == 504
    assert client.post("/v1/predict", json=said("hi"), headers={"X-Timeout-Ms": "0"}).status_code == 422


def test_a_client_that_left_is_skipped(small_server: Running, caplog: pytest.LogCaptureFixture) -> None:
    served, lock = small_server.services.served, held_up(small_server)
    body = json.dumps(said("gone")).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with caplog.at_level(logging.INFO, "kdsl.serving"), ThreadPoolExecutor(1) as pool:
        lock.acquire()
        first = pool.submit(small_server.client.post, "/v1/predict", json=said("first"))
        wait_until(lambda: served._batcher.admitted == 1 and served.depth == 0)
        with socket.create_connection((small_server.client.base_url.host, small_server.client.base_url.port)) as gone:
            gone.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            wait_until(lambda: served.depth == 1)
        wait_until(lambda: served.depth == 0)
        lock.release()
        assert first.result().status_code == 200
    assert [record.msg for record in caplog.records].count("predicted") == 1
    assert 'kdsl_skipped_total{reason="left"} 1.0' in small_server.client.get("/metrics").text


def test_large_bodies_and_pictures_are_refused_before_any_work(small_server: Running) -> None:
    client = small_server.client
    declared = client.post("/v1/predict", json=said("x" * 30_000))
    assert declared.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 1000

    streamed = client.post("/v1/predict", content=pieces(), headers={"Content-Type": "application/json"})
    assert streamed.status_code == 413
    wide = client.post("/v1/predict", json=said("<image>", pictures=[encoded(picture(size=(400, 300)))]))
    assert wide.status_code == 422
    assert "the limit is 0.05 megapixels" in wide.json()["detail"]


def test_a_picture_alone_goes_to_the_task_of_pictures(bundle: Bundle, tmp_path: Path) -> None:
    with running(ServerSettings(bundle.folder, state=tmp_path / "state")) as started:
        found = started.client.post("/v1/predict", json={"pictures": [encoded(picture())]})
        assert found.status_code == 200, found.text
        prediction = found.json()["prediction"]
        assert prediction["task"] == "screen"
        assert prediction["spend"]["calls"] >= 1
        asked = started.client.post("/v1/predict", json=said("会不会生锈")).json()["prediction"]
        assert asked["task"] == "ask"


def test_nothing_of_a_request_stays_on_the_disk(light: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, cache = tmp_path / "temporary", tmp_path / "cache"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("KDSL_CACHE", str(cache))
    with running(ServerSettings(light, state=tmp_path / "state")) as started:
        before = sorted(temporary.iterdir())
        body = said("<image>", "钱退了吗", pictures=[encoded(picture())])
        assert started.client.post("/v1/predict", json=body).status_code == 200
        assert started.client.post("/v1/predict", json=said("<image>", pictures=["AAAA"])).status_code == 422
        assert sorted(temporary.iterdir()) == before
    assert not list(cache.rglob("*.*"))
