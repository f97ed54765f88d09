"""Differences between rule books as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdsl.rules.rule import Rule

if TYPE_CHECKING:
    from kdsl.rules.compare import Changed, Difference, Merged


def difference_lines(found: Difference) -> list[str]:
    """`+` before what was added, `-` before what was removed, `~` before what was changed."""
    lines: list[str] = []
    for sign, rules in (("-", found.removed), ("+", found.added)):
        for rule in rules:
            lines += [f"{sign} {rule.id}  {rule.label}, weight {rule.weight:g}", *_literals(sign, rule)]
    for change in found.changed:
        before = f" (was {change.id_before})" if change.id_before != change.id else ""
        lines.append(f"~ {change.id}{before}  {change.label}")
        lines += [line for one in change.changes for line in _change_lines(one)]
    for one in found.others:
        lines += [f"~ {line.strip()}" for line in _change_lines(one)]
    return lines or ["no difference"]


def _literals(sign: str, rule: Rule) -> Iterator[str]:
    for part in ("all", "any", "none"):
        for literal in getattr(rule.when, part):
            yield f"    {sign} {part}: {literal}"


def _change_lines(change: Changed) -> Iterator[str]:
    for sign, lines in (("-", change.removed), ("+", change.added)):
        for line in lines:
            yield f"    {sign} {change.name}: {line}"
    if not (change.added or change.removed):
        yield f"    {change.name}: {_shown(change.before)} -> {_shown(change.after)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def merged_lines(found: Merged) -> list[str]:
    """What a merge added, and the conflicts that it met."""
    lines = [f"{len(found.book.rules)} rules, {len(found.added)} of them added: {', '.join(found.added) or 'none'}"]
    return lines + [f"conflict: {one}" for one in found.conflicts]
