"""`Rules`: the rule books of a file, of a bundle, or those that ship, and what a person does with them.

The commands `kdsl rules` and `Recognizer.rules` are this class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kdsl.errors import ConfigError, InputError, did_you_mean
from kdsl.rules.book import RuleBook, find_rule, shipped_books
from kdsl.rules.listing import Entry, How, SortKey, listed

if TYPE_CHECKING:
    from kdsl.evidence.types import Evidence
    from kdsl.rules.book_file import BookFile
    from kdsl.rules.change import Change
    from kdsl.rules.edit import Lines
    from kdsl.rules.explain import Explanation, RuleSamples
    from kdsl.rules.history import Version
    from kdsl.rules.lint import Finding
    from kdsl.rules.testing import BookTest, Ensemble


class Rules(Mapping[str, RuleBook]):
    """Rule books by their task's name, each read when it is asked for: `undo` mends one that has faults.

    Args:
        files: task's name -> the book's file.
        ensemble: (task's name, labelled samples of it) -> the bundle that the books are in, for these samples.
        saved: called after a book was written.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        ensemble: Callable[[str, Sequence[Evidence]], Ensemble] | None = None,
        saved: Callable[[], None] = lambda: None,
    ) -> None:
        self.files = dict(files)
        self._ensemble = ensemble
        self._saved = saved

    @classmethod
    def open(cls, book: str | Path | None = None, bundle: str | Path | None = None, task: str | None = None) -> Rules:
        """The book in a file, those of a bundle, or (neither is given) those that ship.

        Args:
            task: the book of this task only.

        Raises:
            InputError: both are given, the bundle has no rules, or there is no book for the task.
            ConfigError: the book in a file has faults, and its history does not say whose it is.
        """
        if book and bundle:
            raise InputError("`book` and `bundle` were both given; give one of them")
        if book:
            rules = cls({_task_of(Path(book)): Path(book)})
        elif bundle:
            rules = cls({file.stem: file for file in sorted((Path(bundle) / "rules").glob("*.yaml"))})
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
        return type(self)({task: self.files[task]}, self._ensemble, self._saved)

    @cached_property
    def books(self) -> dict[str, RuleBook]:
        """The books.

        Raises:
            ConfigError: one has faults.
        """
        return {name: RuleBook.load(file) for name, file in self.files.items()}

    def __repr__(self) -> str:
        return f"<Rules of {', '.join(self.files) or 'no task'}>"  # reads no book: one may have faults

    def __getitem__(self, task: str) -> RuleBook:
        return self.books[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

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
    ) -> Sequence[Entry]:
        """The rules, filtered and sorted; see `kdsl.rules.listing.listed`."""
        return listed(self.books.values(), label, origin, min_precision, min_support, sort)

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
                found[name] = measure_book(book, labelled, self._ensemble and self._ensemble(name, labelled))
        if not found:
            raise InputError(f"no labelled sample is of a task with a rule book; there are: {', '.join(self.books)}.")
        return found

    def lint(self, evidences: Sequence[Evidence] = ()) -> dict[str, Sequence[Finding]]:
        """What in each book does nothing, says the same twice, or speaks against itself; see `kdsl.rules.lint.lint`.

        Args:
            evidences: samples on which rules are compared, too; they need no labels.
        """
        from kdsl.rules.lint import lint

        return {
            name: lint(book, [evidence for evidence in evidences if evidence.sample.task == name])
            for name, book in self.books.items()
        }

    def add(
        self,
        label: str,
        *,
        when: Sequence[str] = (),
        any: Sequence[str] = (),
        none: Sequence[str] = (),
        weight: float | None = None,
        id: str | None = None,
        reason: str = "",
        evidences: Sequence[Evidence] = (),
    ) -> Change:
        """A new rule, not saved yet: `save` of what is returned writes it.

        Args:
            when, any, none: lines of literals: all of `when` hold, one of `any` (if there are any), none of `none`.
            weight: 3 by default.
            id: by default the first of hand-1, hand-2, ... that is free.
            reason: is kept in the history.
            evidences: labelled samples on which the effect is measured.

        Raises:
            InputError: no book, or several, have the label; or the rule cannot be added.
            ConfigError: a line is no literal.
        """
        from kdsl.rules.edit import added

        book = self._with_label(label)
        rule = added(book, label, {"all": when, "any": any, "none": none}, weight, id)
        return self._change(book.task, lambda file: file.add(rule), "add", reason, evidences)

    def edit(
        self,
        id: str,
        *,
        when: Sequence[str] = (),
        any: Sequence[str] = (),
        none: Sequence[str] = (),
        drop: Sequence[str] = (),
        label: str | None = None,
        weight: float | None = None,
        reason: str = "",
        evidences: Sequence[Evidence] = (),
    ) -> Change:
        """A rule with literals added to its parts and others dropped, not saved yet; see `add`.

        Raises:
            InputError: there is no such rule, or it cannot be changed so.
            ConfigError: a line is no literal.
        """
        from kdsl.rules.edit import edited

        entry = self.find(id)
        lines: Lines = {"all": when, "any": any, "none": none}
        rule = edited(self[entry.task], entry.rule, lines, drop, label, weight)
        return self._change(entry.task, lambda file: file.replace(rule), "edit", reason, evidences)

    def disable(self, id: str, *, reason: str = "", evidences: Sequence[Evidence] = ()) -> Change:
        """A rule that never fires, not saved yet; see `add`."""
        return self._switch(id, False, reason, evidences)

    def enable(self, id: str, *, reason: str = "", evidences: Sequence[Evidence] = ()) -> Change:
        """A disabled rule that fires again, not saved yet; see `add`."""
        return self._switch(id, True, reason, evidences)

    def group(
        self,
        name: str,
        *,
        add: Sequence[str] = (),
        drop: Sequence[str] = (),
        reason: str = "",
        evidences: Sequence[Evidence] = (),
    ) -> Change:
        """A word group, or a new one, with words added and others dropped, not saved yet; see the method `add`.

        Raises:
            InputError: there are several books, or the group cannot be changed so.
        """
        from kdsl.rules.edit import regrouped

        task = self._one()
        words = regrouped(self[task], name, add, drop)
        return self._change(task, lambda file: file.set_group(name, words), "group", reason, evidences)

    def undo(
        self,
        to: int | None = None,
        *,
        hand_edits: bool = False,
        reason: str = "",
        evidences: Sequence[Evidence] = (),
    ) -> Change:
        """The file as it was before its last change, not saved yet; see `add`.

        Args:
            to: the number of another version, as `history` lists them.
            hand_edits: take back what an editor, or mining again, changed since the last change, too.

        Raises:
            InputError: there are several books, no such version, or changes by other means that would be taken back.
        """
        from kdsl.rules.change import undo

        return self._measured(undo(self.files[self._one()], to, reason, hand_edits), evidences)

    def history(self) -> Sequence[Version]:
        """The versions that the book's file had, the first one first.

        Raises:
            InputError: there are several books.
        """
        from kdsl.rules.history import History

        return History(self.files[self._one()]).versions

    def _switch(self, id: str, enabled: bool, reason: str, evidences: Sequence[Evidence]) -> Change:
        from kdsl.rules.edit import switched

        entry = self.find(id)
        rule = switched(entry.rule, enabled)
        command = "enable" if enabled else "disable"
        return self._change(entry.task, lambda file: file.replace(rule), command, reason, evidences)

    def _change(
        self,
        task: str,
        make: Callable[[BookFile], None],
        command: str,
        reason: str,
        evidences: Sequence[Evidence],
    ) -> Change:
        from kdsl.rules.change import changed, open_file

        return self._measured(changed(open_file(self.files[task]), make, command, reason), evidences)

    def _measured(self, change: Change, evidences: Sequence[Evidence]) -> Change:
        """A change with its effect on the labelled samples of its task."""
        from kdsl.rules.change import measured

        task, after = change.file.book.task, change.file.book

        def saved() -> None:
            self.books[task] = after
            self._saved()

        return replace(measured(change, evidences, self._ensemble), saved=saved)

    def _one(self) -> str:
        if len(self.files) != 1:
            raise InputError(f"there are several books; choose a `task` of: {', '.join(self.files)}.")
        return next(iter(self.files))

    def _with_label(self, label: str) -> RuleBook:
        """The one book that has a label, or the only one there is."""
        found = [book for book in self.books.values() if label in book.labels]
        return found[0] if len(found) == 1 else self.books[self._one()]


def _task_of(file: Path) -> str:
    """The task of a book; of one with faults, by its history."""
    try:
        return RuleBook.load(file).task
    except ConfigError:
        from kdsl.rules.history import History

        last = History(file).now
        if last is None:
            raise
        return RuleBook.parse(last.text, file).task
