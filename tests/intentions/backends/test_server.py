"""The server backend against a real HTTP server with a real model behind it, through all that may go wrong between."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.model_servers import FaultyProxy, model_server
from PIL import Image
from pydantic import ValidationError

from kdsl.config import ModelConfig
from kdsl.intentions.backends.base import BackendError, Failure, Request, Scores, Usage, Written
from kdsl.intentions.backends.local import LocalBackend
from kdsl.intentions.backends.server import PATIENCE, ServerBackend, ServerConfig, defused, weigh

PICTURE = Image.linear_gradient("L").resize((60, 120)).convert("RGB")
REQUESTS = [Request(f"第{i}个锅 and its lid", PICTURE if i % 2 else None, "因为" if i % 3 else "") for i in range(9)]


@pytest.fixture(scope="module")
def folder(base_of: Callable[..., ModelConfig]) -> Path:
    return Path(base_of("qwen2_vl").source)


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with model_server(folder) as url:
        yield url


@pytest.fixture
def proxied(url: str) -> Iterator[Callable[..., tuple[ServerBackend, FaultyProxy]]]:
    opened = []

    def make(*faults: str | None, **settings: object) -> tuple[ServerBackend, FaultyProxy]:
        proxy = FaultyProxy(url, faults)
        opened.append(proxy)
        return ServerBackend(ServerConfig(url=proxy.url, model="tiny", **settings)), proxy  # type: ignore[arg-type]

    yield make
    for proxy in opened:
        proxy.close()


def test_a_server_writes_what_its_model_writes(url: str, folder: Path) -> None:
    local = dict(LocalBackend(ModelConfig(source=str(folder), device="cpu")).write(REQUESTS, 8))
    found = dict(ServerBackend(ServerConfig(url=url, model="tiny", in_flight=4)).write(REQUESTS, 8))
    assert found.keys() == local.keys()
    texts = [i for i, request in enumerate(REQUESTS) if request.picture is None]  # a JPEG changes a picture a little
    assert {i: found[i] for i in texts} == {i: local[i] for i in texts}
    assert all(isinstance(answer, Written) and answer.usage.written for answer in found.values())


def test_a_server_weighs_by_first_tokens(url: str) -> None:
    backend = ServerBackend(ServerConfig(url=url, model="tiny"))
    [(_, likely)] = list(backend.write([Request("锅")], 1))
    assert isinstance(likely, Written)
    [(_, scores)] = list(backend.score([Request("锅", answers=(likely.text.strip() or "x", "zzz"))]))
    if likely.text.strip():
        assert isinstance(scores, Scores)
        assert scores.log_probs[0] > scores.log_probs[1]
    else:
        assert isinstance(scores, Failure)


def test_what_goes_wrong_between_is_tried_again(proxied: Callable[..., tuple[ServerBackend, FaultyProxy]]) -> None:
    backend, proxy = proxied("500", "cut", "503", None, "429", in_flight=1)
    answers = dict(backend.write(REQUESTS[:3], 4))
    assert [isinstance(answers[i], Written) for i in range(3)] == [True] * 3
    assert proxy.seen == 3 + 4


def test_a_server_that_asks_to_wait_is_not_hurried(proxied: Callable[..., tuple[ServerBackend, FaultyProxy]]) -> None:
    backend, _ = proxied("429 after 2")
    begun = time.monotonic()
    assert isinstance(dict(backend.write(REQUESTS[:1], 4))[0], Written)
    assert time.monotonic() - begun >= 2


def test_a_request_without_answer_fails_alone(proxied: Callable[..., tuple[ServerBackend, FaultyProxy]]) -> None:
    backend, _ = proxied("hang", None, "500", in_flight=1, timeout=5, retries=0)
    answers = dict(backend.write(REQUESTS[:4], 4))
    assert isinstance(answers[0], Failure)
    assert answers[0].reason == "no answer within 5 seconds"
    assert isinstance(answers[2], Failure)
    assert "500" in answers[2].reason
    assert isinstance(answers[1], Written)
    assert isinstance(answers[3], Written)


def test_a_server_that_is_gone_ends_the_run(proxied: Callable[..., tuple[ServerBackend, FaultyProxy]]) -> None:
    backend, proxy = proxied(retries=0, in_flight=4)
    proxy.close()
    got: list[tuple[int, Written | Failure]] = []
    with pytest.raises(BackendError, match=f"no answer to {PATIENCE} requests in a row"):
        got += backend.write(iter(REQUESTS * 100), 4)
    assert len(got) == PATIENCE
    assert all(isinstance(answer, Failure) for _, answer in got)


def test_a_server_that_refuses_all_that_it_is_asked_ends_the_run(
    proxied: Callable[..., tuple[ServerBackend, FaultyProxy]],
) -> None:
    backend, _ = proxied(*["422"] * 40, in_flight=1)
    with pytest.raises(BackendError, match="status 422"):
        list(backend.write(REQUESTS * 5, 4))


def test_requests_that_are_refused_among_others_fail_alone(
    proxied: Callable[..., tuple[ServerBackend, FaultyProxy]],
) -> None:
    backend, _ = proxied(None, *["422"] * 40, in_flight=1)
    answers = dict(backend.write(REQUESTS * 3, 2))
    assert [number for number, answer in answers.items() if isinstance(answer, Written)] == [0]
    assert len(answers) == 27


def test_a_refused_key_ends_the_run_at_once_and_is_not_told(
    proxied: Callable[..., tuple[ServerBackend, FaultyProxy]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SHOP_KEY", "secret-1234")
    caplog.set_level(logging.DEBUG)
    backend, proxy = proxied("401", "401", key_variable="SHOP_KEY", in_flight=1)
    with pytest.raises(BackendError, match=r"key in \$SHOP_KEY") as caught:
        list(backend.write(REQUESTS, 4))
    assert proxy.seen == 1
    assert "secret" not in str(caught.value) + caplog.text


def test_a_redirect_is_not_followed(proxied: Callable[..., tuple[ServerBackend, FaultyProxy]]) -> None:
    backend, proxy = proxied("302", in_flight=1)
    with pytest.raises(BackendError, match="status 302"):
        list(backend.write(REQUESTS[:1], 4))
    assert proxy.seen == 1


def test_a_request_that_is_too_long_fails_alone(url: str) -> None:
    backend = ServerBackend(ServerConfig(url=url, model="tiny"))
    answers = dict(backend.write([Request("锅" * 3000), Request("盖")], 4))
    assert isinstance(answers[0], Failure)
    assert "status 400" in answers[0].reason
    assert isinstance(answers[1], Written)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000", "http://me:key@host/v1"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValidationError):
        ServerConfig(url=url, model="tiny")


def test_tokens_count_for_the_one_answer_that_they_begin() -> None:
    first = [(" yes", math.log(0.5)), ("Y", math.log(0.1)), ("no", math.log(0.2)), ("nothing", math.log(0.05))]
    scores = weigh(("Yes", "No"), first, Usage(3))
    assert isinstance(scores, Scores)
    assert [math.exp(value) for value in scores.log_probs] == pytest.approx([0.6, 0.2])
    shared = weigh(("不会", "不"), [("不", math.log(0.7)), ("不会", math.log(0.1))], Usage(3))
    assert isinstance(shared, Scores)
    assert math.exp(shared.log_probs[0]) == pytest.approx(0.1)
    assert isinstance(weigh(("是", "否"), [("the", -0.1)], Usage(3)), Failure)


def test_no_special_token_of_any_kind_stays_whole() -> None:
    for token in ("<|im_end|>", "</s>", "<image>", "<start_of_turn>", "[INST]", "<｜end▁of▁sentence｜>", "<eos>"):
        assert token not in defused(f"锅{token}盖")
    assert defused("3 < 5 > 2, [x]") == "3 < 5 > 2, [x]"
