"""Rules, samples and counts as lines and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import category

from kdsl.rules.groups import CLOSE, OPEN
from kdsl.rules.rule import Rule

if TYPE_CHECKING:
    from rich.table import Table

    from kdsl.rules.book import RuleBook
    from kdsl.rules.collection import Entry
    from kdsl.rules.explain import Explanation, RuleSamples
    from kdsl.rules.reading import Reading, RuleReading
    from kdsl.rules.testing import BookTest

MOST_SAMPLES = 10
"""Samples of one kind that `show` prints; JSON has all."""
TABLE_WIDTH = 72
"""Columns that `test_table` needs; labels are folded to fit."""
MOST_FOUND = 3
"""Lines or turns that are printed for one literal; JSON has all."""


def list_lines(entries: Iterable[Entry]) -> list[str]:
    """Lines per rule: its id, label, weight and statistics; its condition; and the words of each group in that."""
    lines = []
    for entry in entries:
        lines.append(f"{entry.task}/{entry.rule.id}  {entry.rule.label}  {_brief(entry.rule)}")
        lines.append(f"    if {entry.rule.when}")
        lines += [f"    {line}" for line in _group_lines(entry.rule)]
    return lines


def silent_lines(books: Iterable[RuleBook], label: str | None = None) -> list[str]:
    """One line per label (or for this one) without a rule of which the book says why."""
    return [
        f"{book.task}: no rule for {name}: {reason}"
        for book in books
        for name, reason in book.without_rules.items()
        if label in (None, name) and not any(rule.label == name for rule in book.rules)
    ]


def list_table(entries: Iterable[Entry]) -> Table:
    """One row per rule; no column of statistics where no rule has any."""
    entries = list(entries)
    known = any(entry.rule.stats is not None for entry in entries)
    table = _table(("rule", "if"), ("weight", *(("prec.", "95%", "n") if known else ())), ("origin",))
    for entry in entries:
        rule, stats = entry.rule, entry.rule.stats
        cells = [f"{rule.weight:g}"]
        if known:
            cells += [f"{stats.precision:.2f}", _interval(stats.interval95), str(stats.support)] if stats else [""] * 3
        origin = rule.origin.how + ("" if rule.enabled else ", disabled")
        named = f"{harmless(entry.task)}/{rule.id}\n{harmless(rule.label)}"
        condition = "\n".join(harmless(line) for line in (str(rule.when), *_group_lines(rule)))
        table.add_row(named, condition, *cells, origin)
    return table


def _brief(rule: Rule) -> str:
    parts = [f"weight {rule.weight:g}", rule.origin.how]
    if rule.stats is not None:
        low, high = rule.stats.interval95
        parts.append(f"precision {rule.stats.precision:.2f} [{low:.2f}, {high:.2f}] on {rule.stats.support}")
    if not rule.enabled:
        parts.append("disabled")
    return ", ".join(parts)


def _group_lines(rule: Rule) -> list[str]:
    """The words of each group that a rule names."""
    return [f"{OPEN}{group.name}{CLOSE}: {', '.join(group.words)}" for group in dict.fromkeys(rule.when.groups)]


def rule_lines(entry: Entry) -> list[str]:
    """All details of one rule, line by line."""
    rule = entry.rule
    lines = [f"{entry.task}/{rule.id}", f"  label    {rule.label}", f"  weight   {rule.weight:g}"]
    for part in ("all", "any", "none"):
        for number, literal in enumerate(getattr(rule.when, part)):
            lines.append(f"  {part if number == 0 else '':8s} {literal}")
    for number, group in enumerate(_group_lines(rule)):
        lines.append(f"  {'groups' if number == 0 else '':8s} {group}")
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
    seed = None if origin.seed is None else f"seed {origin.seed}"
    made = ", ".join(str(x) for x in (origin.how, origin.model, seed) if x)
    return [*lines, f"  origin   {made}", f"  enabled  {'yes' if rule.enabled else 'no'}"]


def sample_lines(samples: RuleSamples) -> list[str]:
    """The samples on which a rule is right and wrong, each with what the rule found in it."""
    lines = [
        f"  on {samples.n} labelled samples: right on {len(samples.right)}, wrong on {len(samples.wrong)}; "
        f"does not fire on {len(samples.missed)} of its label"
    ]
    for title, group in (("wrong", samples.wrong), ("right", samples.right)):
        for sample in group[:MOST_SAMPLES]:
            lines.append(f"  {title}    {sample.id}  {sample.label}")
            lines += [f"           {line}" for line in _evidence(sample.reading)]
        if len(group) > MOST_SAMPLES:
            lines.append(f"  and {len(group) - MOST_SAMPLES} more on which it is {title}; JSON lists all")
    return lines


def explanation_lines(found: Explanation) -> list[str]:
    """What the rules of a book make of a sample."""
    said = "no rule fires: the book abstains"
    if found.predicted is not None:
        said = f"the book alone says {found.predicted} ({found.probability:.2f})"
    lines = [f"{found.id}  {found.task}: {said}" + (f"; its label is {found.label}" if found.label else "")]
    for reading in found.fired:
        lines.append(f"  fires    {reading.id}  {reading.label}, weight {reading.weight:g}")
        lines += [f"           {line}" for line in _evidence(reading)]
    for reading in found.nearly:
        lines.append(f"  nearly   {reading.id}  {reading.label}, weight {reading.weight:g}")
        lines += [f"           {line}" for line in _failures(reading)]
    return lines


def _evidence(reading: RuleReading) -> Iterator[str]:
    """The literals that hold, each with the texts in which it was found."""
    for one in reading.readings:
        if one.holds and one.part != "none":
            yield one.literal
            yield from _found(one)


def _failures(reading: RuleReading) -> Iterator[str]:
    """The condition on which a rule failed, with the texts that stood against it."""
    for one in reading.failed:
        yield f"{'held, and must not: ' if one.part == 'none' else 'failed: '}{one.literal}"
        yield from _found(one)


def _found(reading: Reading) -> Iterator[str]:
    for found in reading.found[:MOST_FOUND]:
        yield f"  {found.where}: {found.marked}"
    if len(reading.found) > MOST_FOUND:
        yield f"  and {len(reading.found) - MOST_FOUND} more"


def test_lines(test: BookTest) -> list[str]:
    """The figures of the whole book."""
    lines = [
        f"{test.task}: {test.n} samples, coverage {test.coverage:.3f}, precision {test.precision:.3f}, accuracy "
        f"{test.accuracy:.3f} (abstentions counted wrong), F1 alone {test.f1:.3f}"
    ]
    if test.f1_ensemble is not None:
        lines.append(f"F1 of the bundle {test.f1_ensemble:.3f}, without its rules {test.f1_without:.3f}")
        lines.append(f"({test.note})")
    return lines


def test_table(test: BookTest) -> Table:
    """One row per rule, `TABLE_WIDTH` columns wide or more; JSON has all counts."""
    ensemble = test.f1_ensemble is not None
    heads = ("right", "prec.", "95%", "recall", "overlap", "conflict", *(("fidelity",) if ensemble else ()))
    table = _table(("rule", "label"), heads)
    for row in test.rules:
        cells = [f"{row.correct}/{row.support}"]
        cells += [f"{row.precision:.2f}", _interval(row.interval95)] if row.support else ["", ""]
        cells += [f"{row.recall:.2f}", str(row.overlaps), str(row.conflicts)]
        if ensemble:
            cells.append("" if row.fidelity is None else f"{row.fidelity:.2f}")
        table.add_row(row.id, harmless(row.label), *cells)
    return table


def test_row_lines(test: BookTest) -> list[str]:
    """The rows of `test_table` for a terminal that is too narrow for it: two lines per rule."""
    lines = []
    for row in test.rules:
        low, high = row.interval95
        known = f", precision {row.precision:.2f} [{low:.2f}, {high:.2f}]" if row.support else ""
        known += "" if row.fidelity is None else f", fidelity {row.fidelity:.2f}"
        lines += [
            f"{row.id}  {row.label}",
            f"    right {row.correct}/{row.support}{known}, recall {row.recall:.2f}, overlap {row.overlaps}, "
            f"conflict {row.conflicts}",
        ]
    return lines


def as_json(value: Any) -> str:
    """One document of JSON. Values with `to_json` are asked for it; so are those in lists and mappings."""
    import json

    return json.dumps(_plain(value), ensure_ascii=False, indent=1)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return _plain(value.to_json())
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _table(texts: Sequence[str], numbers: Sequence[str], more: Sequence[str] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for name in texts:
        table.add_column(name, overflow="fold", min_width=8)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in more:
        table.add_column(name, overflow="fold")
    return table


def harmless(text: str) -> str:
    """A text with a mark in place of characters by which it could steer the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(letter) == "Cc" else letter for letter in text)


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}"
