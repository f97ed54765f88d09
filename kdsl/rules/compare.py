"""`difference` of two rule books, and `merged`: one book with the rules of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kdsl.errors import InputError
from kdsl.rules.book import RuleBook
from kdsl.rules.book_file import BookFile
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrGroup, RuleLiteral, TurnGroup
from kdsl.rules.reading import PARTS
from kdsl.rules.rule import Rule, When


@dataclass(frozen=True)
class Changed:
    """What differs, in the order (before, after); or what was added to a list and removed from it."""

    name: str
    before: Any = None
    after: Any = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleChange:
    """A rule that both books have. `id_before` differs from `id` if it is the same rule under another id."""

    id: str
    id_before: str
    label: str
    changes: tuple[Changed, ...]


@dataclass(frozen=True)
class Difference:
    """What turns one book into another. Statistics do not count: they are measured, not said.

    A rule is the same if it has the same label and condition, or the same id and label. `others` are the task, labels
    and biases that differ, and the groups.
    """

    added: tuple[Rule, ...]
    removed: tuple[Rule, ...]
    changed: tuple[RuleChange, ...]
    others: tuple[Changed, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.others)

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return {
            "added": [rule.model_dump(mode="json") for rule in self.added],
            "removed": [rule.model_dump(mode="json") for rule in self.removed],
            "changed": [asdict(change) for change in self.changed],
            "others": [asdict(change) for change in self.others],
        }


def difference(before: RuleBook, after: RuleBook) -> Difference:
    """What turns the book `before` into `after`."""
    pairs = _pairs(before.rules, after.rules)
    paired = {old.id for old, _ in pairs}, {new.id for _, new in pairs}
    changes = [RuleChange(new.id, old.id, new.label, tuple(_changes(old, new))) for old, new in pairs]
    return Difference(
        added=tuple(rule for rule in after.rules if rule.id not in paired[1]),
        removed=tuple(rule for rule in before.rules if rule.id not in paired[0]),
        changed=tuple(change for change in changes if change.changes or change.id != change.id_before),
        others=tuple(_others(before, after)),
    )


def _pairs(before: Sequence[Rule], after: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """Rules of both that are the same: first those that say the same, then those with the same id and label."""
    left = {rule.id: rule for rule in before}
    right = {rule.id: rule for rule in after}
    pairs = []

    def pair(old: Rule, new: Rule) -> None:
        pairs.append((left.pop(old.id), right.pop(new.id)))

    for id, old in list(left.items()):
        if id in right and old.says == right[id].says:
            pair(old, right[id])
    said = {rule.says: rule for rule in reversed(right.values())}
    for old in list(left.values()):
        if (new := said.pop(old.says, None)) is not None:
            pair(old, new)
    for id, old in list(left.items()):
        if id in right and right[id].label == old.label:
            pair(old, right[id])
    order = {rule.id: place for place, rule in enumerate(after)}
    return sorted(pairs, key=lambda pair: order[pair[1].id])


def _changes(old: Rule, new: Rule) -> list[Changed]:
    found = [
        Changed(name, before, after)
        for name, before, after in (
            ("weight", old.weight, new.weight),
            ("enabled", old.enabled, new.enabled),
            ("origin", old.origin.how, new.origin.how),
        )
        if before != after
    ]
    for part in PARTS:
        lines = [[str(literal) for literal in getattr(rule.when, part)] for rule in (old, new)]
        found += _listed(part, *lines)
    return found


def _listed(name: str, old: Sequence[str], new: Sequence[str]) -> list[Changed]:
    added = tuple(line for line in new if line not in old)
    removed = tuple(line for line in old if line not in new)
    return [Changed(name, added=added, removed=removed)] if added or removed else []


def _others(before: RuleBook, after: RuleBook) -> list[Changed]:
    found = [] if before.task == after.task else [Changed("task", before.task, after.task)]
    found += _listed("labels", before.labels, after.labels)
    for label in dict.fromkeys((*before.bias, *after.bias)):
        biases = before.bias.get(label, 0.0), after.bias.get(label, 0.0)
        found += [] if biases[0] == biases[1] else [Changed(f"bias of {label}", *biases)]
    for name in dict.fromkeys((*before.groups, *after.groups)):
        found += _listed(f"group {name}", before.groups.get(name, ()), after.groups.get(name, ()))
    return found


@dataclass(frozen=True)
class Merged:
    """One book with the rules of two, and a sentence about each conflict between them."""

    book: RuleBook
    added: tuple[str, ...]
    """Ids, in the merged book, of the rules that the second book brought."""
    conflicts: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values: what was added, and the conflicts; the book is written to a file."""
        return {"rules": len(self.book.rules), "added": list(self.added), "conflicts": list(self.conflicts)}


