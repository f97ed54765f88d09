"""`listed`: the rules of some books, filtered and sorted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from kdsl.errors import InputError, did_you_mean
from kdsl.rules.book import RuleBook
from kdsl.rules.rule import Rule

How = Literal["mined", "hand", "edited"]
SortKey = Literal["id", "label", "precision", "support", "weight"]


@dataclass(frozen=True)
class Entry:
    """A rule, and the task of its book."""

    task: str
    rule: Rule

    def to_json(self) -> dict[str, Any]:
        """Plain values: those of the rule's file, besides the task, the whole sentence and the words of its groups."""
        raw = self.rule.model_dump(mode="json")
        groups = {group.name: list(group.words) for group in self.rule.when.groups}
        return {"task": self.task, "id": raw.pop("id"), "sentence": self.rule.text, **raw, "groups": groups}


def listed(
    books: Iterable[RuleBook],
    label: str | None = None,
    origin: How | None = None,
    min_precision: float = 0.0,
    min_support: int = 0,
    sort: SortKey | None = None,
) -> list[Entry]:
    """The rules of the books, in the order of their files unless `sort` is given.

    Args:
        label: rules for this label only.
        origin: rules that were made in this way only.
        min_precision: rules whose precision, in the statistics of their file, is at least this; a rule without
            statistics has none. Likewise `min_support`.
        sort: by text from the beginning, by numbers from the largest; rules without statistics last.

    Raises:
        InputError: no book has the label.
    """
    books = list(books)
    known = [name for book in books for name in book.labels]
    if label is not None and label not in known:
        hint = did_you_mean(label, known) or f" There are: {', '.join(known)}."
        raise InputError(f"no label is called '{label}'.{hint}")
    entries = [
        Entry(book.task, rule)
        for book in books
        for rule in book.rules
        if label in (None, rule.label)
        and origin in (None, rule.origin.how)
        and _statistic(rule, "precision") >= min_precision
        and _statistic(rule, "support") >= min_support
    ]
    if sort in ("id", "label"):
        return sorted(entries, key=lambda entry: str(getattr(entry.rule, sort)))
    if sort == "weight":
        return sorted(entries, key=lambda entry: -entry.rule.weight)
    if sort == "precision" or sort == "support":
        return sorted(entries, key=lambda entry: (entry.rule.stats is None, -_statistic(entry.rule, sort)))
    return entries


def _statistic(rule: Rule, name: Literal["precision", "support"]) -> float:
    return 0.0 if rule.stats is None else float(getattr(rule.stats, name))
