"""What a rule finds in a sample: which of its literals hold, and the OCR lines and turns that they match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Literal

from kdsl.evidence.types import Evidence, Unit
from kdsl.rules.literals import OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.normalised import NormalisedEvidence, without_spaces
from kdsl.rules.rule import Rule
from kdsl.words import normalise, units

Part = Literal["all", "any", "none"]
PARTS: tuple[Part, ...] = ("all", "any", "none")


@dataclass(frozen=True)
class Found:
    """An OCR line or a turn that a literal matches.

    `where` says which one, counted from 1. `spans` are the (start, end) of what was matched in `text`; empty if the
    literal is about no text, or if the text's normal form cannot be traced back to its characters.
    """

    where: str
    text: str
    spans: tuple[tuple[int, int], ...]

    @property
    def marked(self) -> str:
        """The text with what was matched between 【 and 】."""
        marked, end = "", 0
        for start, stop in self.spans:
            marked += f"{self.text[end:start]}【{self.text[start:stop]}】"
            end = stop
        return marked + self.text[end:]


@dataclass(frozen=True)
class Reading:
    """One literal of a rule on one sample."""

    part: Part
    literal: str
    holds: bool
    found: tuple[Found, ...]


@dataclass(frozen=True)
class RuleReading:
    """A rule on one sample: all its literals, and those on which it failed (none if it fires).

    If no literal under `any` holds, all of these have failed.
    """

    task: str
    id: str
    label: str
    weight: float
    readings: tuple[Reading, ...]
    failed: tuple[Reading, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def read_rule(task: str, rule: Rule, evidence: Evidence, seen: NormalisedEvidence) -> RuleReading:
    """Read a sample with a rule, whether the rule is enabled or not.

    Args:
        seen: the normalised evidence.
    """
    readings = {
        part: tuple(_read(part, literal, evidence, seen) for literal in getattr(rule.when, part)) for part in PARTS
    }
    failed = [reading for reading in readings["all"] if not reading.holds]
    if not any(reading.holds for reading in readings["any"]):
        failed += readings["any"]
    failed += [reading for reading in readings["none"] if reading.holds]
    return RuleReading(
        task, rule.id, rule.label, rule.weight, sum((readings[part] for part in PARTS), ()), tuple(failed)
    )


def nearly_fires(reading: RuleReading) -> bool:
    """Whether all conditions but one hold, and one that asks for something among them.

    Each literal under `all` and `none` is a condition, and those under `any` are one together.
    """
    conditions = {"any" if one.part == "any" else one.literal for one in reading.failed}
    asked = any(one.holds for one in reading.readings if one.part != "none")
    return len(conditions) == 1 and asked


def _read(part: Part, literal: RuleLiteral, evidence: Evidence, seen: NormalisedEvidence) -> Reading:
    found = []
    for unit in literal.units(seen):
        where, text = _unit(unit, evidence)
        found.append(Found(where, text, _spans(literal, text)))
    return Reading(part, str(literal), literal.matches(seen), tuple(found))


def _unit(unit: Unit, evidence: Evidence) -> tuple[str, str]:
    kind, picture, number = unit
    if kind == "turn":
        turn = evidence.sample.turns[number]
        return f"turn {number + 1} ({turn.role})", turn.text
    of = f" of picture {picture + 1}" if len(evidence.pictures) > 1 else ""
    return f"OCR line {number + 1}{of}", evidence.pictures[picture].lines[number].text


def _spans(literal: RuleLiteral, text: str) -> tuple[tuple[int, int], ...]:
    """Where a literal about texts matches a text: (start, end) in the text as it is; those that overlap are one."""
    texts = literal.texts if isinstance(literal, OcrGroup | TurnGroup) else (literal,)
    letters = [(without_spaces(normalise(letter)), at) for at, letter in enumerate(text)]
    origin = [at for letter, at in letters for _ in letter]
    normal = normalise(text)
    plain = without_spaces(normal)
    if "".join(letter for letter, _ in letters) != plain:
        return ()  # the normal form joined characters, such as a letter and its mark
    edges = _edges(units(normal))
    found: list[tuple[int, int]] = []
    for one in texts:
        if isinstance(one, OcrText | TurnText):
            needle = without_spaces(one.text)
            matches = [(start, start + len(needle)) for start in _starts(plain, needle)]
            found += [span for span in matches if one.how != "contains the word" or set(span) <= edges]
    spans: list[tuple[int, int]] = []
    for start, end in sorted((origin[start], origin[end - 1] + 1) for start, end in found):
        if spans and start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    return tuple(spans)


def _starts(text: str, needle: str) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + 1)  # one that overlaps this may be the whole word


def _edges(parts: Sequence[str]) -> set[int]:
    """Where units begin and end in their text without spaces."""
    return set(accumulate(map(len, parts), initial=0))
