"""`Teacher`: the small model as used by rule distillation. `ScoreCache`: its scores, shared by runs and folds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kdsl.evidence.types import Evidence
from kdsl.runs import digest

Score = Callable[[Sequence[Evidence]], np.ndarray]
"""The small model on one task: n samples -> log-probabilities of the labels [n, m]."""
Write = Callable[[Sequence[str]], Iterable[str]]
"""Text generation: prompts -> the model's answers, in the same order."""

_CHUNK = 64
"""Samples scored between two writes to the file."""
_SCHEMA = 2
"""Part of the file's name; increased when keys or rows change their meaning, so that older entries are not used."""


class ScoreCache:
    """Scores of (partly hidden) evidence by one scorer, in memory and, with a folder, on disk.

    Args:
        fingerprint: identifies the scorer: model weights, adapter, prompt settings, task. Other scorers' entries are
            never used.
        folder: has one `occlusion-<digest>.jsonl` per scorer; lines are appended, and an incomplete last line is
            skipped.
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
        """Scores [n, m] of samples; the model scores those that are not cached."""
        keys = [_content_key(evidence) for evidence in evidences]
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


def _content_key(evidence: Evidence) -> str:
    """A digest of what a model can see of a sample: its turns, and what was observed in its pictures.

    Unlike `Evidence.digest` it does not depend on the sample's id and the pictures' names, which the small model
    does not read.
    """
    turns = [(turn.role, turn.text) for turn in evidence.sample.turns]
    return digest(turns, [picture.digest() for picture in evidence.pictures])


@dataclass(frozen=True)
class Teacher:
    """The small model on one task.

    `score` is used for occlusion, and its probabilities for unlabelled samples count in the reward. `write` generates
    text with the same model, if it can. `name` is recorded as the origin of the rules.
    """

    score: Score
    write: Write | None = None
    name: str | None = None
    cache: ScoreCache = field(default_factory=ScoreCache)
    """The cache of scores; by default one in memory for this teacher only."""

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities of the labels [n, m], using the cache."""
        return self.cache.scores(self.score, evidences)
