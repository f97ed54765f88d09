"""The small model's prior over literals, by occlusion and by asking it for phrases.

Occlusion works with every model: the lines or turns that contain a cue are hidden, and the drop of the gold label's
log-probability is the cue's importance. A model that can generate text is also shown examples of a label and of its
confusable labels, and asked for characteristic phrases; phrases that match the vocabulary count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import RulesConfig
from kdsl.evidence.types import Evidence, Unit
from kdsl.rules.literals import OcrText, RuleLiteral, TurnText
from kdsl.rules.normalised import NormalisedEvidence, spaced_units
from kdsl.rules.teacher import Teacher
from kdsl.tasks import Task
from kdsl.words import normalise

UNIFORM_SHARE = 0.3
"""Share of the prior that stays uniform, so that the search can find cues that the model does not use."""
SHRINKAGE = 2.0
"""Number of additional occlusions without a drop that a cue's mean drop includes, which shrinks it towards 0."""


def choose_units(evidence: NormalisedEvidence, cues: Sequence[RuleLiteral], limit: int) -> list[Unit]:
    """The units of a sample to hide: those with most of the label's cues, weighted by the strength of the cues."""
    importances: dict[Unit, float] = defaultdict(float)
    for rank, cue in enumerate(cues):
        for unit in cue.units(evidence):
            importances[unit] += 1 / (1 + rank)
    return sorted(importances, key=lambda unit: (-importances[unit], unit))[:limit]


def choose_samples(gold: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `limit` samples [k], spread over the labels as evenly as possible."""
    order = rng.permutation(len(gold))
    rank = np.zeros(len(gold), dtype=int)
    seen: dict[int, int] = defaultdict(int)
    for i in order:
        rank[i] = seen[int(gold[i])]
        seen[int(gold[i])] += 1
    return np.sort(order[np.argsort(rank[order], kind="stable")][:limit])


Drops = list[tuple[int, Unit, float]]
"""(sample, hidden unit, drop of the gold label's log-probability in nats)."""


def occlusion(
    evidences: Sequence[Evidence],
    normalised: Sequence[NormalisedEvidence],
    gold: np.ndarray,
    cues: Mapping[int, Sequence[RuleLiteral]],
    teacher: Teacher,
    config: RulesConfig,
    rng: np.random.Generator,
) -> tuple[Drops, dict[int, np.ndarray]]:
    """Hide the most relevant units of selected samples, one at a time, and score each result with the small model.

    Args:
        gold: [n], column of each sample's label.
        cues: label column -> its cues, strongest first, which decide what units are hidden.

    Returns:
        The drops, and the log-probabilities [m] of each selected sample with nothing hidden.
    """
    chosen = choose_samples(gold, config.occlusion_samples, rng)
    jobs = [
        (int(i), unit)
        for i in chosen
        for unit in choose_units(normalised[i], cues[int(gold[i])], config.occlusion_units)
    ]
    whole = teacher.scores([evidences[i] for i in chosen])
    base = {int(i): whole[row] for row, i in enumerate(chosen)}
    hidden = teacher.scores([evidences[i].without([unit]) for i, unit in jobs])
    drops = [(i, unit, float(base[i][gold[i]] - hidden[row, gold[i]])) for row, (i, unit) in enumerate(jobs)]
    return drops, base


def importance(
    literals: Sequence[RuleLiteral], normalised: Sequence[NormalisedEvidence], drops: Drops, samples: set[int]
) -> np.ndarray:
    """Mean drop per literal [L], in nats, over `samples`; shrunk towards 0 if it was rarely hidden."""
    by_sample: dict[int, dict[Unit, float]] = defaultdict(dict)
    for i, unit, drop in drops:
        if i in samples:
            by_sample[i][unit] = max(drop, 0.0)
    importances = np.zeros(len(literals))
    for row, literal in enumerate(literals):
        seen = [
            max(units[unit] for unit in holding)
            for i, units in by_sample.items()
            if (holding := [unit for unit in literal.units(normalised[i]) if unit in units])
        ]
        importances[row] = sum(seen) / (len(seen) + SHRINKAGE)
    return importances


def ask_prompt(task: Task, label: str, examples: Sequence[Evidence], confusable: Sequence[Evidence]) -> str:
    """The prompt for a model that can generate text: which phrases distinguish this label from its confusable ones."""
    known = {entry.name: entry for entry in task.labels}
    described = "".join(f"（{text}）" for text in known[label].descriptions[:1])
    parts = [f"类别：{label}{described}", "", "属于该类别的例子："]
    parts += [_excerpt(evidence) for evidence in examples]
    parts += ["", "容易混淆、但不属于该类别的例子："]
    parts += [f"[{evidence.sample.label}] {_excerpt(evidence)}" for evidence in confusable]
    parts += ["", "列出能说明属于该类别的短语，必须是例子里出现过的原文，每行一个，不要解释："]
    return "\n".join(parts)


def _excerpt(evidence: Evidence, limit: int = 160) -> str:
    turns = [turn.text for turn in evidence.sample.turns if turn.role == "user" and turn.text]
    text = " / ".join(turns) if turns else evidence.ocr_text.replace("\n", " / ")
    return text[:limit]


def named_phrases(answer: str) -> list[str]:
    """The phrases in a model's answer, one per line, normalised and without bullets, numbers and quotes."""
    phrases = []
    for line in re.split(r"[\n,，、;；]", answer):
        phrase = normalise(re.sub(r"^\s*(?:[-*•]|\d+[.)、])\s*", "", line)).strip("「」“”\"'《》。.:：")
        if phrase:
            phrases.append(phrase)
    return phrases


def named_share(literals: Sequence[RuleLiteral], phrases: Sequence[str]) -> np.ndarray:
    """How well each literal [L] matches a named phrase: 1 for the same text, less if one contains the other's units."""
    share = np.zeros(len(literals))
    for row, literal in enumerate(literals):
        if isinstance(literal, OcrText | TurnText):
            for phrase in phrases:
                mine, theirs = spaced_units(literal.text), spaced_units(phrase)
                if mine in theirs or theirs in mine:
                    overlap = min(len(phrase), len(literal.text)) / max(len(phrase), len(literal.text))
                    share[row] = max(share[row], overlap)
    return share


def combine(parts: Sequence[np.ndarray | None], n: int) -> np.ndarray:
    """The prior [n] over literals, which sums to 1: equal shares of the sources that tell something, and uniform."""
    uniform = np.full(n, 1 / max(n, 1))
    informed = [part / part.sum() for part in parts if part is not None and part.sum() > 0]
    if not informed:
        return uniform
    return np.asarray(UNIFORM_SHARE * uniform + (1 - UNIFORM_SHARE) * np.mean(informed, axis=0))
