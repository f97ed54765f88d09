"""`distill`: from labelled samples, and the small model's scores of them, to a rule book.

The search runs once per internal fold, on the other folds. Weights and statistics of a rule are computed only from
its out-of-fold votes, those on folds that its search did not see. A rule that was found when k of the K folds were
held out gets its weight times k / K: the logits of the book are then the mean logits of the K out-of-fold books.
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
from kdsl.rules.engine import bit_set, condition_bits, pack, unpack
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.occlusion import Drops, ask_prompt, combine, importance, named_phrases, named_share, occlusion
from kdsl.rules.rule import Origin, Rule, Stats
from kdsl.rules.search import Target
from kdsl.rules.teacher import Teacher, Write
from kdsl.rules.weights import fit_weights
from kdsl.scores import wilson_interval
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FOLDS = 5
"""Internal folds; fewer if there are fewer samples."""
PENALTY = 0.3
"""L1 penalty on the weights, in nats."""
MIN_WEIGHT = 0.02
"""Rules with a smaller weight are dropped."""
PRIOR_CORRECT = 3.0
"""Samples on which a rule that a person wrote is assumed to be right, in addition to the observed ones."""
EXAMPLES = 4
"""Examples of a label, and of its confusable labels, in the prompt for a model that can generate text."""


@dataclass(frozen=True)
class _Context:
    """What the searches of all folds share: the samples (labelled ones first) and the small model's scores of them."""

    task: Task
    config: RulesConfig
    evidences: Sequence[Evidence]
    normalised: Sequence[NormalisedEvidence]
    gold: np.ndarray
    """[n labelled], column of each sample's label."""
    vocabulary: Vocabulary
    teacher_probs: Mapping[int, np.ndarray]
    """Sample -> the small model's probabilities [m], for the samples that it scored."""
    drops: Drops
    write: Write | None

    @property
    def labelled(self) -> int:
        """Bit set of the labelled samples."""
        return (1 << len(self.gold)) - 1

    def label_bits(self, column: int) -> int:
        """Bit set of the labelled samples of one label."""
        return bit_set(self.gold == column)


def distill(
    evidences: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None = None,
    unlabelled: Sequence[Evidence] = (),
    seed: int = 17,
    seed_rules: Sequence[Rule] = (),
) -> RuleBook:
    """Distil a rule book from labelled samples.

    Args:
        evidences: labelled samples; any without a label are added to `unlabelled`.
        teacher: the small model. Without it (or with `occlusion_samples` = 0) the prior is uniform.
        unlabelled: samples that count in the reward by the teacher's probabilities; ignored without a teacher.
        seed_rules: rules that a person wrote (such as the shipped ones), evaluated and weighted like the mined ones.

    Raises:
        InputError: the samples have fewer than two labels, or a label that the task does not have.
    """
    rng = np.random.default_rng(seed)
    labelled = [e for e in evidences if e.sample.label is not None]
    check_trainable((e.sample for e in labelled), [task])
    extra = [*unlabelled, *(e for e in evidences if e.sample.label is None)] if teacher else []
    context = _observe(labelled, extra, task, config, teacher, rng)
    n_folds = min(FOLDS, len(labelled))
    fold_of = stratified_folds([e.sample for e in labelled], n_folds, seed)
    folds = np.array([fold_of[e.sample.id] for e in labelled])
    pool = _seeded(context, seed_rules, n_folds)
    rounds = [(fold, column) for fold in range(n_folds) for column in range(len(task.names))]
    for fold, column in track(rounds, f"rules of {task.name}", len(rounds)):
        for candidate in _search(context, column, fold, bit_set(folds == fold), int(rng.integers(2**31))):
            pool.add(candidate)
    return _book(context, pool.all(), folds, Origin(how="mined", model=teacher and teacher.name, seed=seed))


