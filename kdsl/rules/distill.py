"""`distill`: from labelled samples, and the small model's scores of them, to a rule book.

The search runs once per internal fold, on the other folds (`candidates`); what it finds is tested (`soundness`) and
trimmed (`trim`), and a book is made of what holds on unseen samples (`selection`, `assemble`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set

import numpy as np

from kdsl.config import RulesConfig
from kdsl.data.splits import stratified_folds
from kdsl.data.trainable import check_trainable
from kdsl.evidence.types import Evidence
from kdsl.progress import track
from kdsl.rules.assemble import assemble
from kdsl.rules.book import RuleBook
from kdsl.rules.candidates import Candidate, LabelCues, Pool, search_conditions
from kdsl.rules.context import Context
from kdsl.rules.cues import mine
from kdsl.rules.engine import bit_set, condition_bits, unpack
from kdsl.rules.meaning import meaning_weights
from kdsl.rules.neighbours import Embed
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.occlusion import Drops, ask_prompt, combine, importance, named_phrases, named_share, occlusion
from kdsl.rules.rule import Origin, Rule
from kdsl.rules.search import Target
from kdsl.rules.teacher import Teacher
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FOLDS = 5
"""Internal folds; fewer if there are fewer samples."""
EXAMPLES = 4
"""Examples of a label, and of its confusable labels, in the prompt for a model that can generate text."""


def distill(
    evidences: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None = None,
    unlabelled: Sequence[Evidence] = (),
    seed: int = 17,
    seed_rules: Sequence[Rule] = (),
    embed: Embed | None = None,
) -> RuleBook:
    """Distil a rule book from labelled samples.

    Args:
        evidences: labelled samples; any without a label are added to `unlabelled`.
        teacher: the small model. Without it labels' names and descriptions alone are the prior,
            and with `occlusion_samples` = 0 nothing is hidden.
        unlabelled: samples that count in the reward by the teacher's probabilities; ignored without a teacher.
        seed_rules: rules that a person wrote (such as the shipped ones), evaluated and weighted like the mined ones.
        embed: an encoder of texts. Without it there are no groups of words, and labels' descriptions are no evidence.

    Raises:
        InputError: the samples have fewer than two labels, or a label that the task does not have.
    """
    rng = np.random.default_rng(seed)
    labelled = [e for e in evidences if e.sample.label is not None]
    check_trainable((e.sample for e in labelled), [task])
    extra = [*unlabelled, *(e for e in evidences if e.sample.label is None)] if teacher else []
    names = {group.name for rule in seed_rules for group in rule.when.groups}
    context = _observe(labelled, extra, task, config, teacher, embed, names, rng)
    n_folds = min(FOLDS, len(labelled))
    fold_of = stratified_folds([e.sample for e in labelled], n_folds, seed)
    folds = np.array([fold_of[e.sample.id] for e in labelled])
    hidden = [bit_set(folds == fold) for fold in range(n_folds)]
    pool = _seeded(context, seed_rules, hidden)
    rounds = [(fold, column) for fold in range(n_folds) for column in range(len(task.names))]
    for fold, column in track(rounds, f"rules of {task.name}", len(rounds)):
        for candidate in _search(context, column, fold, hidden[fold], int(rng.integers(2**31))):
            pool.add(candidate)
    return assemble(context, pool.all(), hidden, Origin(how="mined", model=teacher and teacher.name, seed=seed))


def _observe(
    labelled: Sequence[Evidence],
    extra: Sequence[Evidence],
    task: Task,
    config: RulesConfig,
    teacher: Teacher | None,
    embed: Embed | None,
    taken: Set[str],
    rng: np.random.Generator,
) -> Context:
    """Mine the vocabulary and collect all scores of the small model that the searches need."""
    evidences = [*labelled, *extra]
    normalised = [NormalisedEvidence.of(evidence) for evidence in evidences]
    gold = np.array([task.index(str(e.sample.label)) for e in labelled])
    vocabulary = mine(normalised, config.min_support, task.input == "picture", embed, taken)
    weights = meaning_weights(vocabulary.literals, task, embed)
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
    return Context(
        task, config, evidences, normalised, gold, vocabulary, weights, embed is not None, teacher_probs, drops, write
    )


def _seeded(context: Context, rules: Sequence[Rule], hidden: Sequence[int]) -> Pool:
    pool = Pool()
    enabled = [rule for rule in rules if rule.enabled]
    held = condition_bits([rule.when for rule in enabled], context.normalised)
    for rule, bits in zip(enabled, held, strict=True):
        votes = {fold: bits & samples for fold, samples in enumerate(hidden)}
        pool.add(Candidate(rule.when, context.task.index(rule.label), bits, votes, rule))
    return pool


def _search(context: Context, column: int, fold: int, hidden: int, seed: int) -> list[Candidate]:
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
    return [Candidate(when, column, bits, {fold: bits & hidden}) for when, bits in found]


def _prior(context: Context, cues: LabelCues, column: int, gold: int, shown: int) -> np.ndarray:
    """The prior over one label's literals: what the label is described as, and, from the shown samples only, what the
    small model goes by. Negated literals get just the uniform share, because nobody is asked for evidence against a
    label."""
    positive = cues.indices[: cues.n_positive]
    literals = [context.vocabulary.literals[i] for i in positive]
    rest = np.zeros(len(cues.indices) - cues.n_positive)
    parts = [np.append(context.weights[positive, column], rest)]
    if context.drops:
        of_label = {i for i in range(len(context.gold)) if gold >> i & 1}
        parts.append(np.append(importance(literals, context.normalised, context.drops, of_label), rest))
    if context.write is not None and literals:
        answer = context.write(_question(context, cues, column, gold, shown))
        parts.append(np.append(named_share(literals, named_phrases(answer)), rest))
    return combine(parts, len(cues.indices))


def _question(context: Context, cues: LabelCues, column: int, gold: int, shown: int) -> str:
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
