"""Mined intentions of the products that are most like an item's."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.intention_items import write_items

from kdsl.encoders.registry import text_encoder
from kdsl.errors import InputError
from kdsl.evaluation.intentionqa.items import read_items
from kdsl.evaluation.intentionqa.known import MOST, KnownIntentions
from kdsl.knowledge.documents import Document

ENCODER = text_encoder("use-multilingual-v3")
MINED = [
    Document("a", "intention", "to walk the dog", "Dog Collar\nDog Leash"),
    Document("b", "intention", "to have tea together", "Tea Kettle with Lid\nTea Strainer"),
    Document("c", "intention", "to brew loose tea", "Kettle for Tea\nStrainer"),
    Document("d", "faq", "Tea Kettle", "Tea Strainer"),
    *(Document(f"e{n}", "intention", f"to write {n}", f"Fountain Pen {n}\nInk") for n in range(9)),
]


def test_the_nearest_stand_first_and_other_kinds_not_at_all(tmp_path: Path) -> None:
    known = KnownIntentions(MINED, ENCODER)
    first = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    found = known(first)
    assert len(found) == MOST
    assert set(found[:2]) == {"to have tea together", "to brew loose tea"}
    assert "Tea Kettle" not in found
    second = read_items(write_items(tmp_path / "two.jsonl", 2), 2).items[8]
    assert all(line.startswith("to write") for line in known(second))


def test_other_intentions_make_another_version() -> None:
    assert KnownIntentions(MINED, ENCODER).version == KnownIntentions(MINED, ENCODER).version
    assert KnownIntentions(MINED, ENCODER).version != KnownIntentions(MINED[1:], ENCODER).version


def test_knowledge_without_intentions_is_refused() -> None:
    with pytest.raises(InputError, match="holds no intention"):
        KnownIntentions([MINED[3]], ENCODER)
