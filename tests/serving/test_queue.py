"""The queue over HTTP: kept only where that is wanted, seen only by who may, and labelled by its number."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from helpers.own_shop import noise
from helpers.running import Running, running, said, wait_until

from kdsl.corrections.label_studio import interface, task_of
from kdsl.serving.keys import Keys
from kdsl.serving.settings import ServerSettings

STRANGE = "thanks"
"""What the bundle has no label for."""


@pytest.fixture
def keeping(light: Path, tmp_path: Path) -> Iterator[Running]:
    with running(ServerSettings(light, state=tmp_path / "state", keep_uncertain=True)) as started:
        yield started


def waiting(started: Running) -> int:
    return int(started.client.get("/v1/queue").json()["waiting"])


def test_a_doubtful_sample_is_kept_with_its_picture_labelled_and_given_back_by_undo(keeping: Running) -> None:
    client, stream = keeping.client, BytesIO()
    noise(3).save(stream, "PNG")
    picture = base64.b64encode(stream.getvalue()).decode()
    sample = said("<image>", STRANGE, pictures=[picture])
    predicted = client.post("/v1/predict", json=sample).json()["prediction"]
    assert predicted["abstained"], "the test needs a sample that the bundle is unsure of"
    wait_until(lambda: waiting(keeping) == 1, "the sample")
    (item,) = client.get("/v1/queue", params={"task": "samples"}).json()["items"]
    assert [turn["text"] for turn in item["turns"]] == ["<image>", STRANGE]
    assert (item["why"], item["prediction"]["label"]) == ("asks", predicted["label"])
    shown = client.get(f"/v1/queue/{item['number']}/pictures/1")
    assert (shown.content, shown.headers["content-type"]) == (stream.getvalue(), "image/png")
    assert client.get(f"/v1/queue/{item['number']}/pictures/2").status_code == 404
    stored = client.post("/v1/feedback", json={"queue": item["number"], "label": "stock"})
    assert stored.status_code == 200, stored.text
    assert waiting(keeping) == 0
    row = client.get("/v1/feedback").json()
    assert (row["output"], row["feedback"]["prediction"]["label"]) == ("stock", predicted["label"])
    assert client.post(f"/v1/feedback/{stored.json()['number']}/undo").status_code == 200
    assert waiting(keeping) == 1
    # the same content, corrected by a client that never saw the queue, is the same sample
    client.post("/v1/feedback", json={"sample": sample, "label": "rust"})
    assert waiting(keeping) == 0


def test_what_the_bundle_is_sure_of_is_not_kept(keeping: Running) -> None:
    for text in ("money back 1", STRANGE):
        keeping.client.post("/v1/predict", json=said(text))
    wait_until(lambda: waiting(keeping), "the doubtful one")
    assert [item["turns"][0]["text"] for item in keeping.client.get("/v1/queue").json()["items"]] == [STRANGE]


def test_nothing_is_kept_by_default(server: Running) -> None:
    server.client.post("/v1/predict", json=said(STRANGE))
    server.services.keeper._thread.submit(lambda: None).result()
    assert waiting(server) == 0


def test_what_cannot_be_meant_is_told(server: Running) -> None:
    for body, what in (
        ({"label": "rust"}, "give `sample`, or the number of one in the `queue`"),
        ({"queue": 99, "label": "rust"}, "there is no sample 99 in the queue"),
        ({"queue": 1, "sample": said("hi"), "label": "rust"}, "give `sample`"),
    ):
        answer = server.client.post("/v1/feedback", json=body)
        assert (answer.status_code, what in answer.text) == (422, True)
    assert server.client.get("/v1/queue/99").status_code == 404


def test_a_key_that_stores_corrections_sees_no_ones_texts(light: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "state" / "keys.json")
    shop, person = keys.add("shop", ["predict", "feedback"]), keys.add("person", ["label", "feedback"])
    with running(ServerSettings(light, state=tmp_path / "state", keep_uncertain=True), key=shop) as started:
        client = started.client
        assert client.post("/v1/predict", json=said(STRANGE)).status_code == 200
        for path in ("/v1/queue", "/v1/queue/1", "/v1/queue/1/pictures/1", "/v1/refit"):
            assert client.get(path).status_code == 403
        assert client.post("/v1/feedback", json={"queue": 1, "label": "rust"}).status_code == 403
        client.headers["Authorization"] = f"Bearer {person}"
        wait_until(lambda: waiting(started) == 1)
        assert client.post("/v1/feedback", json={"queue": 1, "label": "rust"}).status_code == 200
        assert client.post("/v1/refit").status_code == 403


def test_label_studio_is_answered_with_scores_under_its_own_names(keeping: Running) -> None:
    client = keeping.client
    client.post("/v1/predict", json=said(STRANGE))
    wait_until(lambda: waiting(keeping) == 1)
    (item,) = keeping.services.queue.open()[1]
    task = task_of(item, keeping.services.queue.picture)
    config = interface(keeping.services.served.recognizer.bundle.tasks[0])
    assert client.get("/label-studio/health").json()["status"] == "UP"
    version = client.post("/label-studio/setup", json={"project": "1.2", "schema": config}).json()["model_version"]
    ask = {"tasks": [{"id": 7, "data": task["data"]}, {"id": 8, "data": {"text": "money back"}}, {"data": {"x": 1}}]}
    found = client.post("/label-studio/predict", json=ask | {"label_config": config, "project": "1.2"}).json()
    assert found["model_version"] == version
    first, second, third = found["results"]
    (said_first,), (exported,) = first["result"], task["predictions"][0]["result"]
    assert {**said_first, "id": ""} == {**exported, "id": ""}
    assert second["result"][0]["value"] == {"choices": ["refund"]}
    assert 0 < second["score"] <= 1
    assert (third["result"], third["score"]) == ([], 0.0)
    own = config.replace('name="label"', 'name="topic"')
    renamed = client.post("/label-studio/predict", json=ask | {"label_config": own}).json()["results"]
    assert renamed[1]["result"][0]["from_name"] == "topic"
