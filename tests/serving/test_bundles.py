"""Another bundle takes over while clients ask: no request is lost, a broken one never answers, and back again."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.light_shop import copied
from helpers.running import Process, Running, running, said, serving, wait_until

from kdsl.errors import BundleError, InputError
from kdsl.files import file_hash
from kdsl.serving.app import build_app
from kdsl.serving.settings import ServerSettings


@pytest.fixture
def shelf(fitted: Path, tmp_path: Path) -> Path:
    """A folder with two bundles: 'old', and 'new', of which the manifest says another id."""
    copied(fitted, tmp_path / "bundles" / "old")
    _rename(copied(fitted, tmp_path / "bundles" / "new"), "feedfacefeedface")
    return tmp_path / "bundles"


def _rename(bundle: Path, id: str) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"id": id}), "utf-8")


@pytest.fixture
def served(shelf: Path, tmp_path: Path) -> Iterator[Running]:
    with running(ServerSettings(shelf / "old", state=tmp_path / "state")) as started:
        yield started


def version(started: Running | Process) -> str:
    return str(started.client.get("/v1/tasks").json()["model"]["version"])


def swap(started: Running | Process, name: str) -> httpx.Response:
    return started.client.post("/v1/bundles", json={"bundle": name})


def test_no_request_is_lost_in_a_swap_and_back(served: Running) -> None:
    old, stop = version(served), threading.Event()
    found: list[tuple[int, str]] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=served.url, timeout=120) as client:
            while not stop.is_set():
                answer = client.post("/v1/predict", json=said(f"money back {number} {len(found)}"))
                found.append((answer.status_code, answer.json().get("model", {}).get("version", "")))

    def after(change: httpx.Response) -> httpx.Response:
        """The answer to a change, once the clients were answered again, by what it serves too."""
        start = len(found)
        while not any(name == change.json()["model"]["version"] for _, name in found[start:]):
            time.sleep(0.01)
        return change

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask, number) for number in range(6)]
        try:
            answers = [after(swap(served, "new")), after(served.client.post("/v1/bundles/back")), swap(served, "new")]
        finally:
            stop.set()
        for asked in asking:
            asked.result()
    assert [answer.status_code for answer in answers] == [200] * 3, [answer.text for answer in answers]
    assert [answer.json()["model"]["version"] for answer in answers] == ["feedfacefeedface", old, "feedfacefeedface"]
    assert answers[-1].json()["previous"] == "old"
    assert {status for status, _ in found} == {200}
    assert {name for _, name in found} == {old, "feedfacefeedface"}
    assert served.client.get("/v1/bundles").json()["bundles"] == ["new", "old"]


def _nan_everywhere(bundle: Path) -> None:
    """A bundle whose hashes are right, and whose experts' votes weigh nothing that is a number."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    fusion = bundle / "ensemble.json"
    fusion.write_text(
        re.sub(r'("(?:rules|retrieval|lexical|semantic)": )[\d.e-]+', r"\1NaN", fusion.read_text("utf-8"))
    )
    manifest["files"]["ensemble.json"] = file_hash(fusion)
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _corrupt(bundle: Path, part: str) -> None:
    file = next(file for file in sorted(bundle.rglob("*")) if file.is_file() and part in file.as_posix())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize(
    "part", ["index/", "lexical/", "semantic/", "ensemble.json", "config.json", "tasks/", "rules/"]
)
def test_a_bundle_with_a_damaged_file_never_answers(served: Running, shelf: Path, part: str) -> None:
    old = version(served)
    _corrupt(shelf / "new", part)
    answer = swap(served, "new")
    if part == "rules/" and answer.status_code == 200:  # a book is there to be edited: a changed letter may be an edit
        assert version(served).startswith("feedfacefeedface-")
        return
    assert answer.status_code == 409, answer.text
    assert "bundle 'old' goes on" in answer.json()["detail"]
    assert str(shelf) not in answer.text
    assert version(served) == old
    assert served.client.post("/v1/predict", json=said("money back")).json()["prediction"]["label"] == "refund"


