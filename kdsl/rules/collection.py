"""`Rules`: the rule books of a file, of a bundle, or those that ship, and what a person does with them.

The commands `kdsl rules` and `Recognizer.rules` are this class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kdsl.errors import InputError, did_you_mean
from kdsl.rules.book import RuleBook, find_rule, shipped_books
from kdsl.rules.rule import Rule

if TYPE_CHECKING:
    from kdsl.evidence.types import Evidence
    from kdsl.rules.explain import Explanation, RuleSamples
    from kdsl.rules.testing import BookTest, Ensemble

How = Literal["mined", "hand", "edited"]
Style = Literal["markdown", "html", "csv", "sql"]
SortKey = Literal["id", "label", "precision", "support", "weight"]


@dataclass(frozen=True)
class Entry:
    """A rule, and the task of its book."""

    task: str
    rule: Rule

    def to_json(self) -> dict[str, Any]:
        """Plain values: those of the rule's file, besides the task and the whole sentence."""
        raw = self.rule.model_dump(mode="json")
        return {"task": self.task, "id": raw.pop("id"), "sentence": self.rule.text, **raw}


class Rules(Mapping[str, RuleBook]):
    """Rule books by their task's name.

    Args:
        files: task's name -> the book's file.
        ensemble: (task's name, labelled samples of it) -> the bundle that the books are in, for these samples.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        ensemble: Callable[[str, Sequence[Evidence]], Ensemble | None] | None = None,
    ) -> None:
        self.files = dict(files)
        self.books = {name: RuleBook.load(file) for name, file in self.files.items()}
        self._ensemble = ensemble

    @classmethod
    def open(cls, book: Path | None = None, bundle: Path | None = None, task: str | None = None) -> Rules:
        """The book in a file, those of a bundle, or (neither is given) those that ship.

        Args:
            task: the book of this task only.

        Raises:
            InputError: both are given, the bundle has no rules, or there is no book for the task.
            ConfigError: a book has faults.
        """
        if book and bundle:
            raise InputError("`book` and `bundle` were both given; give one of them")
        if book:
            rules = cls({RuleBook.load(book).task: book})
        elif bundle:
            rules = cls({file.stem: file for file in sorted((bundle / "rules").glob("*.yaml"))})
        else:
            rules = cls(shipped_books())
        if not rules:
            raise InputError(f"{bundle} holds no rules/*.yaml; is it a bundle that `kdsl fit` made?")
        return rules if task is None else rules.only(task)

    def only(self, task: str) -> Rules:
        """The book of one task.

        Raises:
            InputError: there is none.
        """
        if task not in self.files:
            have = ", ".join(self.files)
            raise InputError(f"no rule book for task '{task}'; there are: {have}.{did_you_mean(task, self.files)}")
        return type(self)({task: self.files[task]}, self._ensemble)

    def __getitem__(self, task: str) -> RuleBook:
        return self.books[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self.books)

    def __len__(self) -> int:
        return len(self.books)

    def find(self, id: str) -> Entry:
        """The rule with an id, or with TASK/ID.

        Raises:
            InputError: there is none, or several books have it.
        """
        book, rule = find_rule(self.books.values(), id)
        return Entry(book.task, rule)

    def list(
        self,
        label: str | None = None,
        origin: How | None = None,
        min_precision: float = 0.0,
        min_support: int = 0,
        sort: SortKey | None = None,
    ) -> list[Entry]:
        """The rules, in the order of their files unless `sort` is given.

        Args:
            label: rules for this label only.
            origin: rules that were made in this way only.
            min_precision: rules whose precision, in the statistics of their file, is at least this; a rule without
                statistics has none. Likewise `min_support`.
            sort: by text from the beginning, by numbers from the largest; rules without statistics last.

        Raises:
            InputError: no book has the label.
        """
        known = [name for book in self.books.values() for name in book.labels]
        if label is not None and label not in known:
            raise InputError(f"no label is called '{label}'.{did_you_mean(label, known)}")
        entries = [
            Entry(book.task, rule)
            for book in self.books.values()
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

    def show(self, id: str, evidences: Sequence[Evidence] = ()) -> tuple[Entry, RuleSamples | None]:
        """A rule, and the samples on which it is right and wrong, where labelled ones are given.

        Raises:
            InputError: there is no such rule, or several books have it.
        """
        entry = self.find(id)
        if not evidences:
            return entry, None
        from kdsl.rules.explain import samples_of

        return entry, samples_of(self[entry.task], entry.rule, evidences)

    def explain(self, evidence: Evidence) -> Explanation:
        """Which rules of its task's book fire on a sample, which nearly do, and on what literal they failed.

        Raises:
            InputError: there is no book for the sample's task.
        """
        from kdsl.rules.explain import explain

        task = evidence.sample.task
        if task not in self.books:
            raise InputError(f"no rule book for task '{task}' of sample {evidence.sample.id}.")
        return explain(self[task], evidence)

    def test(self, evidences: Sequence[Evidence]) -> dict[str, BookTest]:
        """Each book on the labelled samples of its task, if there are any.

        Raises:
            InputError: no sample with a label is of a task that has a book.
        """
        from kdsl.rules.testing import labelled_for, measure_book

        found = {}
        for name, book in self.books.items():
            if labelled := labelled_for(book, evidences):
                found[name] = measure_book(book, labelled, self.ensemble(name, labelled))
        if not found:
            raise InputError(f"no labelled sample is of a task with a rule book; there are: {', '.join(self.books)}.")
        return found

    def export(self, style: Style) -> str:
        """The books as a page, a table, or a query (`kdsl.rules.export`, `kdsl.rules.export_sql`).

        Raises:
            InputError: a query is of one book, and there are several.
        """
        books = list(self.books.values())
        if style == "sql":
            from kdsl.rules.export_sql import to_sql

            if len(books) > 1:
                raise InputError(f"a query is of one book; choose a `task` of: {', '.join(self.books)}.")
            return to_sql(books[0])
        from kdsl.rules import export

        return {"markdown": export.to_markdown, "html": export.to_html, "csv": export.to_csv}[style](books)

    def ensemble(self, task: str, labelled: Sequence[Evidence]) -> Ensemble | None:
        """The bundle for labelled samples of a task; None where the books are in none."""
        return None if self._ensemble is None else self._ensemble(task, labelled)


def _statistic(rule: Rule, name: Literal["precision", "support"]) -> float:
    return 0.0 if rule.stats is None else float(getattr(rule.stats, name))
