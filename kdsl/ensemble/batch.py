"""Predicting a file: lines are appended as they are made, and a killed run continues where it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError, KdslError
from kdsl.evidence.types import Evidence

BATCH = 8


def read_done(path: Path) -> set[str]:
    """Ids of the samples that an output file holds; a line cut off by a kill is removed from it.

    Raises:
        InputError: a line in the middle is no prediction: the file is something else.
    """
    if not path.is_file():
        return set()
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    done: set[str] = set()
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            done.add(json.loads(line)["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number}: not a prediction ({error!r}). To continue a run, --output must be its "
                "own file; choose another name."
            ) from error
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return done


def append(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Append JSON lines and flush them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def predict_rows(predictor: Predictor, evidences: Sequence[Evidence]) -> Iterator[dict[str, Any]]:
    """Predictions as JSON rows; a sample that fails becomes a row with `id`, `task` and `error`."""
    for start in range(0, len(evidences), BATCH):
        batch = evidences[start : start + BATCH]
        try:
            yield from [prediction.to_json() for prediction in predictor.predict(batch)]
        except KdslError:
            for evidence in batch:  # one by one, so that only the bad one is lost
                try:
                    yield predictor.predict([evidence])[0].to_json()
                except KdslError as error:
                    yield failure(evidence.sample.id, evidence.sample.task, str(error))


def failure(id: str | None, task: str | None, message: str) -> dict[str, Any]:
    """The line that stands for a sample that could not be predicted."""
    return {"id": id, "task": task, "error": message}
