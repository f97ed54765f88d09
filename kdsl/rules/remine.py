"""`remined`: a newly mined book that keeps what people did to the book before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kdsl.errors import InputError
from kdsl.rules.book import RuleBook
from kdsl.rules.book_file import BookFile
from kdsl.rules.change import changed
from kdsl.rules.rule import Rule, in_order, mined_id

_MINED_ID = re.compile(r"m-[0-9a-f]{8}")


@dataclass(frozen=True)
class Remined:
    """A newly mined book with what was kept of the book before it.

    Rules are named by their ids. `by_hand` were written and `edited` changed by people; `disabled` are turned off.
    `replaced` are newly mined rules that were left out because a person has changed the rule with that id. `lost` are
    people's rules for labels that the task no longer has. `groups` have the words of the old book, although mining
    found others; `lost_groups` went with the mined rules that named them.
    """

    book: RuleBook
    by_hand: tuple[str, ...]
    edited: tuple[str, ...]
    disabled: tuple[str, ...]
    replaced: tuple[str, ...]
    lost: tuple[str, ...]
    groups: tuple[str, ...]
    lost_groups: tuple[str, ...]

    def lines(self) -> list[str]:
        """What was kept and what was not, one line each; none if the old book held nothing of a person's."""
        said = (
            ("rules by hand that were kept", self.by_hand),
            ("edited rules that were kept", self.edited),
            ("rules that stay disabled", self.disabled),
            ("mined rules left out, because you edited them", self.replaced),
            ("rules of yours NOT kept, because the task no longer has their labels", self.lost),
            ("groups that keep their words, although mining found others", self.groups),
            ("groups that went with the mined rules that named them; the history has them", self.lost_groups),
        )
        return [f"{what} ({len(names)}): {', '.join(names)}" for what, names in said if names]


def remined(new: RuleBook, old: RuleBook, judged: Iterable[Rule] = ()) -> Remined:
    """Put what people did to the book `old` into the newly mined book `new`.

    Rules by hand and edited ones stay; where the new book has the same rule, they get its statistics, and rules by
    hand the weight that was fitted now. A mined rule that says something else than its id was made of was edited in
    the file, whatever its origin says. A disabled rule stays disabled, and stays in the book even if it was not mined
    again, so that it is known when it is. Other mined rules of the old book go. A group of both books has the words of
    the old one, which a person may have chosen.

    Args:
        judged: rules by hand that were among the candidates of the new book, such as the shipped ones. Where they stand
            unchanged in the old book, the new one decides.

    Raises:
        InputError: the books are of different tasks.
    """
    if new.task != old.task:
        raise InputError(f"a book of task '{new.task}' cannot take the place of one of task '{old.task}'")
    words = {name: old.groups.get(name, found) for name, found in new.groups.items()}
    found = new.with_groups(words)
    said = {rule.says: rule for rule in found.rules}
    kept: dict[str, Rule] = {}
    known = {rule.says for rule in judged}
    lost, instead = [], set()
    for rule in map(_marked, old.rules):
        if rule.enabled and (rule.origin.how == "mined" or (rule.origin.how == "hand" and rule.says in known)):
            continue
        if rule.label not in new.labels:
            lost.append(rule.id)
            continue
        twin = said.get(rule.says)
        kept[rule.id] = _refreshed(rule, twin) if twin else rule
        instead |= {rule.id, rule.origin.edited_from, twin.id if twin else None}
    says = {rule.says for rule in kept.values()}
    rules = [*kept.values(), *(rule for rule in found.rules if rule.id not in instead)]
    book = found.with_rules(in_order(rules, new.labels))
    named = {group.name for rule in old.rules for group in rule.when.groups}
    unused = {name: group for name, group in old.groups.items() if name not in named}
    book = book.with_groups({**unused, **book.groups})
    return Remined(
        book=book,
        by_hand=tuple(rule.id for rule in kept.values() if rule.origin.how == "hand" and rule.enabled),
        edited=tuple(rule.id for rule in kept.values() if rule.origin.how == "edited" and rule.enabled),
        disabled=tuple(rule.id for rule in kept.values() if not rule.enabled),
        replaced=tuple(rule.id for rule in found.rules if rule.id in instead and rule.says not in says),
        lost=tuple(lost),
        groups=tuple(name for name, group in new.groups.items() if words[name] != group),
        lost_groups=tuple(name for name in old.groups if name not in book.groups),
    )


def save_remined(new: RuleBook, file: BookFile, judged: Iterable[Rule] = ()) -> Remined:
    """Write a newly mined book into the file of the book before it, and a version into the file's history.

    Nothing is written if nothing has changed. Comments stay, unless the task has other labels now.

    Raises:
        InputError: the file is another task's, was changed since it was read, or cannot be written.
    """
    result = remined(new, file.book, judged)
    same_labels = file.book.labels == new.labels
    made = changed(
        file, lambda f: f.update(result.book) if same_labels else f.rewrite(result.book), "distill-rules", "mined again"
    )
    if file.text != made.before:
        made.save()
    return result


def _marked(rule: Rule) -> Rule:
    """A rule whose origin says so if it was edited in the file."""
    if rule.origin.how != "mined" or not _MINED_ID.fullmatch(rule.id) or rule.id == mined_id(rule.label, rule.when):
        return rule
    origin = rule.origin.model_copy(update={"how": "edited", "edited_from": rule.id})
    return rule.model_copy(update={"origin": origin, "stats": None})


def _refreshed(rule: Rule, twin: Rule) -> Rule:
    """A rule with the figures of a rule that says the same and was measured now."""
    figures = {"stats": twin.stats} if rule.origin.how == "edited" else {"stats": twin.stats, "weight": twin.weight}
    return rule.model_copy(update=figures)
