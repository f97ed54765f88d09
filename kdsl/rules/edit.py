"""Changes to a rule book as values: a rule added, edited, disabled or enabled. Nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from pydantic import ValidationError

from kdsl.errors import InputError, did_you_mean, fault_message
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import parse
from kdsl.rules.groups import CLOSE, OPEN, WordGroup
from kdsl.rules.literals import RuleLiteral
from kdsl.rules.reading import PARTS, Part
from kdsl.rules.rule import Origin, Rule, When
from kdsl.words import normalise

Lines = Mapping[Part, Sequence[str]]
"""Part of a condition -> lines of literals."""
_QUOTED = re.compile(r'「(?:[^」]|」」)*」|(speaks of )?(?:"([^"]+)"|[“”]([^“”]+)[“”])')


def literal(line: str, book: RuleBook) -> RuleLiteral:
    """A literal from its line; quotes, plain or “curly”, may stand for 「」, and for 〔〕 after 'speaks of'.

    Raises:
        ConfigError: it is no literal, or names a group that the book does not have.
    """
    groups = {name: WordGroup(name, words) for name, words in book.groups.items()}
    return parse(_QUOTED.sub(_in_brackets, line), groups)


def _in_brackets(found: re.Match[str]) -> str:
    """What stands between quotes, in brackets; a text that has some already keeps the quotes within it."""
    speaks, text = found[1], found[2] or found[3]
    if text is None:
        return found[0]
    return f"{speaks}{OPEN}{text}{CLOSE}" if speaks else f"「{text.replace('」', '」」')}」"


def added(book: RuleBook, label: str, lines: Lines, weight: float | None = None, id: str | None = None) -> Rule:
    """A new rule for a book.

    Args:
        id: by default the first of hand-1, hand-2, ... that is free.

    Raises:
        InputError: the book has no such label, has a rule with this id, or has one that says the same.
        ConfigError: a line is no literal.
    """
    _check_label(label, book)
    _check_lists(*lines.values())
    taken = {rule.id for rule in book.rules}
    if id in taken:
        raise InputError(f"there is a rule '{id}' already; give the new one another id.")
    when = _when({part: [literal(line, book) for line in lines.get(part, ())] for part in PARTS})
    fresh = id or next(name for number in count(1) if (name := f"hand-{number}") not in taken)
    given = {} if weight is None else {"weight": weight}
    made = _rule({"id": fresh, "label": label, "when": when, "origin": Origin(how="hand"), **given})
    if same := next((rule.id for rule in book.rules if rule.says == made.says), None):
        raise InputError(f"rule '{same}' says the same already.")
    return made


def edited(
    book: RuleBook,
    rule: Rule,
    more: Lines,
    drop: Iterable[str] = (),
    label: str | None = None,
    weight: float | None = None,
) -> Rule:
    """A rule with literals added and dropped, another label or another weight.

    Its origin becomes 'edited'. Its statistics are left out if its label or condition changes: they are of the rule as
    it was.

    Args:
        drop: lines of literals that the rule has, in whatever part.

    Raises:
        InputError: the rule has no literal that is to be dropped, has one already that is to be added, or nothing
            would change.
        ConfigError: a line is no literal.
    """
    if label is not None:
        _check_label(label, book)
    _check_lists(*more.values(), drop)
    parts: dict[Part, list[RuleLiteral]] = {part: list(getattr(rule.when, part)) for part in PARTS}
    for line in drop:
        gone = literal(line, book)
        if gone not in rule.when.literals:
            hint = did_you_mean(str(gone), map(str, rule.when.literals))
            raise InputError(f"rule '{rule.id}' has no literal '{gone}'.{hint}")
        parts = {part: [one for one in literals if one != gone] for part, literals in parts.items()}
    for part in PARTS:
        for line in more.get(part, ()):
            if (new := literal(line, book)) in parts[part]:
                raise InputError(f"rule '{rule.id}' has '{new}' under '{part}' already.")
            parts[part].append(new)
    changed = {
        "when": _when(parts),
        "label": rule.label if label is None else label,
        "weight": rule.weight if weight is None else weight,
    }
    if all(getattr(rule, name) == value for name, value in changed.items()):
        raise InputError(f"nothing of rule '{rule.id}' would change.")
    stats = rule.stats if (rule.label, rule.when) == (changed["label"], changed["when"]) else None
    return _rule({**dict(rule), **changed, "stats": stats, "origin": _by_hand(rule)})


def switched(rule: Rule, enabled: bool) -> Rule:
    """A rule that is enabled or disabled; its origin becomes 'edited'.

    Raises:
        InputError: it is so already.
    """
    if rule.enabled == enabled:
        raise InputError(f"rule '{rule.id}' is {'enabled' if enabled else 'disabled'} already.")
    return rule.model_copy(update={"enabled": enabled, "origin": _by_hand(rule)})


def regrouped(book: RuleBook, name: str, more: Sequence[str] = (), drop: Sequence[str] = ()) -> list[str]:
    """The words of a group of the book, or of a new one, with some added and some dropped.

    Raises:
        InputError: the group has no word that is to be dropped, or nothing would change.
    """
    _check_lists(more, drop)
    words = list(book.groups.get(normalise(name), ()))
    for word in map(normalise, drop):
        if word not in words:
            raise InputError(f"group '{name}' has no word '{word}'.{did_you_mean(word, words)}")
        words.remove(word)
    new = [word for word in map(normalise, more) if word not in words]
    if not new and not drop:
        raise InputError(f"nothing of group '{name}' would change.")
    return words + new


def _check_label(label: str, book: RuleBook) -> None:
    if label not in book.labels:
        hint = did_you_mean(label, book.labels) or f" There are: {', '.join(book.labels)}."
        raise InputError(f"no label is called '{label}'.{hint}")


def _check_lists(*given: object) -> None:
    """Refuse one text in the place of a list, which would be taken for a list of its characters."""
    for texts in given:
        if isinstance(texts, str):
            raise InputError(f"expected a list of texts, found one text: '{texts}'. Put it in a list: ['{texts}'].")


def _by_hand(rule: Rule) -> Origin:
    return rule.origin.model_copy(update={"how": "edited", "edited_from": rule.origin.edited_from or rule.id})


def _when(parts: Mapping[Part, Sequence[RuleLiteral]]) -> When:
    try:
        return When(**{part: tuple(literals) for part, literals in parts.items()})
    except ValidationError as error:
        raise InputError(_messages(error)) from error


def _rule(values: Mapping[str, object]) -> Rule:
    try:
        return Rule.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(_messages(error)) from error


def _messages(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault_message(fault)}".removeprefix(": ") for fault in error.errors()
    )
