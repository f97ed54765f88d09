"""Trees and rows: each equals plain text, the guard chooses between them, and finds a model that ignores its mask."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_models import KINDS, RECURRENT, RECURRENT_TEXT, TEXT_KINDS, tiny_evidence
from hypothesis import given
from hypothesis import strategies as st

from kdsl.config import PromptConfig
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.models import guard
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.generation import text_prompt
from kdsl.models.guard import WAYS, plain_log_probs, way_of
from kdsl.models.label_rows import row_passes
from kdsl.models.label_tree import LabelTree
from kdsl.models.rows_pass import RowsWay
from kdsl.models.scorer import LabelScorer
from kdsl.models.tree_pass import TreeWay
from kdsl.models.way import Way
from kdsl.tasks import Task

Loader = Callable[..., LoadedModel]
ROWS = (RECURRENT, RECURRENT_TEXT)
EVERY = [*KINDS, *TEXT_KINDS, *ROWS]
TEXTS = ("在吗", "这个杯子会生锈吗？那退款呢？", "is it new? " * 8)
ONE_ROW_AT_A_TIME = RowsWay(copies=1)


def ways_of(kind: str) -> list[Way]:
    return [RowsWay(), ONE_ROW_AT_A_TIME, *([] if kind in ROWS else [TreeWay()])]


@pytest.fixture(scope="module")
def evidences(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    folder = tmp_path_factory.mktemp("pictures")
    return [
        tiny_evidence(folder, "a", lines=("加入购物车",), turns=(("user", "会生锈吗？<image>"), ("agent", "不会的"))),
        tiny_evidence(folder, "b", sizes=((90, 180), (300, 120)), turns=(("user", "退款呢？<image><image>"),)),
        tiny_evidence(folder, "c", sizes=(), turns=(("user", "在吗"),)),
    ]


@pytest.mark.parametrize("kind", EVERY)
def test_every_way_says_what_plain_text_says(kind: str, get_loaded: Loader, toy_task: Task) -> None:
    loaded = get_loaded(kind)
    tree = LabelTree(frame_of(loaded), toy_task.names)
    prompts = [text_prompt(loaded, text) for text in TEXTS]
    expected = plain_log_probs(loaded, tree, prompts)
    assert expected.std(axis=1).min() > 1  # the labels do differ
    for way in ways_of(kind):
        for keep in (False, True):
            np.testing.assert_allclose(way.first_call(loaded, tree, prompts, keep=keep)[0], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", EVERY)
def test_further_calls_on_rows_equal_those_on_a_tree_and_the_whole_prompt(
    kind: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded = get_loaded(kind)
    scorer = LabelScorer(loaded, toy_task, PromptConfig(max_tokens=400, list_labels=True))
    contexts = [("生锈：会不会生锈", "退货"), (), ("a rule that says more than the others do",)]
    whole = scorer.score_prompts(
        [scorer.prompt(evidence, context) for evidence, context in zip(evidences, contexts, strict=True)]
    )
    for way in ways_of(kind):
        scorer.way = way
        first = scorer.score_prompts([scorer.prompt(evidence) for evidence in evidences], keep=True)
        for _ in range(2):  # a state is used twice: call 2 leaves it as it was
            again = scorer.rescore(first.states, contexts)
            np.testing.assert_allclose(again.raw, whole.raw, atol=1e-4, rtol=0)


def test_prompts_with_context_of_their_own_keep_their_prefixes(
    get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    scorer = LabelScorer(get_loaded(RECURRENT), toy_task, PromptConfig(max_tokens=400))
    contexts: list[tuple[str, ...]] = [("生锈：会不会生锈",), (), ("a rule",)]
    prompts = [scorer.prompt(evidence, context) for evidence, context in zip(evidences, contexts, strict=True)]
    found = scorer.score_prompts(prompts, keep=True)
    np.testing.assert_allclose(found.raw, scorer.score_prompts(prompts).raw, atol=1e-4, rtol=0)
    again = scorer.rescore(found.states, contexts)
    np.testing.assert_allclose(again.raw, found.raw, atol=1e-4, rtol=0)


def test_a_tree_is_wrong_where_layers_are_recurrent(get_loaded: Loader, toy_task: Task) -> None:
    loaded = get_loaded(RECURRENT)
    tree = LabelTree(frame_of(loaded), toy_task.names)
    prompts = [text_prompt(loaded, text) for text in TEXTS]
    expected = plain_log_probs(loaded, tree, prompts)
    assert np.abs(TreeWay().first_call(loaded, tree, prompts)[0] - expected).max() > 0.1


@pytest.mark.parametrize("kind", EVERY)
def test_scores_do_not_depend_on_the_order_of_labels(
    kind: str, get_loaded: Loader, toy_task: Task, evidences: list[Evidence]
) -> None:
    loaded, config = get_loaded(kind), PromptConfig(max_tokens=400, list_labels=True)
    first = LabelScorer(loaded, toy_task, config)
    expected = dict(zip(toy_task.names, first.score(evidences).T, strict=True))
    state = first.score_prompts([first.prompt(evidences[0])], keep=True).states
    again = first.rescore(state, [()], ("退款", "生锈", "退货")).raw[0]
    for seed in range(3):
        labels = random.Random(seed).sample(toy_task.labels, len(toy_task.labels))
        scorer = LabelScorer(loaded, toy_task.model_copy(update={"labels": tuple(labels)}), config)
        for name, scores in zip(scorer.task.names, scorer.score(evidences).T, strict=True):
            np.testing.assert_allclose(scores, expected[name], atol=1e-4, rtol=0)
    shuffled = first.rescore(state, [()], ("退货", "退款", "生锈")).raw[0]
    np.testing.assert_allclose(shuffled, again[[2, 0, 1]], atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", EVERY)
def test_the_guard_chooses_by_the_kinds_of_layers(kind: str, get_loaded: Loader) -> None:
    assert way_of(get_loaded(kind)).name == ("rows" if kind in ROWS else "tree")


@pytest.fixture
def unknown(load_tiny: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    """A model that no self-test has seen."""
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    return load_tiny("qwen2_vl")


def forget_masks(loaded: LoadedModel, dimensions: tuple[int, ...]) -> None:
    """Let a decoder leave out masks of so many dimensions, as a layer does that knows none."""
    forward = loaded.decoder.forward

    def without(*args: Any, attention_mask: torch.Tensor | None = None, **kwargs: Any) -> Any:
        if attention_mask is not None and attention_mask.ndim in dimensions:
            attention_mask = None
        return forward(*args, attention_mask=attention_mask, **kwargs)

    loaded.decoder.forward = without


def test_a_model_that_ignores_the_trees_mask_is_scored_as_rows(unknown: LoadedModel, toy_task: Task) -> None:
    forget_masks(unknown, (4,))
    assert way_of(unknown).name == "rows"
    prompts = [text_prompt(unknown, text) for text in TEXTS]
    scorer = LabelScorer(unknown, toy_task, PromptConfig())
    expected = plain_log_probs(unknown, scorer.tree, prompts)
    np.testing.assert_allclose(scorer.score_prompts(prompts).raw, expected, atol=1e-4, rtol=0)


def test_a_model_that_ignores_every_mask_is_refused(unknown: LoadedModel, toy_task: Task) -> None:
    forget_masks(unknown, (2, 4))
    with pytest.raises(ConfigError, match=r"as a tree by \d.*, as rows by \d"):
        LabelScorer(unknown, toy_task, PromptConfig())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_rounding_is_no_reason_to_leave_the_tree(unknown: LoadedModel, dtype: torch.dtype) -> None:
    unknown.model.to(dtype)
    unknown.dtype = dtype
    assert way_of(unknown).name == "tree"


def test_a_result_is_kept_for_the_next_process(
    unknown: LoadedModel, load_tiny: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_masks(unknown, (4,))
    assert way_of(unknown).name == "rows"
    [kept] = (tmp_path / "scoring").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(guard, "plain_log_probs", lambda *_: pytest.fail("the self-test ran again"))
        assert way_of(load_tiny("qwen2_vl")).name == "rows"  # the fingerprint is the same
    kept.write_text("{", "utf-8")
    assert way_of(load_tiny("qwen2_vl")).name == "tree"


def test_weights_without_a_fingerprint_are_tested_each_time(unknown: LoadedModel, tmp_path: Path) -> None:
    unknown.fingerprint = ""
    assert way_of(unknown).name == "tree"
    assert not (tmp_path / "scoring").exists()


@pytest.mark.parametrize("kind", ["qwen2_vl", RECURRENT])
def test_the_self_test_reads_fewer_tokens_than_two_prompts_of_400(
    kind: str, load_tiny: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    loaded, read = load_tiny(kind), []
    loaded.decoder.norm.register_forward_hook(lambda _, __, out: read.append(out.shape[0] * out.shape[1]))
    way_of(loaded)
    # the tiny tokenizer has three tokens for most of the characters
    assert sum(read) < 2 * 400 * 3


@given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=12, unique=True), st.integers(0, 40))
def test_passes_run_every_node_behind_its_ancestors(words: list[str], forward: int) -> None:
    nodes = {
        prefix: i for i, prefix in enumerate(dict.fromkeys(w[:end] for w in words for end in range(1, len(w) + 1)))
    }
    attends = torch.zeros(len(nodes), len(nodes), dtype=torch.bool)
    for prefix, node in nodes.items():
        attends[node, [nodes[prefix[:end]] for end in range(1, len(prefix) + 1)]] = True
    behind: list[list[int]] = [[]]
    ran: list[int] = []
    passes = row_passes(attends, forward)
    for one in passes:
        rows = [[node for node in row if node >= 0] for row in one.nodes.tolist()]
        going_on = [behind[parent] for parent in one.parents.tolist()]
        assert len({len(row) for row in going_on}) == 1
        behind = [before + row for before, row in zip(going_on, rows, strict=True)]
        for row in behind:
            assert sorted(row) == attends[row[-1]].nonzero().flatten().tolist()
        ran += [node for row in rows for node in row]
    assert set(ran) == set(nodes.values())
    if forward == 0:
        assert len(ran) == len(nodes)  # what labels share is run once
    if forward == 40:
        assert len(passes) == 1


def test_every_way_has_its_name() -> None:
    assert {name: way.name for name, way in WAYS.items()} == {"tree": "tree", "rows": "rows"}
