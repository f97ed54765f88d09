"""Which labelled samples get augmented copies: none, those of rare classes, or all.

A copy depends on the seed, its sample and its number alone, not on the order of the samples.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from kdsl.config import AugmentConfig
from kdsl.evidence.augment import augment_lines, augment_turns, load_words, random_view, seen_through
from kdsl.evidence.types import Evidence, Picture

_TIMES = {"rare": 1, "all": 2}


def augmented(evidences: Sequence[Evidence], config: AugmentConfig, seed: int) -> list[Evidence]:
    """The samples in their order, then their augmented copies; copies of `a` are called `a+1`, `a+2` and so on.

    `rare` fills each class up to the median class of its task, `all` gives each sample a copy besides (so it
    brings each class to twice its size, and to twice the median at least). A task's classes are those of its
    labelled samples; samples without a label are not copied. An id that is taken is passed over.

    Raises:
        ConfigError: the file of synonyms holds faults.
    """
    if config.policy == "none":
        return list(evidences)
    wanted = _wanted(evidences, _TIMES[config.policy], seed)
    taken = {evidence.sample.id for evidence in evidences}
    copies = []
    for i, evidence in enumerate(evidences):
        free = (id for id in _ids(evidence.sample.id) if id not in taken)
        copies += [augmented_copy(evidence, id, config, seed) for id in islice(free, wanted.get(i, 0))]
    return [*evidences, *copies]


def augmented_copy(evidence: Evidence, id: str, config: AugmentConfig, seed: int) -> Evidence:
    """One copy of a sample under an id of its own, changed as `config.text` and `config.pictures` say."""
    sample = evidence.sample
    rng = random.Random(f"{seed}/{sample.task}/{id}")
    turns, pictures = sample.turns, list(evidence.pictures)
    if config.text:
        turns = augment_turns(turns, load_words(Path(config.synonyms)), rng)
        pictures = [replace(picture, lines=augment_lines(picture.lines, rng)) for picture in pictures]
    if config.pictures:
        pictures = [_seen_anew(picture, rng) for picture in pictures]
    return Evidence(replace(sample, id=id, turns=turns), tuple(pictures))


def _wanted(evidences: Sequence[Evidence], times: int, seed: int) -> Mapping[int, int]:
    """How many copies each sample gets, by its place."""
    classes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, evidence in enumerate(evidences):
        if evidence.sample.label is not None:
            classes[evidence.sample.task, evidence.sample.label].append(i)
    sizes: dict[str, list[int]] = defaultdict(list)
    for (task, _), members in classes.items():
        sizes[task].append(len(members))
    wanted: dict[int, int] = defaultdict(int)
    for (task, _), members in classes.items():
        # by lot, so that it is not the file's first samples that are copied most
        members.sort(key=lambda i: random.Random(f"{seed}/{task}/{evidences[i].sample.id}").random())
        target = times * max(len(members), statistics.median_low(sizes[task]))
        for k in range(target - len(members)):
            wanted[members[k % len(members)]] += 1
    return wanted


def _ids(id: str) -> Iterator[str]:
    return (f"{id}+{number}" for number in count(1))


def _seen_anew(picture: Picture, rng: random.Random) -> Picture:
    return seen_through(picture, random_view(picture.width, picture.height, rng))
