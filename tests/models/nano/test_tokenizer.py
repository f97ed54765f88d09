"""The shipped tokenizer: lossless, Qwen2's class and special tokens, short on what shops write."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, Qwen2Tokenizer

from kdsl.models.nano.tokenizer import SPECIAL_TOKENS, common_hanzi, train_tokenizer
from kdsl.models.weights import NANO_FOLDER
from kdsl.tasks import Task

tokenizer = AutoTokenizer.from_pretrained(NANO_FOLDER)
PIECES = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=common_hanzi(), max_size=30),
    st.sampled_from(["会不会生锈？", "MIRE 2025", "😀👍🏽", "（显示购买失败浮窗）", "\n", "  ", "¥12.80", "é"]),
)


@given(st.lists(PIECES, max_size=5).map("".join))
def test_text_survives(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_it_is_qwens_class_with_its_special_tokens_last() -> None:
    assert isinstance(tokenizer, Qwen2Tokenizer)
    ids = tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS))
    assert ids == list(range(len(tokenizer) - len(SPECIAL_TOKENS), len(tokenizer)))
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer("<|im_start|>")["input_ids"] == [tokenizer.convert_tokens_to_ids("<|im_start|>")]


def test_every_common_hanzi_is_one_token() -> None:
    assert len(common_hanzi()) == 3755
    assert [char for char in common_hanzi() if len(tokenizer(char)["input_ids"]) > 1] == []


@pytest.mark.parametrize("fixture", ["scene", "intent"])
def test_label_names_are_short(fixture: str, request: pytest.FixtureRequest) -> None:
    task: Task = request.getfixturevalue(fixture)
    lengths = {name: len(tokenizer(name)["input_ids"]) for name in task.names}
    assert max(lengths.values()) <= 3, lengths
    assert sum(lengths.values()) <= 1.4 * len(lengths), lengths


def test_the_chat_frame_has_no_system_message() -> None:
    content = [{"type": "image"}, {"type": "text", "text": "你好"}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    assert text == (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>你好<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_trained_tokenizer_joins_frequent_words_and_names() -> None:
    texts = ["漏水", "滚筒洗衣机不转了"] * 300
    small = train_tokenizer(texts, ["能否调光", "外部/APP"], vocab_size=4600)
    assert len(small("漏水")["input_ids"]) == 1
    assert len(small("滚筒洗衣机不转了")["input_ids"]) >= 2  # no word is longer than four hanzi
    assert len(small("能否调光")["input_ids"]) == 1
    assert len(small("外部/APP")["input_ids"]) == 2
    assert small.decode(small("龘😀")["input_ids"]) == "龘😀"
