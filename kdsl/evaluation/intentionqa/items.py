"""Items of IntentionQA: a question with four options, one of them right, as HKUST-KnowComp/IntentionQA publishes it.

Task 1 asks for the intention behind a purchase of two products, task 2 for the second product, given the first and the
intention. Source: Ding et al. (2024), IntentionQA, arXiv 2406.10173; data and prompts from the repository's `data` and
`evaluation` folders, commit 2b647b4.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.data.files import BadRow, json_rows
from kdsl.errors import InputError, faults_of
from kdsl.rules.function_words import CHINESE_FIRST, ENGLISH
from kdsl.words import normalise, units

LETTERS = ("A", "B", "C", "D")
_REASONS = ("because", "as a result, ")
"""Where the intention begins in an assertion; the first that occurs counts."""

RELATIONS: Mapping[str, tuple[str, ...]] = {
    "isA": ("because they both are a type of",),
    "mannerOf": ("because they both are a manner of",),
    "relatedTo": ("because they both are related to",),
    "propertyOf": ("because they both have a property of",),
    "definedAs": ("because they both are defined as",),
    "capableOf": ("because they both are capable of",),
    "usedFor": ("because they are both used", "because they both are used"),
    "can": ("because they could both",),
    "cause": ("because the person wants",),
    "effect": ("as a result,",),
}
"""FolkScope's relations by the wordings that intentions begin with; the published files say 'all' for each item."""
OPEN = "open"
"""The relation of an intention that begins with no fixed wording."""


@dataclass(frozen=True)
class Item:
    """One question. `products` are the names of those that were bought, `ids` their ids; the second of task 2 is asked
    for. `options` are in the order of the letters, `gold` is the right one's index. Texts are as published, with HTML's
    entities; `plain` undoes them."""

    id: str
    task: int
    products: tuple[str, str]
    ids: tuple[str, str]
    intention: str
    options: tuple[str, ...]
    gold: int

    @property
    def situation(self) -> str:
        """What is known, as a sentence that an option has to fit."""
        first, second = map(plain, self.products)
        if self.task == 1:
            return f"A customer buys {first} and {second}."
        return f"A customer buys {first}, {plain(self.intention).rstrip('.')}."

    @property
    def relation(self) -> str:
        """The relation whose wording the intention begins with."""
        return next((name for name, begins in RELATIONS.items() if self.intention.startswith(begins)), OPEN)

    @cached_property
    def shared(self) -> tuple[float, ...]:
        """For each option, the share of its content words that occur in what is known."""
        known = content_words(self.situation)
        return tuple(len(words & known) / max(1, len(words)) for words in map(content_words, self.options))

    @property
    def overlap(self) -> str:
        """What word overlap says: 'right' if the gold option alone shares most, 'tied' with others, or 'wrong'."""
        most = max(self.shared)
        if self.shared[self.gold] < most:
            return "wrong"
        return "right" if self.shared.count(most) == 1 else "tied"


@dataclass(frozen=True)
class Items:
    """The items of a file that count, and why others do not: reason -> how many."""

    items: tuple[Item, ...]
    skipped: Mapping[str, int]


class _Row(BaseModel):
    """A line of the published files; other keys are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: str = Field(min_length=1)
    item_a_id: str = ""
    item_b_id: str = ""
    item_a_name: str = Field(min_length=1)
    item_b_name: str = Field(min_length=1)
    assertion: str = Field(min_length=1)
    options: dict[str, str]
    gold_ind: str


def read_items(path: Path, task: int) -> Items:
    """The items of `QA_fullInfo_task1.jsonl` or `QA_fullInfo_task2.jsonl`.

    An item with other than four options is skipped, as the official metric skips it (`computeACC.py`), and so is a line
    that is no item; both are counted.

    Raises:
        InputError: the file cannot be read, holds no item, or holds those of the other task.
    """
    items: list[Item] = []
    skipped: Counter[str] = Counter()
    faults: list[str] = []
    for row in json_rows(path):
        if isinstance(row, BadRow):
            faults.append(f"{row.where}: {row.message}")
            continue
        try:
            found = _Row.model_validate(row.value)
        except ValidationError as error:
            faults.append(f"{row.where}: {'; '.join(faults_of(error))}")
            continue
        if len(found.options) != len(LETTERS):
            skipped[f"{len(found.options)} options"] += 1
        elif set(found.options) != set(LETTERS) or found.gold_ind not in LETTERS:
            faults.append(f"{row.where}: expected options A to D and one of them in gold_ind")
        else:
            items.append(_item(found, task))
    if not items:
        raise InputError(
            f"{path}: holds no item of IntentionQA with four options"
            + (f"; the first fault: {faults[0]}" if faults else "")
            + ". Expected QA_fullInfo_task1.jsonl or QA_fullInfo_task2.jsonl of HKUST-KnowComp/IntentionQA."
        )
    if len({item.id for item in items}) < len(items):
        raise InputError(f"{path}: some ids stand twice; give one task's file at a time.")
    products = sum(item.options[item.gold] == item.products[1] for item in items)
    if (2 * products > len(items)) != (task == 2):
        raise InputError(f"{path}: holds items of task {3 - task}, not of task {task}: choose the other `task`.")
    if faults:
        skipped["no item"] = len(faults)
    return Items(tuple(items), dict(sorted(skipped.items())))


def intention_of(assertion: str) -> str:
    """The part of an assertion that says why, as the official code cuts it out."""
    starts = (assertion.find(reason) for reason in _REASONS)
    return assertion[next((start for start in starts if start >= 0), 0) :].strip()


def plain(text: str) -> str:
    """A published text without HTML's entities, of which some were escaped twice."""
    return html.unescape(html.unescape(text))


def content_words(text: str) -> frozenset[str]:
    """The words of a text, and its single characters of scripts without spaces, less those that carry grammar alone."""
    found = {unit for unit in units(normalise(plain(text))) if any(map(str.isalnum, unit))}
    return frozenset(found - ENGLISH - CHINESE_FIRST)


def _item(row: _Row, task: int) -> Item:
    return Item(
        id=row.id,
        task=task,
        products=(row.item_a_name, row.item_b_name),
        ids=(row.item_a_id or row.item_a_name, row.item_b_id or row.item_b_name),
        intention=intention_of(row.assertion),
        options=tuple(row.options[letter] for letter in LETTERS),
        gold=LETTERS.index(row.gold_ind),
    )


SUBSETS: Mapping[str, Callable[[Item], bool]] = {
    "the right option shares no word": lambda item: item.shared[item.gold] == 0,
    "overlap does not decide": lambda item: item.overlap != "right",
}
"""Items that word overlap does not answer: the right option shares no content word with what is known, or does not
alone share the largest part of its content words."""
