"""Rule books in other forms: Markdown, HTML, CSV, and SQL (`kdsl.rules.export_sql`)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from kdsl.data.spreadsheets import inert
from kdsl.errors import InputError
from kdsl.rules.book import RuleBook
from kdsl.rules.export_sql import to_sql
from kdsl.rules.rule import Rule

_MARKS = re.compile(r"([\\`*_\[\]<>|&#~])")
"""Characters that mean something in Markdown."""
COLUMNS = (
    "task", "id", "label", "sentence", "all", "any", "none", "weight", "enabled", "origin", "support", "precision",
    "precision_low", "precision_high", "recall", "fidelity", "stability", "conflicts",
)  # fmt: skip
"""Of the CSV. `all`, `any` and `none` have one literal per line; the interval of the precision is one of 95%."""


Style = Literal["markdown", "html", "csv", "sql"]


def exported(books: Sequence[RuleBook], style: Style) -> str:
    """Books as a page, a table, or a query.

    Raises:
        InputError: a query is of one book, and there are several.
    """
    if style == "sql":
        if len(books) > 1:
            names = ", ".join(book.task for book in books)
            raise InputError(f"a query is of one book; choose a `task` of: {names}.")
        return to_sql(books[0])
    return {"markdown": to_markdown, "html": to_html, "csv": to_csv}[style](books)


def to_markdown(books: Sequence[RuleBook]) -> str:
    """A heading per task and label, a list item per rule."""
    lines: list[str] = []
    for book in books:
        lines += [f"# Rules of {_escaped(book.task)}", ""]
        for label in book.labels:
            lines += [f"## {_escaped(label)}", ""]
            rules = [rule for rule in book.rules if rule.label == label]
            why = book.without_rules.get(label)
            lines += [_item(rule) for rule in rules] or [f"No rule: {_escaped(why)}." if why else "No rule."]
            lines.append("")
        if book.groups:
            lines += ["## Word groups", ""]
            lines += [f"- 〔{_escaped(name)}〕: {_escaped(', '.join(words))}" for name, words in book.groups.items()]
            lines.append("")
    return "\n".join(lines)


def _item(rule: Rule) -> str:
    off = "" if rule.enabled else ", disabled"
    return f"- **{_escaped(rule.id)}** if {_escaped(str(rule.when))} ({figures(rule)}{off})"


def figures(rule: Rule) -> str:
    """A rule's weight, origin and statistics in words."""
    parts = [f"weight {rule.weight:g}", rule.origin.how]
    if rule.stats is not None:
        low, high = rule.stats.interval95
        parts.append(f"precision {rule.stats.precision:.2f} [{low:.2f}, {high:.2f}] on {rule.stats.support} samples")
    return ", ".join(parts)


def _escaped(text: str) -> str:
    """A text in which no character means something in Markdown, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def to_html(books: Sequence[RuleBook]) -> str:
    """One self-contained page; all texts are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("books.html.j2").render(books=books, figures=figures)


def to_csv(books: Sequence[RuleBook]) -> str:
    """One row per rule, with the columns `COLUMNS`; what is not known is empty. Lines end as RFC 4180 says.

    A text that a spreadsheet would take for a formula gets a ' in front (`kdsl.data.spreadsheets`).
    """
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS)
    rows.writeheader()
    for book in books:
        for rule in book.rules:
            values = _row(book.task, rule).items()
            rows.writerow({name: inert(value) if isinstance(value, str) else value for name, value in values})
    return out.getvalue()


def _row(task: str, rule: Rule) -> dict[str, object]:
    stats = rule.stats.model_dump(exclude={"interval95"}, exclude_none=True) if rule.stats else {}
    if rule.stats is not None:
        stats["precision_low"], stats["precision_high"] = rule.stats.interval95
    parts = {part: "\n".join(map(str, getattr(rule.when, part))) for part in ("all", "any", "none")}
    return {
        "task": task,
        "id": rule.id,
        "label": rule.label,
        "sentence": rule.text,
        "weight": rule.weight,
        "enabled": "yes" if rule.enabled else "no",
        "origin": rule.origin.how,
        **parts,
        **stats,
    }
