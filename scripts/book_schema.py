"""Writes rules/book.schema.json, the JSON Schema of rule books, from the classes that read them.

Run: python scripts/book_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from kdsl.rules.schema import FILE, book_schema

TARGET = Path(__file__).resolve().parent.parent / "rules" / FILE


def text() -> str:
    """The whole file."""
    return json.dumps(book_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
