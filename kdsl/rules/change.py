"""`Change`: one change of a rule book's file with its effect; it is written when it is saved."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kdsl.errors import ConfigError, InputError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook, shipped_books
from kdsl.rules.book_file import BookFile
from kdsl.rules.compare import Difference, difference
from kdsl.rules.effect import Effect, effects
from kdsl.rules.history import OUTSIDE, UNDO, History, Version
from kdsl.rules.lint import Finding, lint
from kdsl.rules.testing import Ensemble, labelled_for
from kdsl.runs import sole_writer
from kdsl.yaml_files import read_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """A change of one book that is not saved yet.

    `before` is the text of the file as it was read, which an undo may find with faults: then all that it brings back is
    new, and no effect can be measured. `to` is the version that an undo goes back to.
    """

    file: BookFile
    before: str
    command: str
    reason: str
    effects: tuple[Effect, ...] = ()
    note: str = ""
    """What the bundle says of the change where no effect was measured: such as that its rules have no vote."""
    to: int | None = None
    saved: Callable[[], None] = lambda: None
    """Called after the change was written."""

    @property
    def difference(self) -> Difference:
        """What the change does to the book."""
        return difference(self.book_before or self.file.book.with_rules(()), self.file.book)

    @cached_property
    def book_before(self) -> RuleBook | None:
        """The book as it was; None where it had faults."""
        try:
            return RuleBook.parse(self.before, self.file.path)
        except ConfigError:
            return None

    @property
    def findings(self) -> list[Finding]:
        """What `kdsl.rules.lint` finds in the changed book and not in the one before."""
        known = {(one.kind, one.rules, one.sentence) for one in lint(self.book_before or self.file.book)}
        return [one for one in lint(self.file.book) if (one.kind, one.rules, one.sentence) not in known]

    def save(self) -> Version:
        """Write the book, and record the version in its history.

        Raises:
            InputError: another command is writing there, the file was changed since it was read, or it cannot be
                written.
        """
        path = self.file.path
        with sole_writer(path):
            self.file.check()  # first: what was read, and is no more, is not recorded as what was found
            history = History(path)
            found = history.record_file(self.before)
            if found is not None and found.command == OUTSIDE:
                log.info(
                    "%s was changed by other means since its last change; that is version %d now", path, found.number
                )
            self.file.save()
            version = history.record(self.file.text, self.command, self.reason, self.to)
        self.saved()
        return version

    def to_json(self) -> dict[str, Any]:
        """Plain values: what the change does, its effect, and what lint finds in it."""
        return {
            "task": self.file.book.task,
            "command": self.command,
            "reason": self.reason,
            "difference": self.difference.to_json(),
            "effects": [effect.to_json() for effect in self.effects],
            "note": self.note,
            "findings": [finding.to_json() for finding in self.findings],
        }


def open_file(path: Path) -> BookFile:
    """A book's file, for changes.

    Raises:
        InputError: it is one that ships with kdsl.
        ConfigError: it cannot be read, or has faults.
    """
    _check_own(path)
    return BookFile.load(path)


def _check_own(path: Path) -> None:
    if path.resolve() in [book.resolve() for book in shipped_books().values()]:
        raise InputError(
            f"the books that ship with kdsl are part of the package; copy one (`cp {path} {path.name}`), change the "
            "copy, and give it as `book`."
        )


def changed(file: BookFile, make: Callable[[BookFile], None], command: str, reason: str) -> Change:
    """The change that `make` makes of a file that was just read."""
    before = file.text
    make(file)
    return Change(file, before, command, reason)


def measured(
    change: Change, evidences: Sequence[Evidence], ensemble: Callable[[str, Sequence[Evidence]], Ensemble] | None
) -> Change:
    """A change with its effect on those of the samples that are of its task and have a label, or with a note."""
    before, after = change.book_before, change.file.book
    if before is None:
        return change
    labelled = labelled_for(before, evidences)
    bundle = ensemble(before.task, labelled) if ensemble else None
    if not labelled:
        return replace(change, note=bundle.note if bundle else "")
    return replace(change, effects=tuple(effects(before, after, labelled, bundle)))


def undo(path: Path, number: int | None, reason: str, hand_edits: bool) -> Change:
    """Go back to the version that the present one of a book's file was made of, or to that with a number.

    The file as it is may have faults.

    Raises:
        InputError: the book ships with kdsl, or there is no such version; or the file was changed by other means since
            its last change, which an undo would take back, and `hand_edits` is not set.
        ConfigError: the file cannot be read, or that version has faults.
    """
    _check_own(path)
    before, history = read_text(path, "a rule book"), History(path)
    outside = history.changed_outside(before)
    if outside and not hand_edits:
        raise InputError(
            f"{path} was changed by an editor, or mined again, since its last change by a command:\n"
            f"{_edits(history, before)}\n"
            "An undo would take that back. Give `hand_edits` to do so; it stays in the history."
        )
    target = history.now if outside and number is None else history.target(number)
    assert target is not None
    RuleBook.parse(target.text, f"{path} in version {target.number} of its history")
    return Change(BookFile(path, target.text, before), before, UNDO, reason, to=target.number)


def _edits(history: History, text: str) -> str:
    """The lines that were changed by other means, the first few."""
    old = history.now.text if history.now else text
    lines = difflib.unified_diff(old.splitlines(), text.splitlines(), "recorded", "as it is", n=0, lineterm="")
    some = list(lines)[2:14]
    return "\n".join(f"  {line}" for line in some)
