"""The template language of the world's phrases: `{slot}` draws a word, `[a|b|]` one of several.

Alternatives nest and may hold slots; an empty alternative makes the part optional; `|` outside of brackets is
itself. A slot whose name ends in a digit (`{part2}`) draws from the list of the bare name (`{part}`), but
another word where there is one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kdsl.errors import ConfigError

Maker = Callable[[random.Random], str]
Source = Sequence[str] | Maker
"""The words of a slot: a list of templates, or a function that draws numbers and codes."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder: `name` as written, including digits."""

    name: str

    @property
    def base(self) -> str:
        return self.name.rstrip("0123456789")


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, each a template of its own."""

    options: tuple[tuple[str | Slot | Choice, ...], ...]


Nodes = tuple[str | Slot | Choice, ...]
_TOKEN = re.compile(r"\{([a-z_]+\d?)\}|([\[\]|])|([^\[\]|{}]+)")


@cache
def parse(template: str) -> Nodes:
    """Read one template.

    Raises:
        ConfigError: brackets do not pair, or a brace is not a slot's.
    """
    stack: list[list[list[str | Slot | Choice]]] = [[[]]]
    position = 0
    while position < len(template):
        match = _TOKEN.match(template, position)
        if match is None:
            raise ConfigError(f"phrase template {template!r}: cannot be read at '{template[position:]}'")
        position = match.end()
        slot, sign, text = match.groups()
        if slot:
            stack[-1][-1].append(Slot(slot))
        elif text:
            stack[-1][-1].append(text)
        elif sign == "[":
            stack.append([[]])
        elif len(stack) == 1 and sign == "|":
            stack[-1][-1].append(sign)
        elif len(stack) == 1:
            raise ConfigError(f"phrase template {template!r}: '{sign}' stands outside of [...]")
        elif sign == "|":
            stack[-1].append([])
        else:
            options = tuple(tuple(option) for option in stack.pop())
            stack[-1][-1].append(Choice(options))
    if len(stack) > 1:
        raise ConfigError(f"phrase template {template!r}: a '[' is not closed")
    return tuple(stack[0][0])


@cache
def slots(template: str) -> frozenset[str]:
    """Base names of all slots of a template, in any of its alternatives."""

    def walk(nodes: Nodes) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, Slot):
                yield node.base
            elif isinstance(node, Choice):
                for option in node.options:
                    yield from walk(option)

    return frozenset(walk(parse(template)))


class Scope:
    """The words at hand while one dialogue is written; a slot keeps its word once drawn.

    Args:
        rng: source of all chance.
        sources: layers of named lists, the nearest first (product, label, common).
    """

    def __init__(self, rng: random.Random, *sources: Mapping[str, Source]) -> None:
        self._rng = rng
        self._sources = sources
        self._bound: dict[str, str] = {}

    def resolves(self, template: str) -> bool:
        """Whether every slot of the template has words here."""
        return all(any(name in layer for layer in self._sources) for name in slots(template))

    def fill(self, template: str) -> str:
        """One surface form of the template."""
        return self._render(parse(template))

    def forget(self, *names: str) -> None:
        """Let slots draw anew."""
        for name in names:
            self._bound.pop(name, None)

    def _render(self, nodes: Nodes) -> str:
        parts = []
        for node in nodes:
            if isinstance(node, str):
                parts.append(node)
            elif isinstance(node, Slot):
                parts.append(self._word(node))
            else:
                parts.append(self._render(self._rng.choice(node.options)))
        return "".join(parts)

    def _word(self, slot: Slot) -> str:
        if slot.name in self._bound:
            return self._bound[slot.name]
        for layer in self._sources:
            source = layer.get(slot.base)
            if source is None:
                continue
            if callable(source):
                return source(self._rng)
            taken = {word for name, word in self._bound.items() if name.rstrip("0123456789") == slot.base}
            free = [word for word in source if word not in taken] or list(source)
            word = self._render(parse(self._rng.choice(free)))
            if slot.base in self._sources[0]:
                self._bound[slot.name] = word
            return word
        raise ConfigError(f"phrase slot '{{{slot.name}}}' has no words")
