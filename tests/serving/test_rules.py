"""Rules over HTTP: the effect first, then the change, which counts from the next prediction on, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.light_shop import ASKED, copied
from helpers.running import Running, running, said

from kdsl.rules.collection import Rules
from kdsl.serving.settings import ServerSettings

NEW = {"label": "stock", "when": ["a user turn contains 「气泡」"], "weight": 9, "reason": "bubbles are a product"}


@pytest.fixture(scope="module")
def bundle(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(fitted, tmp_path_factory.mktemp("ruled") / "shop")


@pytest.fixture(scope="module")
def ruled(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with labelled samples, some of them new to the bundle."""
    folder = tmp_path_factory.mktemp("labelled")
    rows = [
        {"id": f"{label}{n}", "text": text, "label": label}
        for label, texts in ASKED.items()
        for n, text in enumerate(texts)
    ]
    rows += [{"id": f"b{n}", "text": f"气泡 {n}", "label": "stock"} for n in range(3)]
    (folder / "labelled.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    settings = ServerSettings(bundle, state=folder / "state", data=(folder / "labelled.jsonl",))
    with running(settings) as started:
        yield started


def post(started: Running, command: str, **body: Any) -> dict[str, Any]:
    answer = started.client.post(f"/v1/rules/{command}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def fires(started: Running) -> list[str]:
    found = started.client.post("/v1/predict", json=said("气泡")).json()["prediction"]
    return [rule["id"] for rule in found["trace"]["rules"]]


def test_a_rule_is_shown_saved_disabled_enabled_and_taken_back(ruled: Running, bundle: Path) -> None:
    first = ruled.client.get("/v1/rules").json()
    shown = post(ruled, "add", **NEW)
    assert shown["saved"] is False
    assert {effect["of"] for effect in shown["change"]["effects"]} >= {"the rules"} or shown["change"]["effects"]
    assert fires(ruled) == []
    saved = post(ruled, "add", **NEW, save=True, base=shown["base"])
    assert saved["saved"] is True
    assert saved["model"]["version"] != first["model"]["version"]
    assert fires(ruled) == ["hand-1"]
    stale = ruled.client.post("/v1/rules/disable", json={"id": "hand-1", "save": True, "base": shown["base"]})
    assert stale.status_code == 409
    post(ruled, "disable", id="hand-1", save=True)
    assert fires(ruled) == []
    post(ruled, "enable", id="hand-1", save=True)
    assert fires(ruled) == ["hand-1"]
    edited = post(ruled, "edit", id="hand-1", any=["a user turn contains 「气」"], weight=2, save=True)
    assert edited["change"]["difference"]
    (task,) = Rules.open(bundle=bundle)
    assert len(ruled.client.get("/v1/rules/history", params={"task": task}).json()["found"]) == 5
    for _ in range(4):
        last = post(ruled, "undo", save=True)
    assert fires(ruled) == []
    assert last["model"]["version"] == first["model"]["version"]
    assert ruled.client.get("/v1/rules").json() == first


def test_rules_are_listed_shown_and_tested(ruled: Running) -> None:
    every = ruled.client.get("/v1/rules").json()["found"]
    assert every
    some = ruled.client.get("/v1/rules", params={"label": every[0]["label"], "sort": "weight"}).json()["found"]
    assert {rule["label"] for rule in some} == {every[0]["label"]}
    shown = ruled.client.get("/v1/rules/show", params={"id": every[0]["id"]}).json()["found"]
    assert shown["sentence"] == every[0]["sentence"]
    assert shown["samples"]
    tested = post(ruled, "test")["found"]
    assert list(tested) == [every[0]["task"]]


@pytest.mark.parametrize(
    ("command", "body", "what"),
    [
        ("add", {"label": "rsut", "when": ["a user turn contains 「x」"]}, "rsut"),
        ("add", {"label": "rust", "when": ["the moon is full"]}, "the moon is full"),
        ("add", {"label": "rust"}, "all"),
        ("edit", {"id": "no-such"}, "no-such"),
        ("disable", {"id": "no-such"}, "no-such"),
        ("undo", {"to": 99}, "version 99"),
        ("undo", {"task": "other"}, "other"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_path(
    ruled: Running, bundle: Path, command: str, body: dict[str, Any], what: str
) -> None:
    answer = ruled.client.post(f"/v1/rules/{command}", json=body)
    assert answer.status_code == 422, answer.text
    assert what in answer.json()["detail"]
    assert str(bundle.parent) not in answer.text
    assert "/tmp" not in answer.text


def test_a_server_without_labelled_samples_says_so(server: Running) -> None:
    assert server.client.post("/v1/rules/test", json={}).status_code == 409
    shown = post(server, "add", **NEW)
    assert "no effect is known" in shown["note"]
    assert shown["change"]["effects"] == []


def test_a_book_that_was_damaged_beside_the_server_changes_no_prediction(fitted: Path, tmp_path: Path) -> None:
    own = copied(fitted, tmp_path / "shop")
    with running(ServerSettings(own, state=tmp_path / "state")) as started:
        before = started.client.post("/v1/predict", json=said("会不会生锈")).json()["prediction"]
        (book,) = (own / "rules").glob("*.yaml")
        book.write_text("rules: [", "utf-8")
        answer = started.client.post("/v1/rules/add", json=NEW | {"save": True})
        assert answer.status_code == 422
        assert str(tmp_path) not in answer.text
        after = started.client.post("/v1/predict", json=said("会不会生锈")).json()["prediction"]
        assert after["distribution"] == before["distribution"]


def test_a_book_that_was_damaged_beside_the_server_is_mended_by_undo(fitted: Path, tmp_path: Path) -> None:
    own = copied(fitted, tmp_path / "shop")
    with running(ServerSettings(own, state=tmp_path / "state")) as started:
        assert started.client.post("/v1/rules/add", json=NEW | {"save": True}).status_code == 200
        (book,) = (own / "rules").glob("*.yaml")
        good = book.read_text("utf-8")
        book.write_text("rules: [", "utf-8")
        refused = started.client.post("/v1/rules/undo", json={"save": True})
        assert refused.status_code == 422, refused.text
        assert "hand_edits" in refused.json()["detail"]
        assert str(tmp_path) not in refused.text
        mended = started.client.post("/v1/rules/undo", json={"hand_edits": True, "save": True})
        assert mended.status_code == 200, mended.text
        assert book.read_text("utf-8") == good
        assert started.client.get("/v1/rules").status_code == 200
