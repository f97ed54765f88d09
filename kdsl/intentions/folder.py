"""`MiningFolder`: the files of a run of mining, and what a killed run or a later step finds in them.

OUT/mining.json        whose run it is: model, language, lengths; other ones must not continue it
    features.jsonl     stage 1, append-only by product
    intentions.jsonl   stage 2, append-only by (pair, relation)
    verdicts.jsonl     stage 3, append-only by (pair, relation): the judge's log-probabilities of yes and no
    pairs.jsonl        the pairs of the latest run, with the products' titles
    candidates.jsonl   each intention of these pairs, tidied, and the rule that drops it, if one does
    critic.json        with critic.safetensors: the critic, once `fit_on_verdicts` has made one
    precision.json     its precision and recall on verdicts that it has not seen
    documents.jsonl    what is kept, for `KnowledgeBase.add_files`
    report.json        with report.md: retention per stage, tokens, cost, precision
    manifest.json      written last
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.errors import BundleError
from kdsl.files import write_jsonl
from kdsl.intentions.log import Key, RowLog
from kdsl.runs import read_manifest

SCHEMA = 1
STAGES = ("features", "intentions", "verdicts")


@dataclass(frozen=True, slots=True)
class PairTitles:
    """A pair of the latest run: ids and titles of its products."""

    a: str
    b: str
    title_a: str
    title_b: str

    @property
    def key(self) -> Key:
        """The pair's part of a log's key."""
        return self.a, self.b


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intention that stage 2 wrote: the sentence, its part after the relation's wording, and why it was dropped."""

    a: str
    b: str
    relation: str
    text: str
    tail: str
    dropped: str | None
    """The name of a rule; None if all let it pass."""

    @property
    def key(self) -> Key:
        """Its key in the logs of stages 2 and 3."""
        return self.a, self.b, self.relation


class MiningFolder:
    """The paths of a run, and readers of what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp = path / "mining.json"
        self.manifest = path / "manifest.json"
        self.documents = path / "documents.jsonl"
        self.precision = path / "precision.json"
        self._pairs = path / "pairs.jsonl"
        self._candidates = path / "candidates.jsonl"

    def log(self, stage: str) -> RowLog:
        """The log of one of `STAGES`, open for appending."""
        return RowLog(self.path / f"{stage}.jsonl")

    def write_pairs(self, pairs: Iterable[PairTitles]) -> None:
        """Replace the pairs."""
        write_jsonl(self._pairs, (_plain(pair) for pair in pairs))

    def pairs(self) -> Iterator[PairTitles]:
        """The pairs of the latest run, in the order of their file."""
        return (PairTitles(**row) for row in _rows(self._pairs))

    def write_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Replace the candidates."""
        write_jsonl(self._candidates, (_plain(candidate) for candidate in candidates))

    def candidates(self) -> Iterator[Candidate]:
        """The candidates, pair by pair."""
        return (Candidate(**row) for row in _rows(self._candidates))

    def check_finished(self) -> dict[str, Any]:
        """The manifest of a finished run.

        Raises:
            BundleError: the run was not finished, or the folder holds none.
        """
        return read_manifest(
            self.manifest, SCHEMA, ("files",), "a finished mining run", "Run `kdsl knowledge mine` to its end first."
        )

    @property
    def has_critic(self) -> bool:
        """Whether a critic was fitted."""
        return (self.path / "critic.json").is_file()


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}). Run `kdsl knowledge mine` again.") from error
