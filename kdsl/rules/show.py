"""Rule books as text and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kdsl.errors import InputError, did_you_mean
from kdsl.rules.rule import Rule

if TYPE_CHECKING:
    from rich.table import Table

    from kdsl.rules.analysis import BookSummary
    from kdsl.rules.book import RuleBook


def list_lines(books: Iterable[RuleBook], label: str | None = None) -> list[str]:
    """Two lines per rule: its id, label, weight and statistics; then its condition.

    Raises:
        InputError: no book has the label.
    """
    books = list(books)
    known = [name for book in books for name in book.labels]
    if label is not None and label not in known:
        raise InputError(f"no label is called '{label}'.{did_you_mean(label, known)}")
    lines = []
    for book in books:
        for rule in book.rules:
            if label in (None, rule.label):
                lines.append(f"{book.task}/{rule.id}  {rule.label}  {_brief(rule)}")
                lines.append(f"    if {rule.when}")
    return lines


def _brief(rule: Rule) -> str:
    parts = [f"weight {rule.weight:g}", rule.origin.how]
    if rule.stats is not None:
        low, high = rule.stats.interval95
        parts.append(f"precision {rule.stats.precision:.2f} [{low:.2f}, {high:.2f}] on {rule.stats.support}")
    if not rule.enabled:
        parts.append("disabled")
    return ", ".join(parts)


def rule_lines(book: RuleBook, rule: Rule) -> list[str]:
    """All details of one rule, line by line."""
    lines = [f"{book.task}/{rule.id}", f"  label    {rule.label}", f"  weight   {rule.weight:g}"]
    for part in ("all", "any", "none"):
        for number, literal in enumerate(getattr(rule.when, part)):
            lines.append(f"  {part if number == 0 else '':8s} {literal}")
    if rule.stats is not None:
        low, high = rule.stats.interval95
        lines += [
            f"  support  {rule.stats.support} samples that its search had not seen",
            f"  precision {rule.stats.precision:.3f} [{low:.3f}, {high:.3f}], recall {rule.stats.recall:.3f}",
            f"  conflicts {rule.stats.conflicts} samples on which a rule of another label fires too",
        ]
        for name in ("fidelity", "stability"):
            value = getattr(rule.stats, name)
            if value is not None:
                lines.append(f"  {name} {value:.3f}")
    origin = rule.origin
    made = ", ".join(str(x) for x in (origin.how, origin.model, origin.seed and f"seed {origin.seed}") if x)
    lines += [f"  origin   {made}", f"  enabled  {'yes' if rule.enabled else 'no'}"]
    return lines


def summary_table(task: str, summary: BookSummary) -> Table:
    """The rows of an analysis as a rich table."""
    from rich.table import Table

    table = Table(
        title=f"{task}: {summary.n} samples, coverage {summary.coverage:.3f}, precision {summary.precision:.3f}, "
        f"accuracy {summary.accuracy:.3f} (abstentions counted wrong)"
    )
    for name in ("rule", "label"):
        table.add_column(name, overflow="fold")
    for name in ("support", "correct", "incorrect", "precision", "95%", "recall", "coverage", "overlaps", "conflicts"):
        table.add_column(name, justify="right")
    for row in summary.rows:
        low, high = row.interval95
        table.add_row(
            row.id,
            row.label,
            *(str(x) for x in (row.support, row.correct, row.incorrect)),
            f"{row.precision:.3f}",
            f"{low:.2f}–{high:.2f}",
            f"{row.recall:.3f}",
            f"{row.coverage:.3f}",
            *(str(x) for x in (row.overlaps, row.conflicts)),
        )
    return table