def test_a_bundle_that_is_whole_and_does_not_predict_is_refused(served: Running, shelf: Path) -> None:
    old = version(served)
    _nan_everywhere(shelf / "new")
    answer = swap(served, "new")
    assert answer.status_code == 409, answer.text
    assert "bundle 'new' failed its test prediction" in answer.json()["detail"]
    assert version(served) == old


def test_a_swap_that_cannot_be_recorded_leaves_one_bundle_open(served: Running, tmp_path: Path) -> None:
    def models() -> int:
        return sum(thread.name.startswith("kdsl-model") for thread in threading.enumerate())

    before = models()
    (tmp_path / "state" / "bundles.json").unlink()
    (tmp_path / "state" / "bundles.json").mkdir()
    answer = swap(served, "new")
    assert answer.status_code == 409, answer.text
    assert "bundle 'old' goes on" in answer.json()["detail"]
    assert models() == before
    assert served.client.post("/v1/predict", json=said("money back")).json()["model"]["bundle"] == "old"


@pytest.mark.parametrize("name", ["../bundles/new", "new/", "/etc", "..", ".", "", "neww", "new\0", 3])
def test_a_bundle_is_called_by_its_name_alone(served: Running, name: Any) -> None:
    assert served.client.post("/v1/bundles", json={"bundle": name}).status_code in (404, 422)


def test_there_is_no_way_back_from_the_first(served: Running) -> None:
    answer = served.client.post("/v1/bundles/back")
    assert answer.status_code == 409
    assert "no other bundle was served" in answer.json()["detail"]


def test_two_swaps_at_once_are_one_and_a_refusal(served: Running) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda name: swap(served, name), ["new", "new"]))
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 200])
    assert version(served) == "feedfacefeedface"


def test_a_server_starts_with_what_it_served_last(shelf: Path, tmp_path: Path) -> None:
    settings = ServerSettings(shelf / "old", state=tmp_path / "state")
    with running(settings) as started:
        swap(started, "new")
    with running(settings) as started:
        assert version(started) == "feedfacefeedface"
        assert started.client.post("/v1/bundles/back").status_code == 200
    with running(settings) as started:
        assert version(started) != "feedfacefeedface"
    with running(ServerSettings(shelf / "new", state=tmp_path / "state")) as started:
        assert version(started) == "feedfacefeedface"  # another bundle is given: that one counts
        assert started.client.get("/v1/bundles").json()["previous"] == "old"


def test_a_bundle_that_is_gone_since_it_was_served_is_told_with_what_to_do(shelf: Path, tmp_path: Path) -> None:
    settings = ServerSettings(shelf / "old", state=tmp_path / "state")
    with running(settings) as started:
        swap(started, "new")
    shutil.rmtree(shelf / "new")
    with pytest.raises(BundleError, match=r"'new' took the place of 'old'.*delete .*bundles\.json to serve 'old'"):
        build_app(settings)
    (tmp_path / "state" / "bundles.json").unlink()
    with running(settings) as started:
        assert version(started) != "feedfacefeedface"


def test_a_damaged_record_is_told(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "bundles.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match="does not say which bundle was served"):
        build_app(ServerSettings(shelf / "old", state=tmp_path / "state"))


def test_a_damaged_bundle_is_not_served_at_all(shelf: Path, tmp_path: Path) -> None:
    _corrupt(shelf / "old", "semantic/")
    with pytest.raises(BundleError, match="was changed after the fit"):
        build_app(ServerSettings(shelf / "old", state=tmp_path / "state"))


def test_a_server_that_is_killed_in_a_swap_starts_again_whole(shelf: Path, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    with serving(shelf / "old", tmp_path / "log", *state) as started:
        old = version(started)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(swap, started, "new")
            wait_until(lambda: started.client.get("/healthz").status_code == 200)
            time.sleep(0.3)  # somewhere in the swap, wherever that is
            started.kill()
    with serving(shelf / "old", tmp_path / "log-2", *state) as started:
        assert version(started) in (old, "feedfacefeedface")
        found = started.client.post("/v1/predict", json=said("money back")).json()
        assert found["prediction"]["label"] == "refund"
        assert swap(started, "new").status_code == 200
