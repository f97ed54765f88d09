"""The JSON Schema of rule books, as editors use it, and the version of the format."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from kdsl.errors import ConfigError
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import GRAMMAR
from kdsl.rules.schema import FILE, book_schema

ROOT = Path(__file__).resolve().parents[2]
RULE = {"id": "a", "label": "x", "when": {"all": ["a picture is dark"]}}


def faults(rule: dict[str, Any], **more: Any) -> list[str]:
    book = {"task": "toy", "labels": ["x", "y"], "rules": [RULE | rule], **more}
    return [".".join(map(str, fault.path)) for fault in Draft202012Validator(book_schema()).iter_errors(book)]


def test_the_file_is_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "book_schema.py"))
    assert (ROOT / "rules" / FILE).read_text("utf-8") == script["text"](), "run: python scripts/book_schema.py"
    Draft202012Validator.check_schema(book_schema())


@pytest.mark.parametrize("name", ["scene", "intent"])
def test_shipped_books_are_valid_and_name_the_schema(name: str) -> None:
    path = resource(f"rules/{name}.yaml")
    text = path.read_text("utf-8")
    assert list(Draft202012Validator(book_schema()).iter_errors(yaml.safe_load(text))) == []
    _, named = text.split("\n")[0].split("$schema=")
    assert json.loads((path.parent / named).read_text("utf-8")) == book_schema()


def test_editors_know_every_form_of_literal_and_no_other() -> None:
    for example in GRAMMAR:
        assert faults({"when": {"any": [example.replace("…", "退款")]}}) == [], example
    for line in ("an OCR lines contains 「退款」", "a user turn contains 退款", "a user turn speaks of 「退款」"):
        assert faults({"when": {"any": [line]}}) == ["rules.0.when.any.0"], line


def test_editors_are_told_of_what_a_book_cannot_have() -> None:
    assert faults({}, groups={"rust": ["rust"]}, schema=1) == []
    assert faults({"wight": 2}) == ["rules.0"]
    assert faults({"weight": -1}) == ["rules.0.weight"]
    assert faults({"origin": {"how": "found"}}) == ["rules.0.origin.how"]
    assert faults({}, groups={"rust": []}) == ["groups.rust"]
    assert faults({}, schema=2) == ["schema"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [("2", "has schema 2, and this version of kdsl knows schema 1"), ("one", "expected a version number"), ("0", "0")],
)
def test_a_book_of_another_format_is_refused(schema: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(f"schema: {schema}\ntask: toy\nlabels: [a, b]\nnew: part\n", "utf-8")
    with pytest.raises(ConfigError) as error:
        RuleBook.load(path)
    assert said in str(error.value)
    assert ("Update kdsl" in str(error.value)) == (schema == "2")
    path.write_text("task: toy\nlabels: [a, b]\n", "utf-8")
    assert RuleBook.load(path).labels == ("a", "b"), "a file without a version has version 1"
