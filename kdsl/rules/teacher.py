"""`Teacher`: the small model as distillation asks it. `ScoreCache`: the scores it gave, kept across runs and folds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kdsl.evidence.types import Evidence
from kdsl.runs import digest

Score = Callable[[Sequence[Evidence]], np.ndarray]
"""The small model on one task: evidences -> log-probabilities of the labels [n, m]."""
Write = Callable[[str], str]
"""A model that can write: a prompt -> its answer."""

_CHUNK = 64
"""Evidences scored between two writes to the file."""
_SCHEMA = 2
"""Part of the file's name; raised when keys or rows change their meaning, so that older entries are never read."""


class ScoreCache:
    """Scores of (partly hidden) evidence by one scorer, in memory and, with a folder, on disk.

    Args:
        fingerprint: identifies the scorer: model weights, adapter, prompt settings, task. Other scorers' entries are
            never used.
        folder: holds one `occlusion-<digest>.jsonl` per scorer; lines are appended, a torn last line is skipped.
    """

    def __init__(self, fingerprint: str = "", folder: Path | None = None) -> None:
        self._rows: dict[str, list[float]] = {}
        self._file: Path | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = folder / f"occlusion-{digest(_SCHEMA, fingerprint)}.jsonl"
            if self._file.exists():
                for line in self._file.read_text("utf-8").splitlines():
                    try:
                        key, row = json.loads(line)
                    except ValueError:
                        continue  # a writer was killed in the middle of its line
                    self._rows[key] = row

    def scores(self, score: Score, evidences: Sequence[Evidence]) -> np.ndarray:
        """Scores [n, m] of evidences, the model being asked for those that are not known yet."""
        keys = [_seen(evidence) for evidence in evidences]
        missing = {key: e for key, e in zip(keys, evidences, strict=True) if key not in self._rows}
        todo = list(missing.items())
        for start in range(0, len(todo), _CHUNK):
            part = todo[start : start + _CHUNK]
            rows = np.asarray(score([evidence for _, evidence in part]), dtype=float)
            for (key, _), row in zip(part, rows, strict=True):
                self._rows[key] = [round(float(value), 5) for value in row]
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write("".join(json.dumps([key, self._rows[key]]) + "\n" for key, _ in part))
        return np.array([self._rows[key] for key in keys])


def _seen(evidence: Evidence) -> str:
    """A digest of what a model can see of an evidence: its turns, and what was observed in its pictures.

    Unlike `Evidence.digest` it leaves out the sample's id and the pictures' names, which differ from shop to shop
    where the content is the same, and which the small model does not read.
    """
    turns = [(turn.role, turn.text) for turn in evidence.sample.turns]
    return digest(turns, [picture.digest() for picture in evidence.pictures])


@dataclass(frozen=True)
class Teacher:
    """The small model on one task.

    `score` guides the search by what the model loses when a cue is hidden, and its opinion of unlabelled samples counts
    in the reward. `write` is the same model answering in free text, if it can. `name` is noted as the rules' origin.
    """

    score: Score
    write: Write | None = None
    name: str | None = None
    cache: ScoreCache = field(default_factory=ScoreCache)
    """Scores known already; by default those of this teacher alone, in memory."""

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities of the labels [n, m], through the cache."""
        return self.cache.scores(self.score, evidences)
