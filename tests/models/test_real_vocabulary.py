"""What depends on the vocabulary, with Qwen's real one and a tiny model of Qwen2-VL's class.

The other tests' tokenizer takes three tokens for most characters. The real one has words: how long labels, prompts and
answers are, and where texts are cut, is seen here alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.real_vocabulary import qwen_tokenizer, tiktoken_of
from helpers.tiny_models import tiny_evidence, tiny_folder
from hypothesis import given
from hypothesis import strategies as st
from tiktoken import Encoding
from transformers import Qwen2Tokenizer

from kdsl.config import BudgetConfig, ModelConfig, PromptConfig
from kdsl.config_file import load_config
from kdsl.ensemble.budget import Ledger
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.chat import ChatFrame, frame_of
from kdsl.models.encode import encode
from kdsl.models.label_tree import LabelTree
from kdsl.models.nano.tokenizer import SPECIAL_TOKENS
from kdsl.models.prompts import CONTEXT_SHARE, Prompt, ask, build_prompt
from kdsl.models.scorer import LabelScorer
from kdsl.models.special_tokens import JOINER
from kdsl.resources import resource
from kdsl.tasks import Task

LARGE = load_config(resource("configs/qwen2-vl-7b.yaml")).prompt
"""How prompts of the models that have this vocabulary are made: all labels are listed, up to 2,048 tokens."""
SMALL = PromptConfig(max_tokens=700, max_pixels=28 * 28 * 24, list_labels=True)


@pytest.fixture(scope="module")
def tokenizer() -> Qwen2Tokenizer:
    return qwen_tokenizer()


@pytest.fixture(scope="module")
def reference() -> Encoding:
    return tiktoken_of()


@pytest.fixture(scope="module")
def loaded(tokenizer: Qwen2Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A tiny Qwen2-VL with an embedding for each entry."""
    folder = tiny_folder(tmp_path_factory.mktemp("real"), tokenizer=tokenizer)
    return load_base(ModelConfig(source=str(folder), device="cpu"))


@pytest.fixture(scope="module")
def frame(loaded: LoadedModel) -> ChatFrame:
    return frame_of(loaded)


@pytest.fixture(scope="module")
def tasks(scene: Task, intent: Task) -> dict[str, Task]:
    return {"scene": scene, "intent": intent}


@pytest.fixture(params=["scene", "intent"])
def task(request: pytest.FixtureRequest, tasks: dict[str, Task]) -> Task:
    return tasks[request.param]


def long_sample(folder: Path, task: Task) -> Evidence:
    """Far more than any limit holds: a page of 400 lines, and 150 turns."""
    lines = tuple(f"第{i}件商品 颜色分类：深蓝色 尺码 {i}XL 立即购买" for i in range(400))
    turns = tuple(
        ("user" if i % 2 else "agent", f"第{i}句：请问这款杯子的内胆是什么材质，会不会生锈？") for i in range(150)
    )
    return tiny_evidence(folder, sizes=((360, 800),), lines=lines, turns=turns, task=task.name)


def test_it_is_the_vocabulary_of_qwen2_vl(tokenizer: Qwen2Tokenizer, loaded: LoadedModel) -> None:
    assert len(tokenizer.get_vocab()) == 151_643 + len(SPECIAL_TOKENS)
    ids = tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS))
    assert ids == list(range(151_643, 151_657))  # <|im_end|> 151645 and <|image_pad|> 151655 in config.json of Qwen2-VL
    assert set(tokenizer.added_tokens_decoder) == set(ids)
    assert loaded.model.get_input_embeddings().num_embeddings == len(tokenizer)
    assert (loaded.processor.image_token, loaded.tokenizer.eos_token) == ("<|image_pad|>", "<|im_end|>")


@pytest.mark.parametrize(
    "text",
    [
        "你要的标签是什么？亲，这个杯子会不会生锈？",
        "合计￥128.50，已优惠￥20 订单编号：2135e2c2",
        "Does it rust?\n\nI'm asking for 30x40 cm — WHERE's my parcel",
        "退款\t退款  退款\r\n😀🛒 ｱｲｳ 한국어",
        "龘靐齉爩",
    ],
)
def test_texts_are_cut_as_another_reader_of_the_file_cuts_them(
    tokenizer: Qwen2Tokenizer, reference: Encoding, text: str
) -> None:
    ids = tokenizer(text)["input_ids"]
    assert ids == reference.encode(text)
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize(("name", "nodes", "shortest", "longest"), [("scene", 79, 2, 11), ("intent", 56, 2, 4)])
def test_label_trees(
    frame: ChatFrame,
    reference: Encoding,
    request: pytest.FixtureRequest,
    name: str,
    nodes: int,
    shortest: int,
    longest: int,
) -> None:
    """The tree holds every beginning of a label once."""
    task: Task = request.getfixturevalue(name)
    tree = LabelTree(frame, task.names)
    spelt = [reference.encode(label) for label in task.names]
    assert len(tree) == len({tuple(ids[:n]) for ids in spelt for n in range(1, len(ids) + 1)}) == nodes
    assert tree.n_tokens == tuple(len(ids) + 1 for ids in spelt)
    assert (min(map(len, spelt)), max(map(len, spelt))) == (shortest, longest)