def merged(first: RuleBook, second: RuleBook) -> Merged:
    """The first book with the second one's rules added. No rule is dropped but one that the first book has too.

    Where both say something different about the same thing (a rule's weight, whether it is enabled, a label's bias),
    the first book's is kept. Where they use one name for two things (a rule's id, a group's name), the second book's
    gets a new name. Both are conflicts, and so are two rules with one condition and different labels.

    Raises:
        InputError: the books have different labels.
    """
    if set(first.labels) != set(second.labels):
        odd = ", ".join(sorted(set(first.labels) ^ set(second.labels)))
        raise InputError(f"the books have different labels ({odd}); only books of the same labels can be merged.")
    conflicts = []
    if first.task != second.task:
        conflicts.append(f"the first book is of task '{first.task}', the second of '{second.task}': the first is kept")
    bias = dict(first.bias)
    for label, value in second.bias.items():
        if bias.setdefault(label, value) != value:
            conflicts.append(f"bias of {label}: {bias[label]:g} is kept, {value:g} left out")
    renamed = _new_names(first.groups, second.groups)
    conflicts += [
        f"group '{name}' has other words in the second book: these are now group '{new}'"
        for name, new in renamed.items()
    ]
    rules = {rule.id: rule for rule in first.rules}
    saying: dict[tuple[Any, ...], list[Rule]] = defaultdict(list)  # condition -> the rules of that
    for rule in first.rules:
        saying[_said(rule)].append(rule)
    added = []
    for rule in second.rules:
        own = rule.model_copy(update={"when": _with_names(rule.when, renamed)})
        alike = saying[_said(own)]
        same = next((one for one in alike if one.label == own.label), None)
        if same is not None:
            conflicts += _kept(same, own)
            continue
        conflicts += [
            f"'{one.id}' says {one.label}, '{own.id}' says {own.label} on the same condition: both are kept"
            for one in alike
        ]
        if (id := _free(own.id, rules)) != own.id:
            conflicts.append(f"both books have a rule '{own.id}', and they differ: the second one's is now '{id}'")
        rules[id] = own.model_copy(update={"id": id})
        alike.append(rules[id])
        added.append(id)
    groups = {**first.groups, **{renamed.get(name, name): words for name, words in second.groups.items()}}
    book = RuleBook(**{**dict(first), "bias": bias, "groups": groups, "rules": tuple(rules.values())})
    return Merged(book, tuple(added), tuple(conflicts))


def merge_files(first: Path, second: Path, out: Path) -> Merged:
    """Write the merge of two books to a new file, in which the first one's comments stay.

    Raises:
        InputError: there is a file already, or the books have different labels.
        ConfigError: a book has faults.
    """
    if out.exists():
        raise InputError(f"{out} is there already; name a new file as `out`.")
    file = BookFile.load(first)
    found = merged(file.book, RuleBook.load(second))
    file.update(found.book)
    BookFile(out, file.text).save()
    return replace(found, book=file.book)


def _said(rule: Rule) -> tuple[Any, ...]:
    """A rule's condition; two groups of one name and different words say different things."""
    return tuple(frozenset(getattr(rule.when, part)) for part in PARTS)


def _kept(first: Rule, second: Rule) -> list[str]:
    """What the second of two rules that say the same has otherwise."""
    pairs = (
        ("weight", f"{first.weight:g}", f"{second.weight:g}"),
        ("enabled", *("yes" if rule.enabled else "no" for rule in (first, second))),
        ("id", first.id, second.id),
    )
    return [f"'{first.id}': {name} {a} is kept, {b} left out" for name, a, b in pairs if a != b]


def _new_names(first: Mapping[str, Sequence[str]], second: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Names for the second book's groups whose name the first uses for other words: that of the first book's group of
    these words, such as an earlier merge of the same book made, or else a new one."""
    taken = {*first, *second}
    of_words = {tuple(words): name for name, words in first.items()}
    renamed = {}
    for name, words in second.items():
        if name in first and tuple(first[name]) != tuple(words):
            renamed[name] = of_words.get(tuple(words)) or _free(name, taken)
            taken.add(renamed[name])
    return renamed


def _with_names(when: When, renamed: Mapping[str, str]) -> When:
    def named(literal: RuleLiteral) -> RuleLiteral:
        if isinstance(literal, OcrGroup | TurnGroup) and literal.group.name in renamed:
            return replace(literal, group=WordGroup(renamed[literal.group.name], literal.group.words))
        return literal

    return When(**{part: tuple(map(named, getattr(when, part))) for part in PARTS})


def _free(name: str, taken: Container[str]) -> str:
    """The name, or the first of name-2, name-3, ... that is not taken."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
