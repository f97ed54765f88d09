"""Trees and rows of labels say what one forward per label says, on real classes of four architectures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import KINDS, RECURRENT, tiny_evidence, tiny_folder
from peft import LoraConfig, get_peft_model

from kdsl.config import ModelConfig, PromptConfig
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import load_adapter
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.prompts import Prompt, build_prompt
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task

Loader = Callable[..., LoadedModel]
CONFIG = PromptConfig(max_tokens=400)


@pytest.fixture(scope="module")
def evidences(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    """Different lengths; no picture, one, and three of different shapes."""
    folder = tmp_path_factory.mktemp("pictures")
    return [
        tiny_evidence(
            folder,
            "a",
            lines=("加入购物车", "立即购买"),
            turns=(("user", "这个杯子会生锈吗？<image>"), ("agent", "亲，不会的")),
        ),
        tiny_evidence(
            folder, "b", sizes=((90, 180), (300, 120), (64, 64)), turns=(("user", "退款呢？ <image><image>"),)
        ),
        tiny_evidence(folder, "c", sizes=(), turns=(("user", "在吗"),)),
    ]


def one_forward_a_label(loaded: LoadedModel, task: Task, prompts: list[Prompt]) -> np.ndarray:
    """Sum of the log-probabilities of each label's tokens and the end of turn, the plain way [n, m]."""
    scores = np.zeros((len(prompts), len(task.names)))
    end = loaded.tokenizer.convert_tokens_to_ids("<|im_end|>")
    for i, prompt in enumerate(prompts):
        text = loaded.processor.apply_chat_template(prompt.messages, add_generation_prompt=True, tokenize=False)
        start = loaded.processor(text=[text], images=prompt.images or None, return_tensors="pt")
        n = start["input_ids"].shape[1]
        for j, label in enumerate(task.names):
            inputs = loaded.processor(
                text=[text + label + "<|im_end|>"], images=prompt.images or None, return_tensors="pt"
            )
            with torch.no_grad():
                logits = loaded.model(**inputs).logits[0]
            answer = inputs["input_ids"][0, n:]
            assert answer[-1] == end
            log_probs = logits[n - 1 : -1].float().log_softmax(-1)
            scores[i, j] = log_probs.gather(1, answer[:, None]).sum()
    return scores


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", [*KINDS, RECURRENT])
def test_tree_equals_one_forward_a_label(
    kind: str, attention: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    scorer = LabelScorer(loaded, toy_task, CONFIG)
    prompts = [scorer.prompt(evidence) for evidence in evidences]
    assert len({prompt.n_tokens for prompt in prompts}) == 3
    loaded.model.set_attn_implementation(attention)
    try:
        expected = one_forward_a_label(loaded, toy_task, prompts)
        found = scorer.score_prompts(prompts)
    finally:
        loaded.model.set_attn_implementation("sdpa")
    assert expected.std(axis=1).min() > 1  # the labels do differ
    np.testing.assert_allclose(found.raw, expected, atol=1e-4, rtol=0)
    np.testing.assert_allclose(np.exp(found.log_probs).sum(1), 1, atol=1e-9)
    np.testing.assert_allclose(scorer.score(evidences), found.log_probs, atol=1e-4, rtol=0)


def test_scoring_does_without_flash_attentions_kernels(
    get_loaded: Loader, toy_task: Task, evidences: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = get_loaded()
    expected = LabelScorer(loaded, toy_task, CONFIG).score(evidences)
    monkeypatch.setattr(loaded.model.model.language_model.config, "_attn_implementation", "flash_attention_2")
    assert (LabelScorer(loaded, toy_task, CONFIG).score(evidences) == expected).all()
    assert loaded.model.model.language_model.config._attn_implementation == "flash_attention_2"


@pytest.mark.parametrize("kind", [*KINDS, RECURRENT])
def test_rescoring_equals_the_uncached_prompt(
    kind: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    config = CONFIG.model_copy(update={"list_labels": True})
    scorer = LabelScorer(loaded, toy_task, config)
    first = scorer.score_prompts([scorer.prompt(evidence) for evidence in evidences], keep=True)
    contexts = [("生锈：会不会生锈", "退货"), (), ("a rule that says more than the others do",) * 40]
    shortlist = ("退款页面", "生锈", "退款")

    found = scorer.rescore(first.states, contexts, shortlist)

    small = toy_task.model_copy(update={"labels": tuple(toy_task.labels[toy_task.index(n)] for n in shortlist)})
    prompts = [
        build_prompt(evidence, small, config, scorer.frame, context=context)
        for evidence, context in zip(evidences, contexts, strict=True)
    ]
    assert found.read[:2] == (2, 0)
    assert found.read[2] == prompts[2].context.count("a rule") < 40
    assert prompts[0].prefix == first.prompts[0].prefix
    expected = one_forward_a_label(loaded, small, prompts)
    assert found.labels == shortlist
    np.testing.assert_allclose(found.raw, expected, atol=1e-4, rtol=0)


def test_rescoring_without_context_repeats_the_first_call(
    get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    scorer = LabelScorer(get_loaded(), toy_task, CONFIG)
    first = scorer.score_prompts([scorer.prompt(evidence) for evidence in evidences], keep=True)
    again = scorer.rescore(first.states[::-1], [()] * 3)
    np.testing.assert_allclose(again.raw[::-1], first.raw, atol=1e-4, rtol=0)


def test_batching_and_order_do_not_change_scores(get_loaded: Loader, toy_task: Task, evidences: list[Evidence]) -> None:
    many = evidences * 2
    together = LabelScorer(get_loaded(), toy_task, CONFIG, batch_size=4).score(many)
    alone = LabelScorer(get_loaded(), toy_task, CONFIG, batch_size=1).score(many)
    np.testing.assert_allclose(together, alone, atol=1e-4, rtol=0)
    assert together.shape == (6, 6)


def test_no_sample_gives_an_empty_matrix(get_loaded: Loader, toy_task: Task) -> None:
    assert LabelScorer(get_loaded(), toy_task, CONFIG).score([]).shape == (0, 6)


@pytest.mark.parametrize("kind", [*KINDS, RECURRENT])
def test_the_active_adapter_is_what_scores(
    kind: str, tmp_path: Path, toy_task: Task, evidences: list[Evidence]
) -> None:
    folder = tiny_folder(tmp_path / "base", kind)
    loaded = load_base(ModelConfig(source=str(folder), device="cpu"))
    trained = load_base(ModelConfig(source=str(folder), device="cpu"))
    torch.manual_seed(1)
    peft = get_peft_model(
        trained.model,
        LoraConfig(r=4, init_lora_weights=False, target_modules=["q_proj", "v_proj", "down_proj"]),
    )
    peft.save_pretrained(tmp_path / "adapter")
    load_adapter(loaded, tmp_path / "adapter", "toy")
    scorer = LabelScorer(loaded, toy_task, CONFIG)
    prompts = [scorer.prompt(evidence) for evidence in evidences]
    with loaded.using("toy"):
        adapted = scorer.score_prompts(prompts, keep=True)
        expected = one_forward_a_label(loaded, toy_task, prompts)
        again = scorer.rescore(adapted.states, [()] * 3)
    plain = scorer.score_prompts(prompts)
    np.testing.assert_allclose(adapted.raw, expected, atol=1e-4, rtol=0)
    np.testing.assert_allclose(again.raw, expected, atol=1e-4, rtol=0)
    assert np.abs(plain.raw - adapted.raw).max() > 0.1
    with pytest.raises(InputError, match="using"):
        scorer.rescore(adapted.states, [()] * 3)


def test_a_shortlist_with_an_unknown_label_is_refused(
    get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    scorer = LabelScorer(get_loaded(), toy_task, CONFIG)
    first = scorer.score_prompts([scorer.prompt(evidences[0])], keep=True)
    with pytest.raises(InputError, match="退款页"):
        scorer.rescore(first.states, [()], ("退款页", "退款"))
