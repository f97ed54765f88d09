"""Distillation: from labelled evidence, and what a small model thinks of it, to a rule book.

The search runs once per internal fold, on the other folds. A rule's votes on the fold that its search did not
see are honest; the weights are fitted on those alone, and so are the statistics that are shown. In the finished
book a rule that was found without k of the K folds carries its weight times k / K: summed over rules, these are
the mean logits of the K books that were judged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kdsl.config import RulesConfig
from kdsl.data.splits import stratified_folds
from kdsl.data.trainable import check_trainable
from kdsl.evidence.types import Evidence
from kdsl.progress import track
from kdsl.rules.book import RuleBook
from kdsl.rules.candidates import Candidate, LabelCues, Pool, found_in, search_conditions
from kdsl.rules.cues import Vocabulary, mine
from kdsl.rules.engine import bit_set, conditions, pack, unpack
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.occlusion import Falls, ask_prompt, combine, named_phrases, named_share, occlusion, worth_of
from kdsl.rules.rule import Origin, Rule, Stats
from kdsl.rules.search import Target
from kdsl.rules.teacher import Teacher, Write
from kdsl.rules.weights import fit_weights
from kdsl.scores import wilson_interval
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FOLDS = 5
"""Internal folds; fewer where there are fewer samples."""
PENALTY = 0.3
"""L1 penalty of the weights, in nats."""
LEAST_WEIGHT = 0.02
"""A rule of less weight is left out."""
TRUST = 3.0
"""A rule that a person wrote starts as if it had been right on so many samples."""
EXAMPLES = 4
"""Samples of a label, and of its confusables, that a model that can write is shown."""


@dataclass(frozen=True)
class _Material:
    """What all folds share: the evidences (labelled ones first), and what the small model said of them."""

    task: Task
    config: RulesConfig
    evidences: Sequence[Evidence]
    normalised: Sequence[NormalisedEvidence]
    gold: np.ndarray
    """[n labelled], column of each sample's label."""
    vocabulary: Vocabulary
    opinions: Mapping[int, np.ndarray]
    """Sample -> the small model's probabilities [m], where it was asked."""
    falls: Falls
    write: Write | None

    @property
    def labelled(self) -> int:
        """Bit set of the labelled samples."""
        return (1 << len(self.gold)) - 1

    def label_bits(self, owner: int) -> int:
        """Bit set of the samples of one label."""
        return bit_set(self.gold == owner)


def distill(
    evidences: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None = None,
    unlabelled: Sequence[Evidence] = (),
    seed: int = 17,
    seed_rules: Sequence[Rule] = (),
) -> RuleBook:
    """Distil a rule book.

    Args:
        evidences: samples with labels; those without join `unlabelled`.
        teacher: the small model. Without it (or with `occlusion_samples` = 0) the prior is uniform.
        unlabelled: samples that count in the reward by the teacher's opinion; without a teacher they change nothing.
        seed_rules: rules of a person (such as the shipped ones), judged and weighted beside the mined ones.

    Raises:
        InputError: the samples have fewer than two labels, or one that the task does not know.
    """
    rng = np.random.default_rng(seed)
    labelled = [e for e in evidences if e.sample.label is not None]
    check_trainable((e.sample for e in labelled), [task])
    extra = [*unlabelled, *(e for e in evidences if e.sample.label is None)] if teacher else []
    material = _observe(labelled, extra, task, config, teacher, rng)
    n_folds = min(FOLDS, len(labelled))
    fold_of = stratified_folds([e.sample for e in labelled], n_folds, seed)
    folds = np.array([fold_of[e.sample.id] for e in labelled])
    pool = _seeded(material, seed_rules, n_folds)
    rounds = [(fold, owner) for fold in range(n_folds) for owner in range(len(task.names))]
    for fold, owner in track(rounds, f"rules of {task.name}", len(rounds)):
        for candidate in _search(material, owner, fold, bit_set(folds == fold), int(rng.integers(2**31))):
            pool.add(candidate)
    return _book(material, pool.all(), folds, Origin(how="mined", model=teacher and teacher.name, seed=seed))


