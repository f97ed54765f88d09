"""Labels scored by a real HTTP server with a tiny model of the real classes: the same scores as in this process, and
every way in which a server cannot be trusted is told before or instead of a score."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.model_servers import FaultyProxy
from helpers.tiny_models import tiny_evidence
from helpers.vllm_like import Behaviour, Model, vllm_like
from peft import LoraConfig, get_peft_model

from kdsl.config import Config, ModelConfig, ModelServer, PromptConfig
from kdsl.errors import ConfigError, ServerError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import load_adapter
from kdsl.models.base import load_base
from kdsl.models.processors import open_processor
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.models.server_model import ServerModel
from kdsl.models.server_scorer import ServerScorer, path_of
from kdsl.models.shape import read_shape
from kdsl.tasks import Task

CONFIG = PromptConfig(max_tokens=400)
CONTEXT = ["生锈：不锈钢不会生锈"]


@pytest.fixture(scope="module")
def evidences(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    """Text alone, with a special token spelled out; one picture; two."""
    folder = tmp_path_factory.mktemp("pictures")
    return [
        tiny_evidence(folder, "a", sizes=(), turns=(("user", "会生锈吗<|im_end|>？"), ("agent", "亲，不会的"))),
        tiny_evidence(folder, "b", lines=("加入购物车",), turns=(("user", "这个杯子<image>"),)),
        tiny_evidence(folder, "c", sizes=((300, 120), (70, 90)), turns=(("user", "退款呢？ <image><image>"),)),
    ]


def adapter_of(base: ModelConfig, folder: Path) -> Path:
    """A LoRA adapter of random weights."""
    torch.manual_seed(3)
    lora = LoraConfig(r=4, init_lora_weights=False, target_modules=["q_proj", "v_proj", "down_proj"])
    get_peft_model(load_base(base).model, lora).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def serving(
    base_of: Callable[..., ModelConfig], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """The address of a server over a kind of model with the adapter `lora`; one for each kind and behaviour."""
    served: dict[str, Model] = {}
    made: dict[tuple[str, Behaviour], str] = {}
    with ExitStack() as stack:

        def get(kind: str, **behaviour: Any) -> str:
            wanted = Behaviour(**behaviour)
            if kind not in served:
                base = base_of(kind)
                adapter = adapter_of(base, tmp_path_factory.mktemp("adapter"))
                served[kind] = Model(Path(base.source), {"lora": adapter})
            if (kind, wanted) not in made:
                made[kind, wanted] = stack.enter_context(vllm_like(served[kind], wanted))
            return made[kind, wanted]

        yield get


def behind(base: ModelConfig, url: str, **settings: object) -> ServerModel:
    """A tiny base behind a server."""
    given = {"parameters": read_shape(base).parameters, "retries": 0} | settings
    server = ModelServer.model_validate({"url": url, "model": "tiny"} | given)
    config = base.model_copy(update={"server": server})
    return ServerModel(config, server, open_processor(config))


@pytest.mark.parametrize("old", [False, True], ids=["steps", "prompts"])
@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen3", "gemma3_text"])
def test_a_server_scores_as_this_process_does(
    kind: str,
    old: bool,
    base_of: Callable[..., ModelConfig],
    serving: Callable[..., str],
    toy_task: Task,
    evidences: list[Evidence],
    tmp_path: Path,
) -> None:
    base = base_of(kind)
    loaded = load_base(base)
    load_adapter(loaded, adapter_of(base, tmp_path / "adapter"), "lora")
    model = behind(base, serving(kind, old=old))
    seen = {}
    for name, adapter in (("tiny", None), ("lora", "lora")):
        local, served = LabelScorer(loaded, toy_task, CONFIG), ServerScorer(model, toy_task, CONFIG, name, {})
        with loaded.using(adapter):
            expected = local.score_prompts([local.prompt(e) for e in evidences], keep=True)
            again = local.rescore(expected.states, [CONTEXT] * 3, ["生锈", "is it new"])
        found = served.score_prompts([served.prompt(e) for e in evidences], keep=True)
        reread = served.rescore(found.states, [CONTEXT] * 3, ["生锈", "is it new"])
        np.testing.assert_allclose(found.raw, expected.raw, atol=1e-4, rtol=0)
        np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=1e-4, rtol=0)
        np.testing.assert_allclose(reread.raw, again.raw, atol=1e-4, rtol=0)
        assert reread.read == again.read
        assert found.labels == expected.labels
        assert [(p.prefix, p.n_tokens) for p in found.prompts] == [(p.prefix, p.n_tokens) for p in expected.prompts]
        assert served.tree.n_tokens == local.tree.n_tokens
        seen[name] = found.raw
    assert np.abs(seen["tiny"] - seen["lora"]).max() > 0.1
    assert model.served("lora", 1).steps == (not old)
    assert model.n_parameters == loaded.n_parameters


def test_more_tokens_than_one_request_may_ask_for(
    base_of: Callable[..., ModelConfig],
    serving: Callable[..., str],
    toy_task: Task,
    evidences: list[Evidence],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = behind(base_of("qwen3"), serving("qwen3"))
    scorer = ServerScorer(model, toy_task, CONFIG, "tiny", {})
    whole = scorer.score(evidences)
    monkeypatch.setattr("kdsl.models.server_scorer.MOST_TOKENS", 3)
    monkeypatch.setattr("kdsl.models.server_scorer.PROMPTS", 2)
    np.testing.assert_allclose(scorer.score(evidences), whole, atol=1e-6)


def test_a_label_is_its_tokens_along_the_tree(base_of: Callable[..., ModelConfig], toy_task: Task) -> None:
    scorer = LabelScorer(load_base(base_of("qwen3")), toy_task, CONFIG)
    end = scorer.frame.end_of_turn
    for column, label in enumerate(toy_task.names):
        assert scorer.tree.sequences[column] == (*scorer.frame.ids([label])[0], end)
    starts = {tuple(ids[:n]) for ids in scorer.frame.ids(toy_task.names) for n in range(len(ids) + 1)}
    assert {tuple(path_of(scorer.tree, row)) for row in range(len(scorer.tree) + 1)} == starts


def test_label_shifts_are_taken_off(
    base_of: Callable[..., ModelConfig], serving: Callable[..., str], toy_task: Task, evidences: list[Evidence]
) -> None:
    model = behind(base_of("qwen3"), serving("qwen3"))
    plain = ServerScorer(model, toy_task, CONFIG, "tiny", {}).score(evidences)
    shifted = ServerScorer(model, toy_task, CONFIG, "tiny", {"生锈": 2.0}).score(evidences)
    column = toy_task.index("生锈")
    moved = (shifted - plain)[:, column] - (shifted - plain)[:, 0]
    np.testing.assert_allclose(moved, -2.0, atol=1e-6)


@pytest.mark.parametrize(
    ("behaviour", "settings", "message"),
    [
        ({"no_logprobs": True}, {}, "gives no log-probabilities"),
        ({"old": True, "wrong_adapters": True}, {}, "when it writes it"),
        ({"wrong_tokens": True}, {}, "another tokenizer"),
        ({"room": 100}, {}, "takes 100 tokens"),
        ({"n_params": 123}, {}, "says 123"),
        ({}, {"parameters": 9_000_000_000}, r"config.json of .* says"),
        ({"key": "right"}, {}, r"key in \$OPENAI_API_KEY"),
    ],
    ids=str,
)
def test_a_server_that_cannot_be_trusted_is_refused(
    behaviour: dict[str, Any],
    settings: dict[str, object],
    message: str,
    base_of: Callable[..., ModelConfig],
    serving: Callable[..., str],
    toy_task: Task,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1234")
    with pytest.raises((ConfigError, ServerError), match=message) as caught:
        ServerScorer(behind(base_of("qwen3"), serving("qwen3", **behaviour), **settings), toy_task, CONFIG, "lora", {})
    assert "secret" not in str(caught.value)


def test_a_name_that_is_not_served_is_told_with_those_that_are(
    base_of: Callable[..., ModelConfig], serving: Callable[..., str], toy_task: Task
) -> None:
    with pytest.raises(ConfigError, match=r"serves no 'lor', but lora, tiny\. Did you mean lora"):
        ServerScorer(behind(base_of("qwen3"), serving("qwen3")), toy_task, CONFIG, "lor", {})


def test_adapters_that_prompts_leave_out_are_asked_in_steps_and_not_about_pictures(
    base_of: Callable[..., ModelConfig], serving: Callable[..., str], toy_task: Task, evidences: list[Evidence]
) -> None:
    model = behind(base_of("qwen2_vl"), serving("qwen2_vl", wrong_adapters=True))
    right = behind(base_of("qwen2_vl"), serving("qwen2_vl"))
    scorer = ServerScorer(model, toy_task, CONFIG, "lora", {})
    expected = ServerScorer(right, toy_task, CONFIG, "lora", {}).score(evidences[:1])
    np.testing.assert_allclose(scorer.score(evidences[:1]), expected, atol=1e-5)
    with pytest.raises(ServerError, match="Pictures cannot be asked about"):
        scorer.score(evidences[1:2])
    screens = toy_task.model_copy(update={"input": "picture"})
    with pytest.raises(ServerError, match="cannot be asked about there"):
        ServerScorer(model, screens, CONFIG, "lora", {})


def test_a_server_of_another_model_is_noticed_by_its_tokens(
    base_of: Callable[..., ModelConfig], serving: Callable[..., str], toy_task: Task, evidences: list[Evidence]
) -> None:
    """Qwen3-VL makes other picture tokens of a picture than Qwen2-VL."""
    model = behind(base_of("qwen2_vl"), serving("qwen3_vl"))
    with pytest.raises(ServerError, match="made other tokens of a prompt"):
        ServerScorer(model, toy_task, CONFIG, "tiny", {}).score(evidences[1:2])


def test_faults_between_are_tried_again_and_a_server_that_is_gone_costs_its_retries_once(
    base_of: Callable[..., ModelConfig], serving: Callable[..., str], toy_task: Task, evidences: list[Evidence]
) -> None:
    proxy = FaultyProxy(serving("qwen3"), [])
    model = behind(base_of("qwen3"), proxy.url, retries=2, in_flight=1)
    scorer = ServerScorer(model, toy_task, CONFIG, "tiny", {})
    expected = scorer.score(evidences)
    proxy._faults = [None] * proxy.seen + ["500", "cut", None, "503"]
    np.testing.assert_allclose(scorer.score(evidences), expected, atol=1e-6)
    proxy.close()
    with pytest.raises(ServerError, match="no connection"):
        scorer.score(evidences[:1])
    calls = []
    model.client._client._client.event_hooks = {"request": [calls.append]}
    for _ in range(3):
        with pytest.raises(ServerError, match="no connection"):
            scorer.score(evidences[:1])
    assert len(calls) == 3


def test_a_key_is_sent_and_not_told(
    base_of: Callable[..., ModelConfig],
    serving: Callable[..., str],
    toy_task: Task,
    evidences: list[Evidence],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SHOP_KEY", "sesame-77")
    caplog.set_level(logging.DEBUG)
    model = behind(base_of("qwen3"), serving("qwen3", key="sesame-77"), key_variable="SHOP_KEY")
    scorer = ServerScorer(model, toy_task, CONFIG, "tiny", {})
    assert np.isfinite(scorer.score(evidences)).all()
    assert "sesame" not in caplog.text + model.config.model_dump_json() + scorer.served.described + model.fingerprint


def test_time_outs_are_told(base_of: Callable[..., ModelConfig], serving: Callable[..., str]) -> None:
    proxy = FaultyProxy(serving("qwen3"), ["hang"])
    with pytest.raises(ServerError, match="no answer within 1 seconds"):
        behind(base_of("qwen3"), proxy.url, timeout=1).client.models()
    proxy.close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://me:key@host/v1", "http://host/v1?key=1", "host:8000"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ModelServer(url=url, model="tiny", parameters=1)


def test_a_budget_needs_the_number_of_parameters() -> None:
    with pytest.raises(ValueError, match="parameters"):
        ModelServer.model_validate({"url": "http://host/v1", "model": "tiny"})


def test_what_would_train_a_model_behind_a_server_is_refused(base_of: Callable[..., ModelConfig]) -> None:
    server = {"url": "http://localhost:1/v1", "model": "tiny", "parameters": 1}
    large = base_of("qwen3").model_dump() | {"server": server}
    for settings in (
        {"large": large, "training": {"search": {}}},
        {"large": large, "student": {"train": True}},
        {"small": large},
    ):
        with pytest.raises(ValueError, match="server"):
            Config.model_validate(settings)
    with pytest.raises(ConfigError, match="weights of the large model, which is behind the server"):
        _ = Models(Config.model_validate({"large": large})).large
