"""Mined intentions of the products that are most like an item's."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.intention_items import write_items

from kdsl.errors import InputError
from kdsl.evaluation.intentionqa.items import read_items
from kdsl.evaluation.intentionqa.known import MOST, KnownIntentions
from kdsl.knowledge.base import KnowledgeBase
from kdsl.knowledge.documents import Document

MINED = [
    Document("a", "intention", "to walk the dog", "Dog Collar\nDog Leash", source="mined"),
    Document("b", "intention", "to have tea together", "Tea Kettle with Lid\nTea Strainer", source="mined"),
    Document("c", "intention", "to brew loose tea", "Kettle for Tea\nStrainer", source="mined"),
    Document("d", "faq", "Tea Kettle", "Tea Strainer", source="mined"),
    *(Document(f"e{n}", "intention", f"to write {n}", f"Fountain Pen {n}\nInk", source="mined") for n in range(9)),
]


def base_of(folder: Path, documents: list[Document]) -> KnowledgeBase:
    base = KnowledgeBase.at(folder)
    base.add(documents, ["mined"])
    return base


def test_the_nearest_stand_first_and_other_kinds_not_at_all(tmp_path: Path) -> None:
    base = base_of(tmp_path / "base", MINED)
    one = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items
    found = KnownIntentions(base, one)(one[0])
    assert len(found) == MOST
    assert set(found[:2]) == {"to have tea together", "to brew loose tea"}
    assert "Tea Kettle" not in found
    two = read_items(write_items(tmp_path / "two.jsonl", 2), 2).items
    assert all(line.startswith("to write") for line in KnownIntentions(base, two)(two[8]))


def test_the_version_is_of_what_is_found(tmp_path: Path) -> None:
    items = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items
    versions = [
        KnownIntentions(base_of(tmp_path / name, documents), items).version
        for name, documents in (("a", MINED), ("b", MINED[::-1]), ("c", MINED[2:]))
    ]
    assert versions[0] == versions[1] != versions[2]


def test_knowledge_without_intentions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no document of kind 'intention'"):
        KnownIntentions(base_of(tmp_path / "base", [MINED[3]]), [])
