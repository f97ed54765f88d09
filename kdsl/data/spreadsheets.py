"""Texts in cells that spreadsheets open: what would be taken for a formula gets a ' in front.

Source: OWASP, CSV injection.
"""

from __future__ import annotations

_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")
"""What a formula may begin with; full-width signs do where Excel speaks Chinese or Japanese."""


def inert(text: str) -> str:
    """A text that no spreadsheet calculates; `as_written` gives the text back."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def as_written(cell: str) -> str:
    """The text of which `inert` made a cell, or a cell as it is."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