def _observe(
    labelled: Sequence[Evidence],
    extra: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None,
    rng: np.random.Generator,
) -> _Material:
    """Mine the vocabulary and ask the small model all that will be needed of it."""
    evidences = [*labelled, *extra]
    normalised = [NormalisedEvidence.of(evidence) for evidence in evidences]
    gold = np.array([task.index(str(e.sample.label)) for e in labelled])
    vocabulary = mine(normalised, config.min_support, pictures=task.input == "picture")
    opinions: dict[int, np.ndarray] = {}
    falls: Falls = []
    if teacher and extra:
        opinions.update({len(labelled) + i: row for i, row in enumerate(np.exp(teacher.scores(extra)))})
    if teacher and config.occlusion_samples:
        shown = (1 << len(labelled)) - 1
        cues = {
            owner: [
                vocabulary.literals[i]
                for i in vocabulary.of_label(bit_set(gold == owner), shown, config.max_cues, config.min_support)
            ]
            for owner in np.unique(gold).tolist()
        }
        falls, whole = occlusion(labelled, normalised, gold, cues, teacher, config, rng)
        opinions.update({i: np.exp(row) for i, row in whole.items()})
    write = teacher.write if teacher else None
    return _Material(task, config, evidences, normalised, gold, vocabulary, opinions, falls, write)


def _seeded(material: _Material, rules: Sequence[Rule], n_folds: int) -> Pool:
    pool = Pool()
    enabled = [rule for rule in rules if rule.enabled]
    held = conditions([rule.when for rule in enabled], material.normalised)
    for rule, bits in zip(enabled, held, strict=True):
        pool.add(Candidate(rule.when, material.task.index(rule.label), bits, set(range(n_folds)), rule))
    return pool


def _search(material: _Material, owner: int, fold: int, hidden: int, seed: int) -> list[Candidate]:
    shown = material.labelled & ~hidden
    gold = material.label_bits(owner) & shown
    if gold.bit_count() < material.config.min_support:
        return []
    cues = LabelCues.of(material.vocabulary, gold, shown, material.config)
    prior = _prior(material, cues, owner, gold, shown)
    target = Target(len(material.normalised), shown, gold)
    if len(material.normalised) > len(material.gold):
        opinion = {i: float(row[owner]) for i, row in material.opinions.items() if i >= len(material.gold)}
        target = Target.with_teacher(len(material.normalised), shown, gold, opinion)
    found = search_conditions(material.vocabulary, cues, prior, target, material.config, seed)
    return [Candidate(when, owner, bits, {fold}) for when, bits in found]


def _prior(material: _Material, cues: LabelCues, owner: int, gold: int, shown: int) -> np.ndarray:
    """The small model's prior over one label's literals, from shown samples alone. Negations get no more than
    their uniform share: what speaks against a label was not asked."""
    literals = [material.vocabulary.literals[i] for i in cues.indices[: cues.n_positive]]
    rest = np.zeros(len(cues.indices) - cues.n_positive)
    worth = named = None
    if material.falls:
        of_label = {i for i in range(len(material.gold)) if gold >> i & 1}
        worth = np.append(worth_of(literals, material.normalised, material.falls, of_label), rest)
    if material.write is not None and literals:
        answer = material.write(_question(material, cues, owner, gold, shown))
        named = np.append(named_share(literals, named_phrases(answer)), rest)
    return combine(worth, named, len(cues.indices))


def _question(material: _Material, cues: LabelCues, owner: int, gold: int, shown: int) -> str:
    """Examples of a label beside the shown samples of other labels on which most of its strongest cues hold."""
    held = unpack(cues.bits[: min(cues.n_positive, 20)], len(material.normalised)).sum(axis=0)
    members = [i for i in range(len(material.gold)) if gold >> i & 1]
    others = [i for i in range(len(material.gold)) if (shown & ~gold) >> i & 1]
    like = sorted(others, key=lambda i: (-held[i], i))[:EXAMPLES]
    return ask_prompt(
        material.task,
        material.task.names[owner],
        [material.evidences[i] for i in sorted(members, key=lambda i: (-held[i], i))[:EXAMPLES]],
        [material.evidences[i] for i in like],
    )