def _observe(
    labelled: Sequence[Evidence],
    extra: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None,
    rng: np.random.Generator,
) -> _Context:
    """Mine the vocabulary and collect all scores of the small model that the searches need."""
    evidences = [*labelled, *extra]
    normalised = [NormalisedEvidence.of(evidence) for evidence in evidences]
    gold = np.array([task.index(str(e.sample.label)) for e in labelled])
    vocabulary = mine(normalised, config.min_support, pictures=task.input == "picture")
    teacher_probs: dict[int, np.ndarray] = {}
    drops: Drops = []
    if teacher and extra:
        teacher_probs.update({len(labelled) + i: row for i, row in enumerate(np.exp(teacher.scores(extra)))})
    if teacher and config.occlusion_samples:
        shown = (1 << len(labelled)) - 1
        cues = {
            column: [
                vocabulary.literals[i]
                for i in vocabulary.of_label(bit_set(gold == column), shown, config.max_cues, config.min_support)
            ]
            for column in np.unique(gold).tolist()
        }
        drops, whole = occlusion(labelled, normalised, gold, cues, teacher, config, rng)
        teacher_probs.update({i: np.exp(row) for i, row in whole.items()})
    write = teacher.write if teacher else None
    return _Context(task, config, evidences, normalised, gold, vocabulary, teacher_probs, drops, write)


def _seeded(context: _Context, rules: Sequence[Rule], n_folds: int) -> Pool:
    pool = Pool()
    enabled = [rule for rule in rules if rule.enabled]
    held = condition_bits([rule.when for rule in enabled], context.normalised)
    for rule, bits in zip(enabled, held, strict=True):
        pool.add(Candidate(rule.when, context.task.index(rule.label), bits, set(range(n_folds)), rule))
    return pool


def _search(context: _Context, column: int, fold: int, hidden: int, seed: int) -> list[Candidate]:
    shown = context.labelled & ~hidden
    gold = context.label_bits(column) & shown
    if gold.bit_count() < context.config.min_support:
        return []
    cues = LabelCues.of(context.vocabulary, gold, shown, context.config)
    prior = _prior(context, cues, column, gold, shown)
    target = Target(len(context.normalised), shown, gold)
    if len(context.normalised) > len(context.gold):
        teacher_prob = {i: float(row[column]) for i, row in context.teacher_probs.items() if i >= len(context.gold)}
        target = Target.with_teacher(len(context.normalised), shown, gold, teacher_prob)
    found = search_conditions(context.vocabulary, cues, prior, target, context.config, seed)
    return [Candidate(when, column, bits, {fold}) for when, bits in found]


def _prior(context: _Context, cues: LabelCues, column: int, gold: int, shown: int) -> np.ndarray:
    """The small model's prior over one label's literals, from the shown samples only. Negated literals get just the
    uniform share, because the model is not asked for evidence against a label."""
    literals = [context.vocabulary.literals[i] for i in cues.indices[: cues.n_positive]]
    rest = np.zeros(len(cues.indices) - cues.n_positive)
    by_occlusion = named = None
    if context.drops:
        of_label = {i for i in range(len(context.gold)) if gold >> i & 1}
        by_occlusion = np.append(importance(literals, context.normalised, context.drops, of_label), rest)
    if context.write is not None and literals:
        answer = context.write(_question(context, cues, column, gold, shown))
        named = np.append(named_share(literals, named_phrases(answer)), rest)
    return combine(by_occlusion, named, len(cues.indices))


def _question(context: _Context, cues: LabelCues, column: int, gold: int, shown: int) -> str:
    """The prompt with examples of a label, and of other labels on which most of its strongest cues hold."""
    held = unpack(cues.bits[: min(cues.n_positive, 20)], len(context.normalised)).sum(axis=0)
    members = [i for i in range(len(context.gold)) if gold >> i & 1]
    others = [i for i in range(len(context.gold)) if (shown & ~gold) >> i & 1]
    like = sorted(others, key=lambda i: (-held[i], i))[:EXAMPLES]
    return ask_prompt(
        context.task,
        context.task.names[column],
        [context.evidences[i] for i in sorted(members, key=lambda i: (-held[i], i))[:EXAMPLES]],
        [context.evidences[i] for i in like],
    )


