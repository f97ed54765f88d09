"""`WordGroup`: words and phrases under one name.

A rule says `speaks of 〔rust〕`, and its book lists the words under `groups:`, name -> words. Names and words are kept
in normal form (`kdsl.words.normalise`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kdsl.words import normalise

OPEN, CLOSE = "〔〕"
"""The brackets in which a literal names a group."""


@dataclass(frozen=True, slots=True)
class WordGroup:
    """A name, and the words or phrases that it stands for, in the order in which they are listed.

    Raises:
        ValueError: the name or a word is empty in normal form, the name holds one of 〔〕, there is no word, or a word
            stands twice. The message has one line per fault.
    """

    name: str
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        name, words = normalise(self.name), tuple(normalise(word) for word in self.words)
        faults = []
        if not name:
            faults.append(f"the group's name {self.name!r} is empty once spaces are removed")
        if set(name) & {OPEN, CLOSE}:
            faults.append(f"the group's name '{name}' holds one of {OPEN}{CLOSE}, which stand around names in literals")
        if not words:
            faults.append(f"group '{name}' has no words; give it one or remove it")
        if not all(words):
            faults.append(f"group '{name}' has a word that is empty once spaces are removed")
        faults += [
            f"group '{name}': the word '{word}' stands {words.count(word)} times (capitals and spaces do not count)"
            for word in dict.fromkeys(words)
            if word and words.count(word) > 1
        ]
        if faults:
            raise ValueError("\n".join(faults))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "words", words)


def read_groups(listed: Any) -> tuple[dict[str, WordGroup | None], list[str]]:
    """The groups of a book by their names in normal form, and all faults found; a faulty group is None.

    Args:
        listed: what a book has under `groups`: a mapping of names to lists of words, or nothing.
    """
    if listed is None:
        return {}, []
    if not isinstance(listed, Mapping):
        return {}, [f"expected a name and a list of words per group, found {type(listed).__name__}"]
    groups: dict[str, WordGroup | None] = {}
    faults = []
    for raw_name, words in listed.items():
        if not isinstance(raw_name, str):
            faults.append(f"the group's name {raw_name!r} is no text; put it in quotes")
            continue
        name = normalise(raw_name)
        if name in groups:
            faults.append(f"two groups are called '{name}' (capitals and spaces do not count)")
            continue
        groups[name] = None
        if not isinstance(words, list | tuple):
            faults.append(f"group '{name}': expected a list of words, found {type(words).__name__}")
        elif odd := [word for word in words if not isinstance(word, str)]:
            faults.append(f"group '{name}': {odd[0]!r} is no text; put it in quotes")
        else:
            try:
                groups[name] = WordGroup(raw_name, tuple(words))
            except ValueError as error:
                faults += str(error).split("\n")
    return groups, faults


def merged(groups: Iterable[WordGroup], more: Iterable[WordGroup]) -> tuple[dict[str, WordGroup], list[str]]:
    """Groups by name, the first ones and then those of `more` that are new, and a fault for each name with two
    different lists of words."""
    by_name = {group.name: group for group in groups}
    faults = []
    for group in dict.fromkeys(more):
        known = by_name.setdefault(group.name, group)
        if known != group:
            faults.append(
                f"group '{group.name}' has two different lists of words: {', '.join(known.words)}; and "
                f"{', '.join(group.words)}. Give one of them another name."
            )
    return by_name, faults
