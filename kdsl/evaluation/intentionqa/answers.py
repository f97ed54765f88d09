"""A scorer's answers to the items of a file: written line by line, continued after a kill, read back for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.data.files import Row, json_rows
from kdsl.ensemble.predictions import append
from kdsl.evaluation.intentionqa.items import LETTERS, Item
from kdsl.evaluation.intentionqa.scorers import OptionScores, Scorer
from kdsl.files import write_jsonl
from kdsl.intentions.backends.base import Failure
from kdsl.progress import track
from kdsl.runs import claim

STAMP, ANSWERS = "run.json", "answers.jsonl"

Line = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """What a scorer says of n items.

    `fit` and `prior` are [n, 4]; rows of a failed item are 0, and `failed` [n] marks them.
    """

    name: str
    fit: np.ndarray
    prior: np.ndarray
    failed: np.ndarray

    @property
    def has_prior(self) -> bool:
        """Whether options have priors that differ."""
        return bool(self.prior.any())


def answer(scorer: Scorer, items: Sequence[Item], folder: Path, inputs: Mapping[str, Any]) -> Answers:
    """Score the items that `folder` has no line of yet; failed ones are tried again.

    `folder/answers.jsonl` has a line per item: `id`, `fit` and `prior` per option, `answer`; or `id` and `error`.

    Args:
        inputs: what the answers depend on besides the scorer, by name.

    Raises:
        BundleError: the folder holds answers of another scorer or of other inputs.
        InputError: the folder cannot be written to.
    """
    file = folder / ANSWERS
    claim(
        folder / STAMP,
        {"scorer": scorer.name, "version": scorer.version, **inputs},
        "answers",
        "Choose another `out`, or delete that folder.",
    )
    lines = _kept(file)
    missing = [item for item in items if item.id not in lines]
    for item, scores in track(scorer.score(missing), scorer.name, len(missing)):
        lines[item.id] = _line(item, scores)
        append(file, lines[item.id])
    return _gathered(scorer.name, items, lines)


def _kept(file: Path) -> dict[str, Line]:
    """The whole lines of an earlier run that have scores; the others are taken out of the file."""
    if not file.is_file() or not file.stat().st_size:
        return {}
    rows = [row.value for row in json_rows(file) if isinstance(row, Row)]  # a last line that was cut off is none
    kept = {row["id"]: row for row in rows if "error" not in row}
    write_jsonl(file, kept.values())
    return kept


def _line(item: Item, scores: OptionScores | Failure) -> Line:
    if isinstance(scores, Failure):
        return {"id": item.id, "error": scores.reason}
    best = int(np.subtract(scores.fit, scores.prior).argmax())
    return {"id": item.id, "answer": LETTERS[best], "fit": list(scores.fit), "prior": list(scores.prior)}


def _gathered(name: str, items: Sequence[Item], lines: Mapping[str, Line]) -> Answers:
    nothing = [0.0] * len(LETTERS)
    found = [lines.get(item.id, {"error": "no answer"}) for item in items]
    return Answers(
        name,
        np.array([line.get("fit", nothing) for line in found]),
        np.array([line.get("prior", nothing) for line in found]),
        np.array(["error" in line for line in found]),
    )
