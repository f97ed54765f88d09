"""The phrases of the synthetic dialogues as read from phrases/: products, words, intents, frame, voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from kdsl.errors import ConfigError

PHRASES = Path(__file__).parent / "phrases"
BLIND = "~ "
Words = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One skeleton of a question; `kinds` are the product kinds it suits, `lead` an earlier turn it needs.

    `blind` ones were written without sight of the challenge's samples; their lines begin with `BLIND`.
    """

    template: str
    kinds: frozenset[str]
    lead: str = ""
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """All that the world knows of one label."""

    label: str
    kinds: tuple[str, ...]
    pictures: tuple[str, ...]
    two_pictures: bool
    asks: tuple[Ask, ...]
    follows: tuple[Ask, ...]
    answers: tuple[str, ...]
    words: Words


@dataclass(frozen=True, slots=True)
class Voice:
    """Tables of rewriting, see phrases/voice.yaml."""

    stiff: Words
    loose: Words
    typo: Words
    old: Mapping[str, str]
    filler: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """Everything, read once."""

    products: Mapping[str, Words]
    words: Words
    frame: Words
    intents: Mapping[str, Intent]
    voice: Voice


def _load(path: Path) -> dict:
    try:
        return yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as phrases: {error}") from error


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip().replace("\\n", "\n") for line in block.splitlines() if line.strip())


def _words(table: Mapping[str, list]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(str(word) for word in words) for name, words in table.items()}


def _intent(path: Path) -> Intent:
    raw = _load(path)
    kinds = tuple(raw["products"])
    asks = []
    for names, block in raw["asks"].items():
        suits = frozenset(kinds) if names == "any" else frozenset(names.split())
        if not suits <= set(kinds):
            raise ConfigError(f"{path}: asks for {sorted(suits - set(kinds))}, which its products do not list")
        asks += [Ask(line.removeprefix(BLIND), suits, blind=line.startswith(BLIND)) for line in _lines(block)]
    follows = []
    for line in _lines(raw["follow"]):
        lead, arrow, template = line.removeprefix(BLIND).partition(" => ")
        if not arrow:
            raise ConfigError(f"{path}: follow line '{line}' must read 'earlier turn => question'")
        follows.append(Ask(template, frozenset(kinds), lead, line.startswith(BLIND)))
    return Intent(
        label=raw["label"],
        kinds=kinds,
        pictures=tuple(raw["pictures"]),
        two_pictures=raw.get("two_pictures", False),
        asks=tuple(asks),
        follows=tuple(follows),
        answers=_lines(raw["answers"]),
        words=_words(raw.get("words", {})),
    )


def _blind_only(intent: Intent) -> Intent:
    asks, follows = (tuple(one for one in part if one.blind) for part in (intent.asks, intent.follows))
    return replace(intent, asks=asks, follows=follows)


@cache
def blind_intents() -> Mapping[str, Intent]:
    """The intents of `phrasebook`, each with its `blind` questions alone."""
    return {name: _blind_only(intent) for name, intent in phrasebook().intents.items()}


@cache
def phrasebook() -> Phrasebook:
    """Read all phrase files, once per process.

    Raises:
        ConfigError: a file is damaged; the message names it.
    """
    intents = [_intent(path) for path in sorted((PHRASES / "intents").glob("*.yaml"))]
    voice = _load(PHRASES / "voice.yaml")
    return Phrasebook(
        products={kind: _words(slots) for kind, slots in _load(PHRASES / "products.yaml").items()},
        words=_words(_load(PHRASES / "lexicon.yaml")),
        frame={name: _lines(block) for name, block in _load(PHRASES / "frame.yaml").items()},
        intents={intent.label: intent for intent in intents},
        voice=Voice(
            stiff=_words(voice["stiff"]),
            loose=_words(voice["loose"]),
            typo=_words(voice["typo"]),
            old=voice["old"],
            filler=tuple(voice["filler"]),
            before=tuple(voice["before"]),
            after=tuple(voice["after"]),
        ),
    )
