"""Differences between rule books as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kdsl.rules.reading import PARTS
from kdsl.rules.rule import Rule

if TYPE_CHECKING:
    from kdsl.rules.change import Change
    from kdsl.rules.compare import Changed, Difference, Merged
    from kdsl.rules.effect import Moved
    from kdsl.rules.history import Version
    from kdsl.rules.lint import Finding

MOST_SAMPLES = 12
"""Samples of one kind that are printed; JSON has all."""


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
        if lines and change.name not in PARTS:  # words of a group, or labels
            yield f"    {sign} {change.name}: {', '.join(lines)}"
            continue
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


def change_lines(change: Change) -> list[str]:
    """What a change does to the book, and its effect on the samples."""
    lines = difference_lines(change.difference)
    for effect in change.effects:
        difference, low, high = map(_signed, (effect.difference, *effect.interval95))
        lines.append(
            f"F1 of {effect.of} on {effect.n} samples: {effect.f1_before:.3f} -> {effect.f1_after:.3f}, "
            f"{difference} [{low}, {high}]"
        )
        for what, samples in (("mends", effect.mended), ("breaks", effect.broken)):
            lines.append(f"  {what} {len(samples)}")
            lines += [f"    {line}" for line in _moved_lines(samples)]
        if effect.note:
            lines.append(f"  ({effect.note})")
    if change.book_before is None:
        lines.append("effect not measured: the book has faults as it is")
    elif not change.effects:
        lines.append("effect not measured: no labelled samples of the task were given")
        lines += [f"  ({change.note})"] if change.note else []
    return lines + [f"look at this: {line}" for line in finding_lines(change.findings)]


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # without a sign before zero but '+'


def _moved_lines(samples: Sequence[Moved]) -> Iterator[str]:
    for one in samples[:MOST_SAMPLES]:
        before, after = (label or "(abstains)" for label in (one.before, one.after))
        yield f"{one.id}  {one.label}: {before} -> {after}  {one.said}"
    if len(samples) > MOST_SAMPLES:
        yield f"and {len(samples) - MOST_SAMPLES} more; JSON lists all"


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """One line per finding: its kind, the rules that it is about, and the sentence."""
    return [f"{one.kind}  {', '.join(one.rules)}{': ' if one.rules else ''}{one.sentence}" for one in findings]


def history_lines(versions: Sequence[Version]) -> list[str]:
    """One line per version of a book's file, the first one first, and the rules that it changed."""
    lines = []
    for version in versions:
        to = f" to version {version.to}" if version.to is not None else ""
        reason = f": {version.reason}" if version.reason else ""
        lines.append(f"{version.number:3d}  {version.time}  {version.command}{to}{reason}")
        for id in dict.fromkeys((*version.before, *version.after)):
            sign = "-" if id not in version.after else "+" if id not in version.before else "~"
            lines.append(f"       {sign} {id}")
    return lines or ["no change was made by a command yet"]
