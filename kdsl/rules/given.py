"""The rules that are there before any is mined: those that ship with kdsl, and those of people's own books."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdsl.errors import ConfigError
from kdsl.rules.book import RuleBook, shipped_rules
from kdsl.rules.rule import Rule
from kdsl.tasks import Task


def given_rules(task: Task, books: str | None, *, shipped: bool = True, mined: bool = False) -> tuple[Rule, ...]:
    """The shipped rules of a task and those of its book in the folder `books`, which win where an id is the same.

    Args:
        books: a folder with `<task>.yaml` for some tasks, the setting `rules.books`.
        mined: take the mined rules of that book too; else those by hand and edited ones.

    Raises:
        ConfigError: the book has faults, or is for other labels.
    """
    rules = {rule.id: rule for rule in shipped_rules(task)} if shipped else {}
    file = Path(books) / f"{task.name}.yaml" if books else None
    if file is not None and file.is_file():
        book = RuleBook.load_for(task, file)
        rules |= {rule.id: rule for rule in book.rules if mined or rule.origin.how != "mined"}
    return tuple(rules.values())


def check_books(books: str | None, tasks: Sequence[Task]) -> None:
    """Check that a folder of people's own books has one of some task, and that they can be used.

    Raises:
        ConfigError: it has none, or a book has faults or is for other labels.
    """
    if books is None:
        return
    if not any((Path(books) / f"{task.name}.yaml").is_file() for task in tasks):
        wanted = " or ".join(f"{task.name}.yaml" for task in tasks)
        raise ConfigError(f"rules.books: '{books}' holds no rule book of a task of this fit; expected {wanted}.")
    for task in tasks:
        given_rules(task, books, mined=True)