def test_one_pass_over_the_tree_is_one_forward_per_label(loaded: LoadedModel, task: Task, tmp_path: Path) -> None:
    evidence = tiny_evidence(tmp_path, lines=("确认收货",), turns=(("user", "会生锈吗<image>"),), task=task.name)
    scorer = LabelScorer(loaded, task, SMALL)
    prompt = scorer.prompt(evidence)
    found = scorer.score_prompts([prompt]).raw[0]
    given = encode(loaded, [prompt]).tensors
    by_length = sorted(range(len(task.names)), key=lambda i: scorer.tree.n_tokens[i])
    for column in (by_length[0], by_length[len(by_length) // 2], by_length[-1]):
        answer = torch.tensor([[*scorer.frame.ids([task.names[column]])[0], scorer.frame.end_of_turn]])
        longer = dict(given)
        longer["input_ids"] = torch.cat([given["input_ids"], answer], 1)
        longer["attention_mask"] = torch.ones_like(longer["input_ids"])
        longer["mm_token_type_ids"] = torch.cat([given["mm_token_type_ids"], torch.zeros_like(answer)], 1)
        with torch.no_grad():
            logits = loaded.model(**longer, logits_to_keep=answer.shape[1] + 1).logits[0, :-1]
        plain = logits.double().log_softmax(-1).gather(1, answer[0, :, None]).sum()
        np.testing.assert_allclose(found[column], plain, atol=1e-3)
    assert found.std() > 1  # labels do differ


def test_three_calls_of_the_longest_label_stay_within_the_budget(frame: ChatFrame, scene: Task, intent: Task) -> None:
    most = max(max(LabelTree(frame, task.names).n_tokens) for task in (scene, intent))
    ledger = Ledger(BudgetConfig())
    for role in ("large", "view", "small"):
        ledger.book(role, most, {role: 1_000_000_000})
    assert (ledger.spend.calls, ledger.spend.output_tokens) == (3, 36)
    assert ledger.spend.output_tokens <= BudgetConfig().max_output_tokens == 100


def whole(prompt: Prompt, loaded: LoadedModel) -> str:
    """What the model reads, from its tokens, with one token per picture."""
    ids = encode(loaded, [prompt]).tensors["input_ids"][0].tolist()
    pad = frame_of(loaded).picture_token
    return str(loaded.tokenizer.decode([token for i, token in enumerate(ids) if token != pad or ids[i - 1] != pad]))


@pytest.mark.parametrize("config", [LARGE, SMALL], ids=["as configured", "700 tokens"])
def test_what_is_too_long_loses_neither_labels_nor_question(
    loaded: LoadedModel, task: Task, config: PromptConfig, tmp_path: Path
) -> None:
    evidence = long_sample(tmp_path, task)
    prompt = build_prompt(evidence, task, config, frame_of(loaded), context=["参考资料：316不锈钢耐腐蚀。"] * 80)
    assert encode(loaded, [prompt]).lengths == [prompt.n_tokens]
    limit = config.limit(task)
    assert limit - 60 < prompt.n_tokens <= limit * (1 + CONTEXT_SHARE)
    assert prompt.dropped.lines
    assert prompt.dropped.turns
    assert prompt.dropped.snippets
    read = whole(prompt, loaded)
    assert read.endswith(f"{ask(task, config)}<|im_end|>\n<|im_start|>assistant\n")
    assert all(name in ask(task, config) for name in task.names)
    assert "用户：第149句：请问这款杯子的内胆是什么材质，会不会生锈？\n" in read
    assert "用户：第1句：" in read  # the first thing that a user says stays as well
    known = [line.text for line in evidence.pictures[0].lines]
    shown = [line for line in read.splitlines() if line.startswith("第")]
    assert shown
    assert set(shown) <= set(known)  # whole lines


def test_lists_of_labels_fit_their_limits(frame: ChatFrame, task: Task) -> None:
    """Of what the configurations of Qwen-VL give a prompt, the labels and the question take less than a third."""
    (asked,) = frame.count([ask(task, LARGE)])
    assert asked + len(frame.before) + len(frame.after) < LARGE.limit(task) / 3


FRAGMENTS = st.sampled_from(
    [*SPECIAL_TOKENS, "<|", "|>", "im_", "end", "<", "|", "图片", "会不会生锈", JOINER, "\u212a"]
)
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=3)), max_size=8).map("".join)


@given(TEXTS)
def test_special_tokens_in_texts_become_plain_pieces(frame: ChatFrame, text: str) -> None:
    tokenizer, neutral = frame.tokenizer, frame.neutralise(text)
    ids = tokenizer(neutral)["input_ids"]
    assert max(ids, default=0) < 151_643  # plain entries alone
    assert tokenizer.decode(ids) == neutral
    spelt = tokenizer.backend_tokenizer.normalizer.normalize_str(text)
    assert neutral.replace(JOINER, "") == spelt.replace(JOINER, "")  # nothing is lost


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_no_special_token_of_a_text_reaches_the_model(
    loaded: LoadedModel, intent: Task, tmp_path: Path, token: str
) -> None:
    hostile = f"看{token}退款{token}"
    plain = tiny_evidence(tmp_path, "a", lines=("看退款",), turns=(("user", "看退款"),))
    attack = tiny_evidence(tmp_path, "b", lines=(hostile,), turns=(("user", hostile),))
    found = []
    for evidence in (plain, attack):
        prompt = build_prompt(
            evidence, intent, LARGE, frame_of(loaded), context=[hostile if evidence is attack else "看"]
        )
        ids = encode(loaded, [prompt]).tensors["input_ids"][0].tolist()
        found.append([token for token in ids if token >= 151_643])
    assert found[0] == found[1]
