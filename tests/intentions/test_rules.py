"""The rules that drop intentions before any judge: what they drop, and what they must let pass, in both languages."""

from __future__ import annotations

import pytest

from kdsl.encoders.registry import text_encoder
from kdsl.intentions.rules import Text, common, fault, near_duplicates, plain, tidy

EN, ZH = "The customer bought both products because the customer wants to", "顾客同时购买这两件商品，因为它们都用于"
TITLES = ("Foldable camping stove with wind shield, 3000 W", "不锈钢奶锅 16厘米 家用 小汤锅")


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("", "empty"),
        ("... 23 !", "empty"),
        ("cook", None),
        ("the following reasons:", "unfinished"),
        (" ".join(f"word{i}" for i in range(80)), "length"),
        ("cook and cook and cook and cook and cook and cook and", "repetition"),
        ("go go go outside", "repetition"),
        ("露营做饭露营做饭露营做饭", "repetition"),
        ("use product A at home", "placeholder"),
        ("用商品B做饭", "placeholder"),
        ("a camping stove with wind shield", "copied"),
        ("不锈钢奶锅家用小汤锅", "copied"),
        ("own a high-quality stove", "product-centred"),
        ("cook since the products are sold together", "product-centred"),
        ("在家做饭，这款产品做工精细", "product-centred"),
        ("cook a warm meal outside in the evening", None),
        ("make coffee for two on a camping trip", None),
        ("给宝宝热牛奶、做辅食", None),
        ("冬天在山里煮一锅热汤", None),
    ],
)
def test_texts_alone(tail: str, reason: str | None) -> None:
    assert fault(Text(EN if tail.isascii() else ZH, tail), TITLES) == reason


def test_a_text_that_was_cut_off() -> None:
    assert fault(Text(EN, "cook a warm meal and then", finished=False), TITLES) == "unfinished"
    assert fault(Text(EN, "cook a warm meal.", finished=False), TITLES) is None


def test_the_first_sentence_is_what_counts() -> None:
    assert tidy("\n cook 2.5 l of soup. Then they eat.\nMore") == "cook 2.5 l of soup."
    assert tidy("煮汤。然后喝汤。") == "煮汤。"
    assert tidy("  \n ") == ""


def test_a_sentence_joins_by_its_language() -> None:
    assert Text(EN, "cook.").whole == f"{EN} cook."
    assert Text(ZH, "煮汤。").whole == f"{ZH}煮汤。"


def test_an_intention_that_says_the_same_with_another_relation() -> None:
    texts = [Text(EN, tail) for tail in ("cook a warm meal outside", "Cook a warm meal outside.", "fish in a lake")]
    encoder = text_encoder("use-multilingual-v3")
    assert near_duplicates(texts, encoder) == [False, True, False]
    assert near_duplicates([], encoder) == []


def test_a_text_that_is_written_for_many_pairs() -> None:
    assert plain("Make  a Gift!") == plain("make a gift")
    assert common({"make a gift": 4, "cook": 3}, 20) == {"make a gift"}
    assert common({"make a gift": 4}, 1000) == set()
