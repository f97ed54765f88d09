"""Text-only decoders as base models: OCR text instead of pictures, sliding windows honoured, the same training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import TEXT_KINDS, WINDOW, tiny_evidence

from kdsl.config import Config, ModelConfig, PromptConfig
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.chat import frame_of
from kdsl.models.generation import generate, text_prompt
from kdsl.models.prompts import Prompt, build_prompt
from kdsl.models.scorer import LabelScorer
from kdsl.models.shape import read_shape
from kdsl.models.task_checks import task_faults
from kdsl.tasks import Task

Loader = Callable[..., LoadedModel]
CONFIG = PromptConfig(max_tokens=400, list_labels=True)


@pytest.fixture(scope="module")
def evidences(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    """Prompts of different lengths, all longer than the sliding window, with one picture, none and two."""
    folder = tmp_path_factory.mktemp("pictures")
    turns = (("user", "这个杯子会生锈吗？<image>"), ("agent", "亲，不会的"), ("user", "那退款呢？"))
    return [
        tiny_evidence(folder, "a", lines=("加入购物车", "立即购买"), turns=turns),
        tiny_evidence(folder, "b", sizes=(), turns=(("user", "在吗"),)),
        tiny_evidence(folder, "c", sizes=((90, 180), (64, 64)), lines=("退款页面",)),
    ]


def one_forward_per_label(loaded: LoadedModel, task: Task, prompts: list[Prompt]) -> np.ndarray:
    """Sum of the log-probabilities of each label's tokens and the answer's end, by plain causal forwards [n, m]."""
    tokenizer = loaded.tokenizer
    scores = np.zeros((len(prompts), len(task.names)))
    for i, prompt in enumerate(prompts):
        text = prompt.prefix + prompt.context + prompt.question
        if tokenizer.chat_template:
            message = [{"role": "user", "content": text}]
            text, end = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False), "<|im_end|>"
        else:
            text, end = tokenizer.bos_token + text + "\n", tokenizer.eos_token
        start = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert len(start) == prompt.n_tokens > WINDOW
        for j, label in enumerate(task.names):
            answer = tokenizer(label + end, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                logits = loaded.model(torch.tensor([start + answer])).logits[0, len(start) - 1 : -1]
            scores[i, j] = logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None]).sum()
    return scores


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_tree_equals_one_forward_per_label(
    kind: str, attention: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    scorer = LabelScorer(loaded, toy_task, CONFIG)
    prompts = [scorer.prompt(evidence) for evidence in evidences]
    loaded.model.set_attn_implementation(attention)
    try:
        expected = one_forward_per_label(loaded, toy_task, prompts)
        found = scorer.score_prompts(prompts, keep=True)
        again = scorer.rescore(found.states, [()] * 3)
    finally:
        loaded.model.set_attn_implementation("sdpa")
    assert expected.std(axis=1).min() > 1  # the labels do differ
    np.testing.assert_allclose(found.raw, expected, atol=1e-4, rtol=0)
    np.testing.assert_allclose(again.raw, expected, atol=1e-4, rtol=0)


def test_the_window_matters_here(get_loaded: Loader, toy_task: Task, evidences: list[Evidence]) -> None:
    loaded = get_loaded("gemma3_text")
    scorer = LabelScorer(loaded, toy_task, CONFIG)
    within = scorer.score(evidences)
    config = loaded.decoder.config
    config.sliding_window = 1000
    try:
        beyond = scorer.score(evidences)
    finally:
        config.sliding_window = WINDOW
    assert np.abs(within - beyond).max() > 0.01


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_rescoring_with_context_equals_the_uncached_prompt(
    kind: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    scorer = LabelScorer(loaded, toy_task, CONFIG)
    first = scorer.score_prompts([scorer.prompt(evidence) for evidence in evidences], keep=True)
    contexts = [("生锈：会不会生锈", "退货"), (), ("a rule that says more than the others do",)]
    shortlist = ("退款页面", "生锈", "退款")
    small = toy_task.model_copy(update={"labels": tuple(toy_task.labels[toy_task.index(n)] for n in shortlist)})
    prompts = [
        build_prompt(evidence, small, CONFIG, scorer.frame, context=context)
        for evidence, context in zip(evidences, contexts, strict=True)
    ]
    found = scorer.rescore(first.states, contexts, shortlist)
    np.testing.assert_allclose(found.raw, one_forward_per_label(loaded, small, prompts), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_prompt_has_the_text_of_pictures_and_no_picture(
    kind: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    assert not loaded.sees
    assert loaded.factor == 0
    prompt = build_prompt(evidences[0], toy_task, CONFIG, frame_of(loaded))
    assert prompt.pictures == ()
    assert not prompt.dropped  # nothing was left out for want of room
    assert "加入购物车" in prompt.prefix
    assert "会生锈吗？[图1]" in prompt.prefix


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_the_shape_is_that_of_the_weights(kind: str, base_of: Callable[..., ModelConfig], get_loaded: Loader) -> None:
    shape = read_shape(base_of(kind))
    assert shape.vision == 0
    assert shape.parameters == get_loaded(kind).n_parameters
    assert len(shape.linears) == 7 * len(shape.layers)


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_tasks_are_checked_without_weights(kind: str, base_of: Callable[..., ModelConfig], toy_task: Task) -> None:
    model = base_of(kind)
    assert task_faults([toy_task], Config(large=model, small=None, prompt=CONFIG)) == []
    label = toy_task.labels[0].model_copy(update={"name": "<|im_end|>"})
    spoilt = toy_task.model_copy(update={"labels": (label, *toy_task.labels[1:])})
    [fault] = task_faults([spoilt], Config(large=model, small=None, prompt=CONFIG))
    assert "special token" in fault


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_text_is_generated(kind: str, get_loaded: Loader) -> None:
    loaded = get_loaded(kind)
    assert len(generate(loaded, [text_prompt(loaded, "退款"), text_prompt(loaded, "会生锈吗")], 3)) == 2


def test_attention_that_looks_ahead_is_refused(base_of: Callable[..., ModelConfig], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base_of("gemma3_text").source, tmp_path / "embedding"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"use_bidirectional_attention": True}))
    with pytest.raises(ConfigError, match="looks ahead"):
        load_base(ModelConfig(source=str(folder), device="cpu"))
