"""`lint`: what in a rule book does nothing, says the same twice, or speaks against itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal, get_args

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.function_words import bears_topic
from kdsl.rules.groups import CLOSE, OPEN, WordGroup
from kdsl.rules.implication import always, contradict, follows, implies, never
from kdsl.rules.literals import OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule, When
from kdsl.words import units

Kind = Literal["dead", "duplicate", "conflict", "subsumed", "function word", "unused group"]
FEW = 3
"""Samples on which a rule has to fire before its samples are compared with another's."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at: its kind, the ids of the rules that it is about, and one sentence."""

    kind: Kind
    rules: tuple[str, ...]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def lint(book: RuleBook, evidences: Sequence[Evidence] = ()) -> list[Finding]:
    """Findings about the enabled rules and the groups of a book, in the order of `Kind`, then of the book.

    dead: a rule that can never fire, a literal or a word of a group that changes nothing.
    duplicate, conflict: two rules with the same condition, for the same label or for two.
    subsumed: a rule that fires only where another one for its label does.
    function word: what a rule looks for is one word or character that carries grammar and no topic.
    unused group: no rule names it.

    Args:
        evidences: samples on which rules are compared, too; they need no labels.
    """
    rules = [rule for rule in book.rules if rule.enabled]
    found: list[Finding] = []
    alive = []
    for rule in rules:
        reason = _never_fires(rule.when)
        if reason:
            found.append(Finding("dead", (rule.id,), f"it can never fire: {reason}"))
        else:
            alive.append(rule)
            found += [Finding("dead", (rule.id,), sentence) for sentence in _idle(rule.when)]
    pairs = [*_equal(alive), *_subsumed(alive)]
    found += pairs
    found += _observed(alive, evidences, {frozenset(finding.rules) for finding in pairs})
    found += _idle_words(book)
    found += _function_words(rules)
    found += _unused_groups(book)
    kinds = get_args(Kind)
    return sorted(found, key=lambda finding: kinds.index(finding.kind))


def _never_fires(when: When) -> str | None:
    """Why a condition can hold on no sample."""
    for literal in when.all:
        if never(literal):
            return f"'{literal}' holds on no sample"
        for other in when.none:
            if implies(literal, other):
                return f"it needs and forbids '{literal}'" if literal == other else _forbidden(literal, other)
    for one, other in combinations(when.all, 2):
        if contradict(one, other):
            return f"'{one}' and '{other}' exclude each other"
    if when.any and all(map(_blocked_in(when), when.any)):
        return "each of its alternatives is excluded by the rest of the rule"
    return None


def _forbidden(literal: RuleLiteral, other: RuleLiteral) -> str:
    return f"wherever '{literal}' holds, '{other}' does, which it forbids"


def _blocked_in(when: When) -> Callable[[RuleLiteral], bool]:
    """Whether an alternative can hold on no sample on which the rest of a condition holds."""

    def blocked(literal: RuleLiteral) -> bool:
        return (
            never(literal)
            or any(contradict(literal, one) for one in when.all)
            or any(implies(literal, one) for one in when.none)
        )

    return blocked


def _idle(when: When) -> Iterator[str]:
    """Why single literals change nothing."""
    for i, literal in enumerate(when.all):
        if always(literal):
            yield f"'{literal}' holds on every sample"
        elif stronger := _related(when.all, i, _stronger):
            yield f"'{literal}' adds nothing: it holds wherever '{stronger}' does"
    implied = next(((a, b) for a in when.all for b in when.any if implies(a, b)), None)
    if implied:
        yield f"its alternatives add nothing: '{implied[1]}' holds wherever '{implied[0]}' does"
    blocked = _blocked_in(when)
    for i, literal in enumerate(() if implied else when.any):
        if blocked(literal):
            yield f"its alternative '{literal}' is excluded by the rest of the rule"
        elif wider := _related(when.any, i, implies):
            yield f"its alternative '{literal}' adds nothing: wherever it holds, '{wider}' does"
    for i, literal in enumerate(when.none):
        if never(literal) or any(contradict(literal, one) for one in when.all):
            yield f"to forbid '{literal}' adds nothing: it cannot hold where the rest of the rule does"
        elif wider := _related(when.none, i, implies):
            yield f"to forbid '{literal}' adds nothing: wherever it holds, '{wider}' does, which is forbidden, too"


def _stronger(literal: RuleLiteral, other: RuleLiteral) -> bool:
    return implies(other, literal)


