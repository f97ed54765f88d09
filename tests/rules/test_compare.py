"""What differs between two rule books, and one book of two."""

from __future__ import annotations

import pytest

from kdsl.errors import InputError
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.compare import Changed, difference, merged
from kdsl.rules.grammar import parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.rule import Origin, Rule, Stats, When
from kdsl.rules.show_changes import difference_lines

RUST, OTHER_RUST = WordGroup("rust", ("rust", "锈")), WordGroup("rust", ("rust", "spots"))


def when(*lines: str, none: tuple[str, ...] = (), group: WordGroup = RUST) -> When:
    groups = {"rust": group}
    return When(all=tuple(parse(line, groups) for line in lines), none=tuple(parse(line, groups) for line in none))


def rule(id: str, label: str, condition: When, weight: float = 1.0, **others: object) -> Rule:
    return Rule(id=id, label=label, when=condition, weight=weight, **others)  # type: ignore[arg-type]


def book(*rules: Rule, labels: tuple[str, ...] = ("RUST", "退款"), **others: object) -> RuleBook:
    return RuleBook(task="ask", labels=labels, rules=rules, **others)  # type: ignore[arg-type]


REFUND = when("a user turn contains 「退」", "a user turn contains 「钱」")
SWAPPED = when("a user turn contains 「钱」", "a user turn contains 「退」")
WATER = when("a user turn contains 「water」")
GROUP = when("a user turn speaks of 〔rust〕")


@pytest.mark.parametrize("name", ["scene", "intent"])
def test_a_book_does_not_differ_from_itself(name: str) -> None:
    one = RuleBook.load(resource(f"rules/{name}.yaml"))
    assert not difference(one, one)
    assert difference_lines(difference(one, one)) == ["no difference"]
    twice = merged(one, one)
    assert twice.book == one
    assert twice.conflicts == ()


def test_what_was_added_removed_and_changed() -> None:
    stats = Stats(support=3, precision=1, interval95=(0.4, 1), recall=1, conflicts=0)
    before = book(
        rule("a", "退款", REFUND), rule("b", "RUST", WATER), rule("c", "RUST", GROUP), rule("d", "RUST", REFUND)
    )
    after = book(
        rule("x", "退款", SWAPPED, stats=stats),  # the same rule under another id
        rule("b", "RUST", when("a user turn contains 「wet」", none=("an agent turn contains 「dry」",)), 2.0,
             origin=Origin(how="edited"), enabled=False),
        rule("c", "退款", WATER),  # another rule under the same id
        rule("d", "RUST", REFUND),
        bias={"RUST": 0.5},
        groups={"rust": ("rust",)},
    )  # fmt: skip
    found = difference(before, after)
    assert [one.id for one in found.removed] == ["c"]
    assert [(one.id, one.label) for one in found.added] == [("c", "退款")]
    renamed, edited = found.changed
    assert (renamed.id, renamed.id_before, renamed.changes) == ("x", "a", ())
    assert edited.changes == (
        Changed("weight", 1.0, 2.0),
        Changed("enabled", True, False),
        Changed("origin", "hand", "edited"),
        Changed("all", added=("a user turn contains 「wet」",), removed=("a user turn contains 「water」",)),
        Changed("none", added=("an agent turn contains 「dry」",)),
    )
    assert found.others == (Changed("bias of RUST", 0.0, 0.5), Changed("group rust", removed=("锈",)))
    lines = difference_lines(found)
    assert "~ x (was a)  退款" in lines
    assert "    enabled: yes -> no" in lines
    assert "    + none: an agent turn contains 「dry」" in lines
    assert "~ - group rust: 锈" in lines


def test_a_merge_drops_nothing_and_says_what_conflicts() -> None:
    first = book(rule("a", "退款", REFUND), rule("b", "RUST", WATER), rule("c", "RUST", GROUP), bias={"RUST": 0.5})
    second = book(
        rule("z", "退款", SWAPPED, 3.0),
        rule("b", "退款", WATER),
        rule("c", "RUST", when("an agent turn speaks of 〔rust〕", group=OTHER_RUST)),
        rule("new", "退款", when("a user turn contains 「退款」")),
        bias={"RUST": 1.0, "退款": 0.1},
    )
    found = merged(first, second)
    assert [one.id for one in found.book.rules] == ["a", "b", "c", "b-2", "c-2", "new"]
    assert found.added == ("b-2", "c-2", "new")
    assert found.book.bias == {"RUST": 0.5, "退款": 0.1}
    assert found.book.groups == {"rust": ("rust", "锈"), "rust-2": ("rust", "spots")}
    assert str(found.book.rules[4].when) == "an agent turn speaks of 〔rust-2〕"
    assert found.conflicts == (
        "bias of RUST: 0.5 is kept, 1 left out",
        "group 'rust' has other words in the second book: these are now group 'rust-2'",
        "'a': weight 1 is kept, 3 left out",
        "'a': id a is kept, z left out",
        "'b' says RUST, 'b' says 退款 on the same condition: both are kept",
        "both books have a rule 'b', and they differ: the second one's is now 'b-2'",
        "both books have a rule 'c', and they differ: the second one's is now 'c-2'",
    )
    again = merged(found.book, second)  # what a merge has brought is known when the same book is merged once more
    assert (again.book, again.added) == (found.book, ())
    with pytest.raises(InputError, match="only books of the same labels"):
        merged(first, book(labels=("RUST", "x")))
