"""Relations: the shipped ones, and the faults of the published list."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdsl.errors import ConfigError
from kdsl.intentions.relations import load_relations
from kdsl.resources import resource


def test_shipped_relations() -> None:
    relations = load_relations(resource("configs/mining/relations.yaml"))
    assert len(relations) == 18
    assert {"usedFor", "isA", "capableOf", "madeOf", "partOf", "similarTo", "relatedTo", "cause", "effect"} <= {
        relation.name for relation in relations
    }
    assert all(relation.wording("en").isascii() and not relation.wording("zh").isascii() for relation in relations)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("open: {en: '', zh: ''}", "open: has no wording (en, zh)"),
        (
            "propertOf: {en: have it, zh: 有}\npropertyOf: {en: have the property, zh: 具有}",
            "propertyOf: is called almost as 'propertOf'; is one of them a misprint?",
        ),
        ("a: {en: because, zh: 因为}\nbc: {en: because, zh: 由于}", "bc: asks with the words of 'a' (because)"),
        ("a: {en: because}", "a: zh: Field required"),
        ("- a", "expected relations"),
        ("a: {en: x, zh: 一}\na: {en: y, zh: 二}", "stands here and in line 1"),
    ],
)
def test_faults(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "relations.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_relations(file)
    assert said in str(caught.value)
