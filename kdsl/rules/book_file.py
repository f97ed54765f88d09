"""`BookFile`: a rule book in its file, changed so that all that people wrote around the changes stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from kdsl.errors import ConfigError, InputError, did_you_mean
from kdsl.files import atomic_write
from kdsl.rules.book import RuleBook
from kdsl.rules.groups import WordGroup
from kdsl.rules.rule import Rule
from kdsl.rules.yaml_text import CannotEdit, Splice, YamlText
from kdsl.words import normalise
from kdsl.yaml_files import read_text


class BookFile:
    """A rule book, its file, and the text that the file will have after `save`.

    A change touches only the lines of what it changes: the comments, order, quotes and blank lines of all else stay,
    and within a changed rule its comments. A comment directly above a rule goes with it when it is removed.

    `book` is the book with all changes so far. Every change raises `CannotEdit`, and changes nothing, if the file is
    written in a way that the change cannot be made in, such as a book all in one line.

    Args:
        text: what the file will hold.
        saved: what it holds now, if that is another text; it may have faults.

    Raises:
        ConfigError: `text` has faults.
    """

    def __init__(self, path: Path, text: str, saved: str | None = None) -> None:
        self.path = path
        self.text, self._saved = text, text if saved is None else saved
        self.book = RuleBook.parse(text, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a book for changes.

        Raises:
            ConfigError: the file cannot be read, or has faults.
        """
        return cls(Path(path), read_text(Path(path), "a rule book"))

    def add(self, rule: Rule) -> None:
        """Add a rule, after those for its label that stand before it by id.

        Raises:
            InputError: there is a rule with this id, its label is not one of the book's, or it names a group that has
                other words in the book.
        """
        if rule.id in self._ids():
            raise InputError(f"{self.path} has a rule '{rule.id}' already; give the new one another id")
        self.update(self.book.with_rules([*self.book.rules, rule]))

    def replace(self, rule: Rule) -> None:
        """Put a rule in the place of the one with its id.

        Raises:
            InputError: no rule has this id; else as for `add`.
        """
        self._find(rule.id)
        self.update(self.book.with_rules(rule if old.id == rule.id else old for old in self.book.rules))

    def remove(self, id: str) -> Rule:
        """Remove a rule, and return it.

        Raises:
            InputError: no rule has this id.
        """
        found = self._find(id)
        self.update(self.book.with_rules(rule for rule in self.book.rules if rule.id != id))
        return found

    def set_group(self, name: str, words: Iterable[str]) -> None:
        """Add a group, or give a group other words: all rules that name it then have them.

        Raises:
            InputError: a word is empty or stands twice, or there is none.
        """
        try:
            group = WordGroup(name, tuple(words))
        except ValueError as error:
            raise InputError(str(error)) from None
        self.update(self.book.with_groups({**self.book.groups, group.name: group.words}))

    def remove_group(self, name: str) -> None:
        """Remove a group that no rule names.

        Raises:
            InputError: there is no such group, or a rule names it.
        """
        clean = normalise(name)
        if clean not in self.book.groups:
            raise InputError(f"{self.path}: no group is called '{clean}'.{did_you_mean(clean, self.book.groups)}")
        users = [rule.id for rule in self.book.rules if clean in {group.name for group in rule.when.groups}]
        if users:
            raise InputError(f"{self.path}: group '{clean}' is named by these rules: {', '.join(users)}")
        self.update(self.book.with_groups({key: words for key, words in self.book.groups.items() if key != clean}))

    def update(self, book: RuleBook) -> None:
        """Make all changes that turn this book into another one of the same task and labels.

        Rules that both have stay in the order of this file, new ones come to stand among those for their label.

        Raises:
            InputError: the other book has another task or other labels.
        """
        if (book.task, book.labels) != (self.book.task, self.book.labels):
            raise InputError(f"{self.path}: a book of task '{book.task}' with its labels cannot take this one's place")
        target = book.with_rules(_merged_order(self.book.rules, book.rules, book.labels))
        try:
            opened = _opened(self.text, self.book, target)
            text = opened.spliced(_splices(opened, self.book, target))
            if RuleBook.parse(text, self.path) != target:
                raise CannotEdit("it would not say the same afterwards")
        except (CannotEdit, ConfigError) as error:
            raise CannotEdit(
                f"{self.path}: this change cannot be made in the file as it is written: {error}. Nothing was changed. "
                "Make the change by hand, or let `RuleBook.load(path).save(path)` write the file anew, without its "
                "comments."
            ) from error
        self.text, self.book = text, target

    def rewrite(self, book: RuleBook) -> None:
        """Put a book with other labels in the place of this one: the whole text becomes new, without its comments."""
        self.text, self.book = book.text(), book

    def save(self) -> None:
        """Write the changes to the file; the write is atomic.

        Raises:
            InputError: the file has been changed by somebody else since it was read, or cannot be written.
        """
        self.check()
        atomic_write(self.path, self.text)
        self._saved = self.text

    def check(self) -> None:
        """Refuse to go on where the file has been changed by somebody else since it was read.

        Raises:
            InputError: it has.
        """
        if self.path.exists() and read_text(self.path, "a rule book") != self._saved:
            raise InputError(
                f"{self.path} was changed by somebody else since it was read; nothing was written. Try again."
            )

    def _ids(self) -> list[str]:
        return [rule.id for rule in self.book.rules]

    def _find(self, id: str) -> Rule:
        found = next((rule for rule in self.book.rules if rule.id == id), None)
        if found is None:
            raise InputError(f"{self.path}: no rule is called '{id}'.{did_you_mean(id, self._ids())}")
        return found


