"""What the small model knows, as a prior over literals: how much it misses a cue, and which cues it would name.

Occlusion works for every model: the lines or turns that hold a cue are hidden, and the fall of the model's own
log-probability of the gold label is the cue's worth. A model that can write is also asked: it sees examples of a
label beside its confusables and names telling phrases; those that ground in the vocabulary count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from kdsl.config import RulesConfig
from kdsl.evidence.types import Evidence, Unit
from kdsl.rules.literals import OcrText, RuleLiteral, TurnText
from kdsl.rules.normalised import NormalisedEvidence, normalise
from kdsl.rules.teacher import Teacher
from kdsl.tasks import Task

UNIFORM_SHARE = 0.3
"""Share of the prior that stays uniform: what the model does not see can still be found."""
SHRINKAGE = 2.0
"""A cue's mean fall is taken as if it had also been hidden so many times without any."""
NAMED_SHARE = 0.5
"""Share of the informed part that goes to the cues a model named, where it can write."""


def choose_units(evidence: NormalisedEvidence, cues: Sequence[RuleLiteral], limit: int) -> list[Unit]:
    """The units to hide of one sample: those that hold most of the label's cues, stronger cues counting more."""
    worth: dict[Unit, float] = defaultdict(float)
    for rank, cue in enumerate(cues):
        for unit in cue.units(evidence):
            worth[unit] += 1 / (1 + rank)
    return sorted(worth, key=lambda unit: (-worth[unit], unit))[:limit]


def choose_samples(gold: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `limit` samples [k], as even over the labels as their numbers allow."""
    order = rng.permutation(len(gold))
    rank = np.zeros(len(gold), dtype=int)
    seen: dict[int, int] = defaultdict(int)
    for i in order:
        rank[i] = seen[int(gold[i])]
        seen[int(gold[i])] += 1
    return np.sort(order[np.argsort(rank[order], kind="stable")][:limit])


Falls = list[tuple[int, Unit, float]]
"""(sample, hidden unit, fall of the gold label's log-probability in nats)."""


def occlusion(
    evidences: Sequence[Evidence],
    normalised: Sequence[NormalisedEvidence],
    gold: np.ndarray,
    cues: Mapping[int, Sequence[RuleLiteral]],
    teacher: Teacher,
    config: RulesConfig,
    rng: np.random.Generator,
) -> tuple[Falls, dict[int, np.ndarray]]:
    """Hide the telling units of chosen samples one at a time and ask the small model each time.

    Args:
        gold: [n], column of each sample's label.
        cues: label column -> its cues, strongest first; they say which units are worth hiding.

    Returns:
        The falls, and the log-probabilities [m] of each chosen sample with nothing hidden.
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
    falls = [(i, unit, float(base[i][gold[i]] - hidden[row, gold[i]])) for row, (i, unit) in enumerate(jobs)]
    return falls, base


def worth_of(
    literals: Sequence[RuleLiteral], normalised: Sequence[NormalisedEvidence], falls: Falls, samples: set[int]
) -> np.ndarray:
    """Each literal's mean fall [L] in nats over those samples, shrunk towards 0 where it was hidden seldom."""
    by_sample: dict[int, dict[Unit, float]] = defaultdict(dict)
    for i, unit, fall in falls:
        if i in samples:
            by_sample[i][unit] = max(fall, 0.0)
    worth = np.zeros(len(literals))
    for row, literal in enumerate(literals):
        seen = [
            max(units[unit] for unit in holding)
            for i, units in by_sample.items()
            if (holding := [unit for unit in literal.units(normalised[i]) if unit in units])
        ]
        worth[row] = sum(seen) / (len(seen) + SHRINKAGE)
    return worth


def ask_prompt(task: Task, label: str, examples: Sequence[Evidence], confusable: Sequence[Evidence]) -> str:
    """The question to a model that can write: what tells this label's samples from its confusables'."""
    known = {entry.name: entry for entry in task.labels}
    parts = [f"类别：{label}（{known[label].zh}）", "", "属于该类别的例子："]
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
    """The phrases in a model's answer, normalised: one a line, bullets, numbers and quotes taken off."""
    phrases = []
    for line in re.split(r"[\n,，、;；]", answer):
        phrase = normalise(re.sub(r"^\s*(?:[-*•]|\d+[.)、])\s*", "", line)).strip("「」“”\"'《》。.:：")
        if phrase:
            phrases.append(phrase)
    return phrases


def named_share(literals: Sequence[RuleLiteral], phrases: Sequence[str]) -> np.ndarray:
    """How far each literal [L] grounds what was named: 1 for the text itself, less for a part of it or more."""
    share = np.zeros(len(literals))
    for row, literal in enumerate(literals):
        if isinstance(literal, OcrText | TurnText):
            for phrase in phrases:
                if literal.text in phrase or phrase in literal.text:
                    overlap = min(len(phrase), len(literal.text)) / max(len(phrase), len(literal.text))
                    share[row] = max(share[row], overlap)
    return share


def combine(worth: np.ndarray | None, named: np.ndarray | None, n: int) -> np.ndarray:
    """The prior [n] over literals, summing to 1: uniform where the model says nothing."""
    uniform = np.full(n, 1 / max(n, 1))
    informed = [part / part.sum() for part in (worth, named) if part is not None and part.sum() > 0]
    if not informed:
        return uniform
    shares = [1.0] if len(informed) == 1 else [1 - NAMED_SHARE, NAMED_SHARE]
    mixed = sum(share * part for share, part in zip(shares, informed, strict=True))
    return np.asarray(UNIFORM_SHARE * uniform + (1 - UNIFORM_SHARE) * mixed)
