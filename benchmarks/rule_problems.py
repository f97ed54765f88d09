"""What the methods of `rules.py` learn from: five tasks, their folds, and the binary cue matrix of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from own_labels import evidence_of, labels_of, read, task_of

from kdsl.config import AUTO, Config, RulesConfig
from kdsl.config_file import load_tasks
from kdsl.data.splits import read_folds, stratified_folds
from kdsl.encoders.registry import TEXT_ENCODERS, text_encoder
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.models.generation import writer
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer
from kdsl.rules.candidates import AGAINST
from kdsl.rules.cues import mine
from kdsl.rules.engine import bit_set, literal_bits, pack, unpack
from kdsl.rules.neighbours import Embed
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.teacher import ScoreCache, Teacher, Write
from kdsl.tasks import Task, task_by_name

TASKS = ("scene", "intent", "sofmattress-v1", "sofmattress-v2", "banking77")


@dataclass(frozen=True)
class Cues:
    """The cue matrix: which literals hold on which samples.

    Attributes:
        names: the literals' lines [L].
        train, test: bool [n, L] and [k, L].
        of_label: per label, the columns that a search for that label may use: the strongest for it and against it.
    """

    names: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray
    of_label: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Problem:
    """One fold: labelled samples to learn from, and others to be judged on.

    Attributes:
        embed: the encoder of texts by which words are put into groups and held against labels' descriptions.
        teacher: opens the small model for occlusion, and for writing where it can write.
    """

    name: str
    fold: int
    task: Task
    rules: RulesConfig
    train: Sequence[Evidence]
    test: Sequence[Evidence]
    embed: Embed | None
    teacher: Callable[[], Teacher]

    @cached_property
    def gold(self) -> np.ndarray:
        """Columns [n] of the labels of `train`."""
        return self.columns(self.train)

    def columns(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Columns of the samples' labels."""
        return np.array([self.task.index(str(e.sample.label)) for e in evidences], dtype=int)

    @cached_property
    def cues(self) -> Cues:
        """kdsl's vocabulary of `train`, and of it for each label what `distill` lets a search use."""
        n = len(self.train)
        pictures = self.task.input == "picture"
        seen = [NormalisedEvidence.of(e) for e in self.train]
        vocabulary = mine(seen, self.rules.min_support, pictures, self.embed)
        chosen = []
        for column in range(len(self.task.names)):
            positive, shown = bit_set(self.gold == column), (1 << n) - 1
            most = self.rules.max_cues
            strongest = vocabulary.of_label(positive, shown, most, self.rules.min_support)
            chosen.append(np.append(strongest, vocabulary.against(positive, shown, int(most * AGAINST))))
        used = np.unique(np.concatenate(chosen)).astype(int)
        literals = [vocabulary.literals[i] for i in used]
        held = literal_bits(literals, [NormalisedEvidence.of(e) for e in self.test])
        return Cues(
            tuple(map(str, literals)),
            unpack(vocabulary.bits[used], n).T,
            unpack(pack([held[literal] for literal in literals], len(self.test)), len(self.test)).T,
            tuple(np.searchsorted(used, columns) for columns in chosen),
        )

    def halves(self, seed: int) -> tuple[Problem, Problem]:
        """The problem with either half of `train`, stratified by label."""
        half = stratified_folds([e.sample for e in self.train], 2, seed)
        one, other = ([e for e in self.train if half[e.sample.id] == h] for h in (0, 1))
        return replace(self, train=one), replace(self, train=other)

    def shuffled(self, seed: int) -> Problem:
        """The problem with the labels of `train` dealt out anew."""
        labels = np.random.default_rng(seed).permutation([str(e.sample.label) for e in self.train])
        train = [replace(e, sample=replace(e.sample, label=str(x))) for e, x in zip(self.train, labels, strict=True)]
        return replace(self, train=train)


class Data:
    """The folder of measured data: `mire/{train.json,images,ocr.jsonl,folds.json}` and `own_labels/`, as
    docs/data.md and docs/results.md say where to get them."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = config
        self.models = Models(config)
        self._caches: dict[str, ScoreCache] = {}

    def problems(self, name: str, seed: int) -> Iterator[Problem]:
        """The folds of a task; `seed` (0, 1, 2) says which drawn training file of BANKING77 is read."""
        if name in ("scene", "intent"):
            yield from self._mire(name)
            return
        own = self.folder / "own_labels"
        if name == "banking77":
            files = own / name / f"train-10-seed{seed}.csv", own / name / "test.csv"
        else:
            shop, version = name.split("-")
            files = own / shop / f"train-{version}.csv", own / shop / f"test-{version}.csv"
        train, test = map(read, files)
        task = task_of(labels_of(train))
        asked = [e for e in evidence_of(test, task) if e.sample.label is not None]  # the questions that a label fits
        yield self._problem(name, 0, task, evidence_of(train, task), asked)

    def whole(self, name: str) -> Problem:
        """All labelled samples of a task, and none to be judged on."""
        first = next(self.problems(name, 0))
        train = [*first.train, *first.test] if name in ("scene", "intent") else first.train
        return replace(first, train=train, test=())

    @cached_property
    def _write(self) -> Write | None:
        """What the small model writes; a request is answered once."""
        write = writer(self.models.small)
        if write is None:
            return None
        known: dict[str, str] = {}

        def answers(requests: Sequence[str]) -> list[str]:
            new = [request for request in dict.fromkeys(requests) if request not in known]
            known.update(zip(new, write(new), strict=True))
            return [known[request] for request in requests]

        return answers

    @cached_property
    def _observed(self) -> Sequence[Evidence]:
        mire = self.folder / "mire"
        return load_evidence(
            [mire / "train.json"],
            mire / "images",
            load_tasks(self.config),
            self.config.evidence,
            mire / "ocr.jsonl",
        )

    def _mire(self, name: str) -> Iterator[Problem]:
        task = task_by_name(load_tasks(self.config), name)
        folds = read_folds(self.folder / "mire" / "folds.json", [e.sample.id for e in self._observed])
        own = [e for e in self._observed if e.sample.task == name]
        for fold in sorted({folds[e.sample.id] for e in own}):
            train = [e for e in own if folds[e.sample.id] != fold]
            test = [e for e in own if folds[e.sample.id] == fold]
            yield self._problem(name, fold, task, train, test)

    def _problem(
        self, name: str, fold: int, task: Task, train: Sequence[Evidence], test: Sequence[Evidence]
    ) -> Problem:
        def teacher() -> Teacher:
            scorer = LabelScorer(self.models.small, task, self.config.prompt)
            kept = self._caches.setdefault(name, ScoreCache())
            return Teacher(scorer.score, self._write, self.models.small.name, kept)

        names = self.config.encoders.text
        first = TEXT_ENCODERS[0].name if names == (AUTO,) else (names or (None,))[0]  # as `kdsl.experts.rules` has it
        embed = text_encoder(first).encode if first else None
        return Problem(name, fold, task, self.config.rules, train, test, embed, teacher)