def _book(material: _Material, pool: list[Candidate], folds: np.ndarray, origin: Origin) -> RuleBook:
    """Weigh the candidates on their honest votes, keep each label's heaviest and all of a person's, weigh again."""
    n, n_folds, names = len(material.gold), int(folds.max()) + 1, material.task.names
    owners = np.array([c.owner for c in pool], dtype=int)
    fires = unpack(pack([c.bits & material.labelled for c in pool], n), n).T  # [n, r]
    judged = np.array([[fold in c.folds for c in pool] for fold in range(n_folds)], dtype=bool).reshape(
        n_folds, len(pool)
    )
    votes = fires & judged[folds]
    share = judged.mean(axis=0)
    given = np.array([_believed(c, material) for c in pool])
    weights, _ = fit_weights(votes, owners, material.gold, len(names), PENALTY, given)
    mined: dict[int, int] = {}
    kept: list[int] = []
    for i in np.argsort(-weights * share, kind="stable").tolist():
        if pool[i].by_hand:
            kept.append(i)
        elif weights[i] * share[i] >= LEAST_WEIGHT and mined.get(owners[i], 0) < material.config.rules_per_label:
            mined[owners[i]] = mined.get(owners[i], 0) + 1
            kept.append(i)
    weights, bias = fit_weights(votes[:, kept], owners[kept], material.gold, len(names), PENALTY, given[kept])
    weights *= share[kept]
    rules = []
    numbers: dict[str, int] = {}
    taken = {c.by_hand.id for c in pool if c.by_hand}
    for position in np.lexsort((-weights, owners[kept])):
        i, weight = kept[position], float(weights[position])
        if weight < LEAST_WEIGHT:
            continue
        candidate = pool[i]
        rivals: np.ndarray = fires[:, [k for k in kept if owners[k] != owners[i]]].max(axis=1, initial=False)
        stats = _stats(material, candidate, votes[:, i], rivals, pool, n_folds)
        if candidate.by_hand:
            rule = candidate.by_hand.model_copy(update={"weight": round(weight, 4), "stats": stats})
        else:
            rule = Rule(
                id=_new_id(f"m{candidate.owner + 1:02d}", numbers, taken),
                label=names[candidate.owner],
                when=candidate.when,
                weight=round(weight, 4),
                stats=stats,
                origin=origin,
            )
        rules.append(rule)
    biases = {name: round(float(value), 4) for name, value in zip(names, bias, strict=True)}
    return RuleBook(task=material.task.name, labels=names, bias=biases, rules=tuple(rules))


def _believed(candidate: Candidate, material: _Material) -> float:
    """The weight that a person's rule is drawn to: the given one times its precision, `TRUST` right answers added;
    NaN for mined rules. A rule that the data contradicts so fades, and is not merely outvoted by heavier ones."""
    if candidate.by_hand is None:
        return float("nan")
    held = candidate.bits & material.labelled
    hits = (held & material.label_bits(candidate.owner)).bit_count()
    return candidate.by_hand.weight * (hits + TRUST) / (held.bit_count() + TRUST)


def _new_id(prefix: str, numbers: dict[str, int], taken: set[str]) -> str:
    while True:
        numbers[prefix] = numbers.get(prefix, 0) + 1
        name = f"{prefix}-{numbers[prefix]}"
        if name not in taken:
            return name


def _stats(
    material: _Material, candidate: Candidate, held: np.ndarray, rivals: np.ndarray, pool: list[Candidate], k: int
) -> Stats:
    """What the rule did on labelled samples that its search had not seen (`held` [n]: it fires there)."""
    support = int(held.sum())
    hits = int((held & (material.gold == candidate.owner)).sum())
    of_label = int((material.gold == candidate.owner).sum())
    agreed = [int(row.argmax()) == candidate.owner for i, row in material.opinions.items() if candidate.bits >> i & 1]
    stability = len(found_in(candidate, pool, material.labelled)) / k
    return Stats(
        support=support,
        precision=round(hits / max(support, 1), 4),
        interval95=tuple(round(edge, 4) for edge in wilson_interval(hits, support)),
        recall=round(hits / max(of_label, 1), 4),
        fidelity=round(sum(agreed) / len(agreed), 4) if agreed else None,
        stability=round(stability, 4),
        conflicts=int((held & rivals).sum()),
    )