def _book(context: _Context, pool: list[Candidate], folds: np.ndarray, origin: Origin) -> RuleBook:
    """Fit weights on out-of-fold votes, select per label the largest ones and all rules of a person, fit again."""
    n, n_folds, names = len(context.gold), int(folds.max()) + 1, context.task.names
    columns = np.array([c.column for c in pool], dtype=int)
    fires = unpack(pack([c.bits & context.labelled for c in pool], n), n).T  # [n, r]
    judged = np.array([[fold in c.folds for c in pool] for fold in range(n_folds)], dtype=bool).reshape(
        n_folds, len(pool)
    )
    votes = fires & judged[folds]
    share = judged.mean(axis=0)
    prior_weights = np.array([_prior_weight(c, context) for c in pool])
    weights, _ = fit_weights(votes, columns, context.gold, len(names), PENALTY, prior_weights)
    mined: dict[int, int] = {}
    kept: list[int] = []
    for i in np.argsort(-weights * share, kind="stable").tolist():
        if pool[i].by_hand:
            kept.append(i)
        elif weights[i] * share[i] >= MIN_WEIGHT and mined.get(columns[i], 0) < context.config.rules_per_label:
            mined[columns[i]] = mined.get(columns[i], 0) + 1
            kept.append(i)
    weights, bias = fit_weights(votes[:, kept], columns[kept], context.gold, len(names), PENALTY, prior_weights[kept])
    weights *= share[kept]
    rules = []
    numbers: dict[str, int] = {}
    taken = {c.by_hand.id for c in pool if c.by_hand}
    for position in np.lexsort((-weights, columns[kept])):
        i, weight = kept[position], float(weights[position])
        if weight < MIN_WEIGHT:
            continue
        candidate = pool[i]
        rivals: np.ndarray = fires[:, [k for k in kept if columns[k] != columns[i]]].max(axis=1, initial=False)
        stats = _stats(context, candidate, votes[:, i], rivals, pool, n_folds)
        if candidate.by_hand:
            rule = candidate.by_hand.model_copy(update={"weight": round(weight, 4), "stats": stats})
        else:
            rule = Rule(
                id=_new_id(f"m{candidate.column + 1:02d}", numbers, taken),
                label=names[candidate.column],
                when=candidate.when,
                weight=round(weight, 4),
                stats=stats,
                origin=origin,
            )
        rules.append(rule)
    biases = {name: round(float(value), 4) for name, value in zip(names, bias, strict=True)}
    return RuleBook(task=context.task.name, labels=names, bias=biases, rules=tuple(rules))


def _prior_weight(candidate: Candidate, context: _Context) -> float:
    """The mean of the normal prior on the weight of a person's rule; NaN for mined rules.

    It is the weight that the person gave times the rule's precision, smoothed by `PRIOR_CORRECT`: a rule that the
    data contradicts loses weight."""
    if candidate.by_hand is None:
        return float("nan")
    held = candidate.bits & context.labelled
    correct = (held & context.label_bits(candidate.column)).bit_count()
    return candidate.by_hand.weight * (correct + PRIOR_CORRECT) / (held.bit_count() + PRIOR_CORRECT)


def _new_id(prefix: str, numbers: dict[str, int], taken: set[str]) -> str:
    while True:
        numbers[prefix] = numbers.get(prefix, 0) + 1
        name = f"{prefix}-{numbers[prefix]}"
        if name not in taken:
            return name


def _stats(
    context: _Context, candidate: Candidate, held: np.ndarray, rivals: np.ndarray, pool: list[Candidate], k: int
) -> Stats:
    """Statistics of a rule on labelled samples that its search had not seen; `held` [n] says where it fires."""
    support = int(held.sum())
    correct = int((held & (context.gold == candidate.column)).sum())
    of_label = int((context.gold == candidate.column).sum())
    agreed = [
        int(row.argmax()) == candidate.column for i, row in context.teacher_probs.items() if candidate.bits >> i & 1
    ]
    stability = len(found_in(candidate, pool, context.labelled)) / k
    return Stats(
        support=support,
        precision=round(correct / max(support, 1), 4),
        interval95=tuple(round(edge, 4) for edge in wilson_interval(correct, support)),
        recall=round(correct / max(of_label, 1), 4),
        fidelity=round(sum(agreed) / len(agreed), 4) if agreed else None,
        stability=round(stability, 4),
        conflicts=int((held & rivals).sum()),
    )