def _related(
    literals: Sequence[RuleLiteral], i: int, test: Callable[[RuleLiteral, RuleLiteral], bool]
) -> RuleLiteral | None:
    """Another literal for which `test(literals[i], other)` holds; of two that say the same, only the later one has the
    other."""
    own = literals[i]
    for j, other in enumerate(literals):
        if j != i and test(own, other) and (j < i or not (implies(own, other) and implies(other, own))):
            return other
    return None


def _equal(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Rules whose conditions hold on the same samples, whatever these are."""
    for a, b in combinations(rules, 2):
        if a.label == b.label and follows(a.when, b.when) and follows(b.when, a.when):
            yield Finding("duplicate", (a.id, b.id), f"both say {a.label} on the same condition, so it counts twice")
    by_condition = defaultdict(list)
    for rule in rules:
        by_condition[rule.says[1:]].append(rule)
    for same in by_condition.values():
        for a, b in combinations(same, 2):
            if a.label != b.label:
                yield Finding(
                    "conflict", (a.id, b.id), f"on the same condition one says {a.label}, the other {b.label}"
                )


def _subsumed(rules: Sequence[Rule]) -> Iterator[Finding]:
    for narrow in rules:
        alike = (wide for wide in rules if wide.label == narrow.label and wide is not narrow)
        wider = (wide for wide in alike if follows(narrow.when, wide.when) and not follows(wide.when, narrow.when))
        if wide := next(wider, None):
            text = f"{narrow.id} fires only where {wide.id} does, which says {wide.label}, too"
            yield Finding("subsumed", (narrow.id, wide.id), text)


def _observed(rules: Sequence[Rule], evidences: Sequence[Evidence], known: set[frozenset[str]]) -> Iterator[Finding]:
    """The same by what the rules do on samples, for pairs that are not known yet."""
    if not evidences:
        return
    from kdsl.rules.engine import condition_bits

    views = [NormalisedEvidence.of(evidence) for evidence in evidences]
    held = dict(zip(rules, condition_bits([rule.when for rule in rules], views), strict=True))
    often = [rule for rule in rules if held[rule].bit_count() >= FEW]
    for a, b in combinations(often, 2):
        if held[a] == held[b] and frozenset((a.id, b.id)) not in known:
            where = f"on the same {held[a].bit_count()} of the {len(views)} samples"
            if a.label == b.label:
                yield Finding("duplicate", (a.id, b.id), f"both say {a.label} {where}")
            else:
                yield Finding("conflict", (a.id, b.id), f"one says {a.label}, the other {b.label} {where}")
    for narrow in often:
        wider = [
            rule
            for rule in often
            if rule.label == narrow.label and held[rule] != held[narrow] and held[narrow] & ~held[rule] == 0
        ]
        if wider and not any(frozenset((narrow.id, rule.id)) in known for rule in wider):
            wide = min(wider, key=lambda rule: held[rule].bit_count())
            yield Finding(
                "subsumed",
                (narrow.id, wide.id),
                f"all {held[narrow].bit_count()} samples on which {narrow.id} fires are among the "
                f"{held[wide].bit_count()} of {wide.id}, which says {wide.label}, too",
            )


def _idle_words(book: RuleBook) -> Iterator[Finding]:
    """Words of groups that are found only where another word of the group is."""
    for name, words in book.groups.items():
        texts = TurnGroup(WordGroup(name, words)).texts
        users = tuple(rule.id for rule in book.rules if name in {group.name for group in rule.when.groups})
        for i, text in enumerate(texts):
            if wider := _related(texts, i, implies):
                found = f"in the group {OPEN}{name}{CLOSE} '{text}' adds nothing: wherever it holds, '{wider}' does"
                yield Finding("dead", users, found)


def _function_words(rules: Sequence[Rule]) -> Iterator[Finding]:
    of_group: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        for literal in (*rule.when.all, *rule.when.any):
            if isinstance(literal, OcrText | TurnText) and _is_function_word(literal.text):
                yield Finding("function word", (rule.id,), f"'{literal}' looks for a word that tells no topic")
            if isinstance(literal, OcrGroup | TurnGroup):
                for word in filter(_is_function_word, literal.group.words):
                    said = f"{OPEN}{literal.group.name}{CLOSE} has 「{word}」, a word that tells no topic"
                    of_group[said].append(rule.id)
    for sentence, ids in of_group.items():
        yield Finding("function word", tuple(dict.fromkeys(ids)), f"the group {sentence}")


def _is_function_word(text: str) -> bool:
    parts = units(text)
    return len(parts) == 1 and not bears_topic(parts)


def _unused_groups(book: RuleBook) -> Iterator[Finding]:
    named = {group.name for rule in book.rules for group in rule.when.groups}
    for name in book.groups:
        if name not in named:
            yield Finding("unused group", (), f"no rule speaks of {OPEN}{name}{CLOSE}")
