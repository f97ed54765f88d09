"""The JSON Schema of rule books, by which editors complete and check a book while it is written.

A book names it in its first line: `# yaml-language-server: $schema=book.schema.json` (a path beside the book).
What a schema cannot say, such as that a group is there, is said by `RuleBook.load`.
"""

from __future__ import annotations

import re
from typing import Any

from kdsl.rules.book import SCHEMA, RuleBook
from kdsl.rules.grammar import FORMS, GRAMMAR

FILE = "book.schema.json"
"""The file's name, beside the books that ship with kdsl."""


def book_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a rule book's file."""
    made = RuleBook.model_json_schema()
    definitions = made.pop("$defs")
    for part in definitions["When"]["properties"].values():
        part["items"] = {"$ref": "#/$defs/Literal"}
    definitions["Literal"] = {
        "description": "An atomic condition on a sample; docs/rules.md lists all forms.",
        "type": "string",
        "pattern": f"^\\s*(?:{'|'.join(map(_plain, FORMS))})\\s*$",
        "patternErrorMessage": f"This is no literal. Literals are such as: {GRAMMAR[0]}",
        "examples": list(GRAMMAR),
    }
    made["properties"]["groups"]["additionalProperties"]["minItems"] = 1
    properties = {
        "schema": {"description": "Version of the format.", "type": "integer", "minimum": 1, "maximum": SCHEMA},
        **made.pop("properties"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "kdsl rule book",
        "properties": properties,
        "$defs": definitions,
    }


def _plain(form: re.Pattern[str]) -> str:
    """A pattern without names of groups, which are written in another way outside Python."""
    return re.sub(r"\(\?P<\w+>", "(?:", form.pattern)
