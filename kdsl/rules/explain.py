"""`explain`: which rules of a book fire on one sample, which nearly do and on what literal they failed.

`samples_of`: the samples on which one rule is right and wrong, with what it found in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.reading import RuleReading, nearly_fires, read_rule
from kdsl.rules.rule import Rule


@dataclass(frozen=True)
class Explanation:
    """One sample read by a book.

    `label` is the sample's own label, None if it has none. `predicted` and `probability` are the book's best label by
    itself, None if it abstains because no rule fires. `fired` and `nearly` are sorted by weight, the largest first.
    """

    id: str
    task: str
    label: str | None
    predicted: str | None
    probability: float | None
    fired: tuple[RuleReading, ...]
    nearly: tuple[RuleReading, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def explain(book: RuleBook, evidence: Evidence) -> Explanation:
    """Read a sample with every enabled rule of a book."""
    seen = NormalisedEvidence.of(evidence)
    readings = [
        read_rule(book.task, rule, evidence, seen)
        for rule in sorted(book.rules, key=lambda rule: -rule.weight)
        if rule.enabled
    ]
    scores = book.scores([evidence])[0]
    best = None if np.isnan(scores).any() else int(scores.argmax())
    return Explanation(
        id=evidence.sample.id,
        task=book.task,
        label=evidence.sample.label,
        predicted=None if best is None else book.labels[best],
        probability=None if best is None else round(float(np.exp(scores[best])), 6),
        fired=tuple(reading for reading in readings if not reading.failed),
        nearly=tuple(reading for reading in readings if nearly_fires(reading)),
    )


@dataclass(frozen=True)
class SampleReading:
    """A sample on which a rule fires: its id, its own label, and what the rule found in it."""

    id: str
    label: str
    reading: RuleReading


@dataclass(frozen=True)
class RuleSamples:
    """The labelled samples on which a rule fires, and the ids of those with its label on which it does not."""

    n: int
    """Labelled samples of the rule's task."""
    right: tuple[SampleReading, ...]
    wrong: tuple[SampleReading, ...]
    missed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)


def samples_of(book: RuleBook, rule: Rule, evidences: Sequence[Evidence]) -> RuleSamples:
    """Read all labelled samples of the book's task with one rule, whether it is enabled or not."""
    right: list[SampleReading] = []
    wrong: list[SampleReading] = []
    missed: list[str] = []
    n = 0
    for evidence in evidences:
        gold = evidence.sample.label
        if gold is None or evidence.sample.task != book.task:
            continue
        n += 1
        seen = NormalisedEvidence.of(evidence)
        if rule.when.matches(seen):
            reading = SampleReading(evidence.sample.id, gold, read_rule(book.task, rule, evidence, seen))
            (right if gold == rule.label else wrong).append(reading)
        elif gold == rule.label:
            missed.append(evidence.sample.id)
    return RuleSamples(n, tuple(right), tuple(wrong), tuple(missed))
