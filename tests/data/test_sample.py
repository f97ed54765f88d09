"""What a turn says, once for all rooms."""

from __future__ import annotations

import pytest

from kdsl.data.sample import Turn, without_placeholders


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("会生锈吗", "会生锈吗"),
        ("<image>这个<http> 会\n生锈吗", "这个 会 生锈吗"),
        ("“会生锈吗”", "会生锈吗"),
        ("他说“会”吗", "他说“会”吗"),
        ("<image> <http>", ""),
        ('<image>"', ""),
        ("a<b and b>c", "a<b and b>c"),
    ],
)
def test_a_turn_says_its_words(text: str, said: str) -> None:
    assert Turn("user", text, text).said == said


def test_words_beside_a_placeholder_stay_apart() -> None:
    assert without_placeholders("this<image>one") == "this one"
