"""`distill`: from labelled samples, and the small model's scores of them, to a rule book.

The search runs once per internal fold, on the other folds (`candidates`); what it finds is tested (`soundness`) and
trimmed (`trim`), and a book is made of what holds on unseen samples (`selection`, `assemble`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from kdsl.config import RulesConfig
from kdsl.data.splits import stratified_folds
from kdsl.data.trainable import check_trainable
from kdsl.evidence.copies import without_copies
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
from kdsl.rules.teacher import Teacher, Write
from kdsl.tasks import Task

log = logging.getLogger(__name__)

FOLDS = 5
"""Internal folds; fewer if there are fewer samples."""
EXAMPLES = 4
"""Examples of a label, and of its confusable labels, in the prompt for a model that can generate text."""


@dataclass(frozen=True)
class _Search:
    """One search for the rules of a label, which may not see the samples of a fold."""

    fold: int
    column: int
    gold: int
    """Bit set of the label's samples that it may see."""
    shown: int
    """Bit set of all that it may see."""
    cues: LabelCues
    seed: int


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
        evidences: labelled samples, of which copies count once: a rule that is tested on a copy of what it was found
            in is not tested. Any without a label are added to `unlabelled`.
        teacher: the small model. Without it labels' names and descriptions alone are the prior,
            and with `occlusion_samples` = 0 nothing is hidden.
        unlabelled: samples that count in the reward by the teacher's probabilities; ignored without a teacher.
        seed_rules: rules that a person wrote (such as the shipped ones), evaluated and weighted like the mined ones.
        embed: an encoder of texts. Without it there are no groups of words, and labels' descriptions are no evidence.

    Raises:
        InputError: the samples have fewer than two labels, or a label that the task does not have.
    """
    rng = np.random.default_rng(seed)
    given = [e for e in evidences if e.sample.label is not None]
    check_trainable((e.sample for e in given), [task])
    labelled = without_copies(given)
    if len(labelled) < len(given):
        log.info("rules of %s: %d samples are copies, which count once", task.name, len(given) - len(labelled))
    extra = [*unlabelled, *(e for e in evidences if e.sample.label is None)] if teacher else []
    names = {group.name for rule in seed_rules for group in rule.when.groups}
    context = _observe(labelled, extra, task, config, teacher, embed, names, rng)
    n_folds = min(FOLDS, len(labelled))
    fold_of = stratified_folds([e.sample for e in labelled], n_folds, seed)
    folds = np.array([fold_of[e.sample.id] for e in labelled])
    hidden = [bit_set(folds == fold) for fold in range(n_folds)]
    pool = _seeded(context, seed_rules, hidden)
    searches = _searches(context, hidden, rng)
    phrases = _written(context, searches, teacher.write) if teacher and teacher.write else [[]] * len(searches)
    for search, named in track(zip(searches, phrases, strict=True), f"rules of {task.name}", len(searches)):
        for candidate in _candidates(context, search, hidden[search.fold], named):
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
    return Context(
        task, config, evidences, normalised, gold, vocabulary, weights, embed is not None, teacher_probs, drops
    )


def _seeded(context: Context, rules: Sequence[Rule], hidden: Sequence[int]) -> Pool:
    pool = Pool()
    enabled = [rule for rule in rules if rule.enabled]
    held = condition_bits([rule.when for rule in enabled], context.normalised)
    for rule, bits in zip(enabled, held, strict=True):
        votes = {fold: bits & samples for fold, samples in enumerate(hidden)}
        pool.add(Candidate(rule.when, context.task.index(rule.label), bits, votes, rule))
    return pool


def _searches(context: Context, hidden: Sequence[int], rng: np.random.Generator) -> list[_Search]:
    """The searches, fold by fold and label by label, of labels that have enough samples outside of the fold."""
    searches = []
    for fold, samples in enumerate(hidden):
        shown = context.labelled & ~samples
        for column in range(len(context.task.names)):
            gold = context.label_bits(column) & shown
            seed = int(rng.integers(2**31))
            if gold.bit_count() >= context.config.min_support:
                cues = LabelCues.of(context.vocabulary, gold, shown, context.config)
                searches.append(_Search(fold, column, gold, shown, cues, seed))
    return searches


def _candidates(context: Context, search: _Search, hidden: int, phrases: Sequence[str]) -> list[Candidate]:
    n, labelled = len(context.normalised), len(context.gold)
    target = Target(n, search.shown, search.gold)
    if n > labelled:
        teacher_prob = {i: float(row[search.column]) for i, row in context.teacher_probs.items() if i >= labelled}
        target = Target.with_teacher(n, search.shown, search.gold, teacher_prob)
    prior = _prior(context, search, phrases)
    found = search_conditions(context.vocabulary, search.cues, prior, target, context.config, search.seed)
    return [Candidate(when, search.column, bits, {search.fold: bits & hidden}) for when, bits in found]


def _prior(context: Context, search: _Search, phrases: Sequence[str]) -> np.ndarray:
    """The prior over one label's literals: what the label is described as, and, from the shown samples only, what the
    small model goes by and which phrases it names. Negated literals get just the uniform share, because nobody is asked
    for evidence against a label."""
    cues = search.cues
    positive = cues.indices[: cues.n_positive]
    literals = [context.vocabulary.literals[i] for i in positive]
    rest = np.zeros(len(cues.indices) - cues.n_positive)
    parts = [np.append(context.weights[positive, search.column], rest)]
    if context.drops:
        of_label = {i for i in range(len(context.gold)) if search.gold >> i & 1}
        parts.append(np.append(importance(literals, context.normalised, context.drops, of_label), rest))
    if phrases:
        parts.append(np.append(named_share(literals, phrases), rest))
    return combine(parts, len(cues.indices))


def _written(context: Context, searches: Sequence[_Search], write: Write) -> list[list[str]]:
    """The phrases that a model names for each search that has literals; all are asked at once."""
    asked = [i for i, search in enumerate(searches) if search.cues.n_positive]
    questions = [_question(context, searches[i]) for i in asked]
    answers = track(write(questions), f"phrases of {context.task.name}", len(questions))
    phrases: list[list[str]] = [[] for _ in searches]
    for i, answer in zip(asked, answers, strict=True):
        phrases[i] = named_phrases(answer)
    return phrases


def _question(context: Context, search: _Search) -> str:
    """The prompt with examples of a label, and of other labels on which most of its strongest cues hold."""
    cues = search.cues
    held = unpack(cues.bits[: min(cues.n_positive, 20)], len(context.normalised)).sum(axis=0)
    members = [i for i in range(len(context.gold)) if search.gold >> i & 1]
    others = [i for i in range(len(context.gold)) if (search.shown & ~search.gold) >> i & 1]
    like = sorted(others, key=lambda i: (-held[i], i))[:EXAMPLES]
    return ask_prompt(
        context.task,
        context.task.names[search.column],
        [context.evidences[i] for i in sorted(members, key=lambda i: (-held[i], i))[:EXAMPLES]],
        [context.evidences[i] for i in like],
    )