def _merged_order(now: Sequence[Rule], then: Sequence[Rule], labels: Sequence[str]) -> list[Rule]:
    """The rules of `then`, those that `now` has too in its order, the others among the rules for their label."""
    wanted = {rule.id: rule for rule in then}
    order = [wanted.pop(rule.id) for rule in now if rule.id in wanted]
    for rule in sorted(wanted.values(), key=lambda one: one.id):
        alike = [i for i, other in enumerate(order) if other.label == rule.label]
        later = [i for i in alike if order[i].id > rule.id]
        if not alike:
            later = [i for i, other in enumerate(order) if labels.index(other.label) > labels.index(rule.label)]
        order.insert(later[0] if later else (alike[-1] + 1 if alike else len(order)), rule)
    return order


def _opened(text: str, old: RuleBook, new: RuleBook) -> YamlText:
    """The text, with one rule or group per line where they stand in brackets and some of them change."""
    yaml_text = YamlText(text)
    changing = (("groups", old.groups != new.groups), ("rules", old.rules != new.rules))
    splices = [yaml_text.unbracketed(key) for key, changes in changing if changes and yaml_text.in_brackets(key)]
    return YamlText(yaml_text.spliced(splices)) if splices else yaml_text


def _splices(text: YamlText, old: RuleBook, new: RuleBook) -> Iterator[Splice]:
    """The changes to the text of a book that make another book of it."""
    before, after = old.entries(), new.entries()
    for key in dict.fromkeys([*before, *after]):
        was, will = before.get(key, {}), after.get(key, {})
        if key not in ("task", "labels", "groups", "rules") and was != will:
            yield _whole(text, key, was, will, ("groups", "rules")) if will else text.remove((key,))
    if old.groups != new.groups:
        yield from _group_splices(text, old.groups, new.groups)
    places = {rule.id: place for place, rule in enumerate(old.rules)}
    kept = [places[rule.id] for rule in new.rules if rule.id in places]
    if not kept and old.rules != new.rules:
        yield _whole(text, "rules", before["rules"], after["rules"], ())
        return
    for place in set(places.values()) - set(kept):
        yield text.remove(("rules", place))
    for rule in new.rules:
        if rule.id not in places:
            yield text.insert(("rules", len(places)), rule.entry(), kept[0] if kept else None)
            continue
        place = kept.pop(0)
        if old.rules[place] != rule:
            yield text.change(("rules", place), old.rules[place].entry(), rule.entry())


def _group_splices(
    text: YamlText, old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]
) -> Iterator[Splice]:
    written = {normalise(key): key for key in text.keys("groups")}
    if not new:
        yield text.remove(("groups",))
    elif not old.keys() & new.keys():
        listed = {written[name]: list(words) for name, words in old.items()}
        yield _whole(text, "groups", listed, {name: list(words) for name, words in new.items()}, ("rules",))
    else:
        for name in old.keys() - new.keys():
            yield text.remove(("groups", written[name]))
        for name, words in new.items():
            if name not in old:
                yield text.insert(("groups", name), list(words))
            elif old[name] != words:
                yield text.change(("groups", written[name]), list(old[name]), list(words))


def _whole(text: YamlText, key: str, old: Any, new: Any, before: Sequence[str]) -> Splice:
    """Change all that a key of the root has, or put the key before the first of some other keys."""
    if text.has(key):
        return text.change((key,), old, new)
    return text.insert((key,), new, next((other for other in before if text.has(other)), None))
