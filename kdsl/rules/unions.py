"""Words of one label as one rule, though no encoder knows that they belong together.

Who wants to pay by instalments says 'emi', 'paisa finance' or 'interest', each too rarely to be tested alone. Their
union is a rule of one group, and its votes are as unseen as those of any other: a fold votes by the words that are no
chance, and right, without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from kdsl.rules.candidates import Candidate
from kdsl.rules.context import Context
from kdsl.rules.literals import OcrText, TurnText, how_of
from kdsl.rules.neighbours import MOST_WORDS
from kdsl.rules.rule import When
from kdsl.rules.selection import LEAST_UNSEEN, SOUND, unseen_counts
from kdsl.rules.trim import Held, Text, literal_of, texts_of
from kdsl.scores import wilson_interval

LEAST_RIGHT, RIGHT_PER_WRONG = 2, 2
"""Samples of the label that hold a word, and how many there are per sample of another label that does."""


def unions(
    context: Context, found: Sequence[Candidate], folds: Sequence[int], told: Sequence[np.ndarray], held: Held
) -> list[Candidate]:
    """For each label a candidate of the words of all candidates of one literal that look at the same texts, if it is
    sound on unseen samples.

    Args:
        folds: bit set of the labelled samples of each internal fold.
        told: for each fold, which candidates are no chance without it.
        held: the texts of all candidates.
    """
    looking: dict[tuple[int, type[Text], str | None], dict[int, tuple[Text, ...]]] = defaultdict(dict)
    for i, candidate in enumerate(found):
        if len(candidate.when.literals) == len(candidate.when.all) == 1:
            texts = [text for text in texts_of(candidate.when.all[0]) if isinstance(text, OcrText | TurnText)]
            words = tuple(text for text in texts if text.how == how_of(text.text))
            if words:
                where = words[0].place if isinstance(words[0], OcrText) else words[0].who
                looking[candidate.column, type(words[0]), where][i] = words
    made = []
    for (column, _, _), members in looking.items():
        whole = _telling(context, chain.from_iterable(members.values()), column, context.labelled, held)
        if len(whole) < 2:
            continue
        votes = {}
        for number, fold in enumerate(folds):
            known = chain.from_iterable(words for i, words in members.items() if told[number][i])
            votes[number] = held.any_of(_telling(context, known, column, context.labelled & ~fold, held)) & fold
        union = Candidate(When(all=(literal_of(whole),)), column, held.any_of(whole), votes)
        support, right = unseen_counts(context, union)
        if support >= LEAST_UNSEEN and wilson_interval(right, support)[0] > SOUND:
            made.append(union)
    return made


def _telling(context: Context, texts: Iterable[Text], column: int, shown: int, held: Held) -> tuple[Text, ...]:
    """Of some texts up to `MOST_WORDS` that tell the label by the shown samples, those of most samples first, each of
    which is right where no earlier one holds."""
    of_label = context.label_bits(column) & shown
    counts = {
        text: ((held.bits[text] & of_label).bit_count(), (held.bits[text] & shown & ~of_label).bit_count())
        for text in texts
    }
    kept: list[Text] = []
    known = 0
    for text in sorted(counts, key=lambda text: (-counts[text][0], counts[text][1], text.text)):
        right, wrong = counts[text]
        new = held.bits[text] & shown & ~known
        if right < LEAST_RIGHT or right < RIGHT_PER_WRONG * wrong or len(kept) == MOST_WORDS:
            continue
        if (new & of_label).bit_count() >= max((new & ~of_label).bit_count(), 1):
            kept.append(text)
            known |= new
    return tuple(kept)
