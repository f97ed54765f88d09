"""Whatever is sent: an answer or a refusal in words, no crash, no path, no stack, and the server goes on."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.hostile_pictures import zoo
from helpers.running import PATIENCE, Running, running, said, serving, wait_until

from kdsl.serving.settings import ServerSettings

ZOO = zoo()
FINE = ("animated GIF", "animated WebP", "CMYK", "LAB", "16 bits", "PNG and archive")
REFUSED = ("nothing", "bomb by its header", "bomb of one colour", "SVG", "PostScript", "text", "TIFF, the first half")
TELL_TALES = (
    "Traceback",
    'File "',
    ".py",
    "site-packages",
    "object at 0x",
    "PosixPath",
    "/tmp",
    "/home",
    "kdsl-request",
)
TOLD_OF = ("far offset", "4 billion values", "two orientations")
"""EXIF of which Pillow warns, by what is wrong with it."""
SPECIAL = ("<|im_start|>system", "<|image_pad|>", "<|vision_start|>", "</s>", "[/markup]", "<script>alert(1)</script>")


@pytest.fixture(scope="module")
def target(light: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that keeps what it is sent to itself."""
    with running(ServerSettings(light, state=tmp_path_factory.mktemp("state"), timeout=PATIENCE)) as started:
        yield started


def harmless(text: str, *folders: Path) -> bool:
    return not any(word in text for word in (*TELL_TALES, *map(str, folders)))


def test_the_whole_zoo_is_answered_or_refused_in_words(target: Running, light: Path) -> None:
    found = {}
    for number, (name, content) in enumerate(ZOO.items()):
        if "EXIF" in name:
            continue  # below
        body = said("<image>", "钱退了吗", pictures=[base64.b64encode(content).decode()])
        if number % 2:
            answer = target.client.post("/v1/predict", json=body)
        else:
            form = {"item": json.dumps(said("<image>", "钱退了吗"), ensure_ascii=False)}
            answer = target.client.post("/v1/predict", data=form, files=[("pictures", (f"{name}\0.png", content))])
        found[name] = answer.status_code
        assert answer.status_code in (200, 422), f"{name}: {answer.status_code} {answer.text}"
        assert harmless(answer.text, light.parent), f"{name}: {answer.text}"
        assert answer.json()["prediction"]["label"] if answer.status_code == 200 else answer.json()["detail"]
        stored = target.client.post("/v1/feedback", json={"sample": body, "label": "refund"})
        assert stored.status_code in (200, 422), f"{name}: {stored.text}"
        assert harmless(stored.text, light.parent), f"{name}: {stored.text}"
    assert {name: found[name] for name in FINE} == dict.fromkeys(FINE, 200)
    assert {name: found[name] for name in REFUSED} == dict.fromkeys(REFUSED, 422)
    assert target.client.post("/v1/predict", json=said("money back")).json()["prediction"]["label"] == "refund"


@pytest.mark.parametrize("text", [*SPECIAL, "\0", "\u2028\u202e", "用户: 你好\n客服: 您好", "a" * 9_000, " ", ""])
def test_texts_are_data(target: Running, text: str) -> None:
    for turns in ([{"text": text}], [{"text": f"money back {text}"}], [{"role": "agent", "text": text}]):
        answer = target.client.post("/v1/predict", json={"turns": turns})
        assert answer.status_code == 200, answer.text
        assert harmless(answer.text)


def test_malformed_exif_is_passed_over_without_a_word_in_the_log(light: Path, tmp_path: Path) -> None:
    """Of a server in a process of its own, since the test runner keeps Python's warnings to itself."""
    log = tmp_path / "log"
    names = [name for name in ZOO if "EXIF" in name and name.endswith(TOLD_OF)]
    pictures = {name: base64.b64encode(ZOO[name]).decode() for name in names}
    items = [said("<image>", "钱退了吗", id=name, pictures=[picture]) for name, picture in pictures.items()]
    with serving(light, log, "--state", str(tmp_path / "state"), "--timeout", str(PATIENCE)) as started:
        before = len(log.read_text("utf-8"))
        answer = started.client.post("/v1/predict/batch", json={"items": items})
        assert answer.status_code == 200, answer.text
        assert [one["prediction"]["label"] for one in answer.json()["results"]] == ["refund"] * len(names)
    told = log.read_text("utf-8")[before:]
    for text in (answer.text, told):
        assert harmless(text), text
        assert "EXIF data" not in text


def test_a_sample_that_would_keep_everybody_waiting_is_refused(target: Running) -> None:
    long = said(*["退款" * 10_000] * 3)
    answer = target.client.post("/v1/predict", json=long)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("the turns and what is written in the pictures are 60000 letters")
    both = target.client.post("/v1/predict/batch", json={"items": [long, said("退款")]}).json()["results"]
    assert both[0]["error"]["status"] == 422
    assert "prediction" in both[1]


@pytest.mark.parametrize("picture", ["", "https://shop.example/pot.png", "no base64!"])
def test_what_is_no_picture_is_told_without_a_regular_expression(target: Running, picture: str) -> None:
    answer = target.client.post("/v1/predict", json=said("<image>", pictures=[picture]))
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault.startswith("pictures.0: expected a picture in base64")


def test_lone_surrogates_and_odd_numbers_are_refused(target: Running) -> None:
    for body in (
        b'{"items": [{"turns": [{"text": "\\ud800"}]}]}',
        b'{"items": [{"turns": [{"text": NaN}]}]}',
        b'{"items": [{"id": 1e999}]}',
        b"[" * 100_000,
        b'{"items": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"\xff\xfe{",
    ):
        answer = target.client.post("/v1/predict/batch", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text  # FastAPI's for what is no JSON or too deep, and ours
        assert harmless(answer.text)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/screen/refit/switch", {"bundle": "../shop"}),
        ("/screen/refit/switch", {"bundle": "s" * 300}),
        ("/screen/queue/undo", {"correction": "9" * 30}),
    ],
)
def test_what_no_page_of_the_screen_sends_is_refused(target: Running, path: str, form: dict[str, str]) -> None:
    assert target.client.post(path, data=form).status_code == 422


def test_a_size_of_thousands_of_digits_is_a_size(target: Running) -> None:
    body = json.dumps(said("money back")).encode()
    for size, status in ((f"{len(body):05000}", b" 200 "), (f"{10**12:05000}", b" 413 ")):
        head = (
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}"
        )
        with connected(target) as connection:
            connection.sendall(f"{head}\r\n\r\n".encode() + body)
            assert status in connection.recv(1000).partition(b"\r\n")[0]


def test_who_leaves_before_the_body_has_come_is_no_failure(target: Running) -> None:
    with connected(target) as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"turns'
        )
    left = 'kdsl_requests_total{method="POST",route="/v1/predict",status="499"} 1.0'
    wait_until(lambda: left in target.client.get("/metrics").text, left)


def connected(target: Running) -> socket.socket:
    return socket.create_connection((target.client.base_url.host, target.client.base_url.port or 80), PATIENCE)


def test_a_process_that_dies_of_a_picture_costs_that_request_alone(
    target: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = target.services.served._reader
    good = base64.b64encode(ZOO["CMYK"]).decode()
    assert target.client.post("/v1/predict", json=said("<image>", pictures=[good])).status_code == 200
    assert reader._pool is not None
    for process in list(reader._pool._processes.values()):
        process.kill()
    answer = target.client.post("/v1/predict", json=said("<image>", "money back", pictures=[good]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["prediction"]["label"] == "refund"
