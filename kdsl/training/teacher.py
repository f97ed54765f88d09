"""The teacher of a student: the large model's distributions over a task's labels.

They come from the large model and its adapters, asked once and kept as JSON lines, or from a file of predictions
(of `kdsl predict` or `kdsl experiment crossval`: the whole system's). Both files have the same lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import Config, PromptConfig, StudentConfig
from kdsl.data.files import BadRow, json_rows
from kdsl.errors import BundleError, ConfigError, InputError, did_you_mean
from kdsl.evidence.types import Evidence
from kdsl.files import atomic_write
from kdsl.models.adapters import SHIFT, load_adapter, remove_adapter, weights_file
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.progress import track
from kdsl.runs import digest
from kdsl.tasks import Task

CHUNK = 32
"""Samples that a teacher is asked between two writes."""
_NAME = "teacher"


@dataclass(frozen=True)
class SoftTargets:
    """Distributions [m] over one task's labels, by sample id, and how they enter the loss."""

    task: Task
    distributions: Mapping[str, np.ndarray]
    config: StudentConfig

    def taught(self, evidences: Sequence[Evidence]) -> list[Evidence]:
        """The task's samples that have a distribution or a label.

        Raises:
            InputError: none has a distribution.
        """
        own = [e for e in evidences if e.sample.task == self.task.name]
        if not any(e.sample.id in self.distributions for e in own):
            raise InputError(
                f"the teacher says nothing about any of {len(own)} samples of task '{self.task.name}': "
                "are its predictions of these samples?"
            )
        return [e for e in own if e.sample.label is not None or e.sample.id in self.distributions]

    def rows(self, evidences: Sequence[Evidence]) -> tuple[np.ndarray, np.ndarray]:
        """Distributions [n, m], NaN where there is none, and columns of the gold labels [n], -1 where unknown."""
        silent = np.full(len(self.task.names), np.nan)
        soft = np.stack([self.distributions.get(e.sample.id, silent) for e in evidences])
        labels = [e.sample.label for e in evidences]
        return soft, np.array([-1 if label is None else self.task.index(label) for label in labels])

    def inputs(self, evidences: Sequence[Evidence]) -> dict[str, Any]:
        """What an adapter's manifest says of its teacher."""
        soft, gold = self.rows(evidences)
        return {
            "student": self.config.model_dump(mode="json", exclude={"train"}),
            "teacher": hashlib.sha256(soft.tobytes()).hexdigest(),
            "taught": int(np.isfinite(soft[:, 0]).sum()),
            "labelled": int((gold >= 0).sum()),
        }


def read_teacher(path: Path, tasks: Sequence[Task], config: StudentConfig) -> dict[str, SoftTargets]:
    """Soft targets by task from a file of predictions; lines of failed samples and other tasks are passed over.

    Raises:
        InputError: a line is no prediction with a distribution over its task's labels.
    """
    by_name = {task.name: task for task in tasks}
    found: dict[str, dict[str, np.ndarray]] = {task.name: {} for task in tasks}
    for row in json_rows(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}, {row.where}: {row.message}")
        line = row.value
        if not isinstance(line, dict) or not {"id", "task"} <= line.keys():
            raise InputError(f"{path}, {row.where}: expected a prediction with 'id', 'task' and 'distribution'.")
        if line["task"] in by_name and "error" not in line:
            task = by_name[line["task"]]
            found[task.name][str(line["id"])] = _distribution(line, task, f"{path}, {row.where}")
    return {task.name: SoftTargets(task, found[task.name], config) for task in tasks}


def ask_teachers(
    loaded: LoadedModel, folder: Path, evidences: Sequence[Evidence], tasks: Sequence[Task], config: Config, store: Path
) -> dict[str, SoftTargets]:
    """Soft targets by task: what the large model says with the adapters of a bundle, or of `kdsl train-large`.

    Answers are kept in `store/<task>.jsonl` as they come; asked again, only what is new or changed (sample, prompt,
    adapter or base) is computed.

    Raises:
        BundleError: the folder holds no adapter for a task, or one of another base.
        ConfigError: an adapter was trained with other prompts than the config's.
    """
    found = {}
    for task in tasks:
        adapter = next((p for n in (task.name, "joint") if (p := folder / "adapters" / n).is_dir()), None)
        if adapter is None:
            raise BundleError(
                f"{folder} has no adapters/{task.name} (nor adapters/joint) to teach task '{task.name}'. "
                "Give a bundle, or a folder that `kdsl train-large` wrote."
            )
        _check_prompts(adapter, config.prompt)
        own = [e for e in evidences if e.sample.task == task.name]
        answers = _ask(loaded, adapter, own, task, config.prompt, store / f"{task.name}.jsonl")
        found[task.name] = SoftTargets(task, answers, config.student)
    return found


def _ask(
    loaded: LoadedModel, adapter: Path, evidences: Sequence[Evidence], task: Task, prompt: PromptConfig, file: Path
) -> dict[str, np.ndarray]:
    with weights_file(adapter).open("rb") as weights:
        asked = hashlib.file_digest(weights, "sha256")
    if (adapter / SHIFT).is_file():
        asked.update((adapter / SHIFT).read_bytes())
    asked.update(f"{loaded.fingerprint} {task.model_dump_json()} {prompt.model_dump_json()}".encode())
    keys = {e.sample.id: digest(asked.hexdigest(), e.digest(label=False)) for e in evidences}
    known = _known(file, keys)
    answers = {id: _distribution(line, task, str(file)) for id, line in known.items()}
    todo = [e for e in evidences if e.sample.id not in answers]
    if not todo:
        return answers
    # without what a kill cut short, and what is out of date
    atomic_write(file, "".join(_line(row) for row in known.values()))
    load_adapter(loaded, adapter, _NAME)
    try:
        scorer = LabelScorer(loaded, task, prompt)
        chunks = [todo[start : start + CHUNK] for start in range(0, len(todo), CHUNK)]
        for chunk in track(chunks, f"teacher of {task.name}", len(chunks)):
            with loaded.using(_NAME):
                scores = np.exp(scorer.score(chunk))
            with file.open("a", encoding="utf-8") as stream:
                for evidence, row in zip(chunk, scores, strict=True):
                    id = evidence.sample.id
                    said = dict(zip(task.names, (float(f"{p:.6g}") for p in row), strict=True))
                    line = {"id": id, "task": task.name, "distribution": said, "key": keys[id]}
                    stream.write(_line(line))
                    answers[id] = _distribution(line, task, str(file))
    finally:
        remove_adapter(loaded, _NAME)
    return answers


def _known(file: Path, keys: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Lines of samples that were asked before and have not changed since, by id."""
    if not file.is_file() or not file.stat().st_size:
        return {}
    lines = [row.value for row in json_rows(file) if not isinstance(row, BadRow)]
    return {line["id"]: line for line in lines if keys.get(line["id"]) == line.get("key", "")}


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _distribution(line: Mapping[str, Any], task: Task, where: str) -> np.ndarray:
    """A line's probabilities [m], made to sum to one; labels that are not listed have none."""
    given = line.get("distribution")
    if not isinstance(given, dict) or not given:
        raise InputError(f"{where} (id {line['id']}): has no 'distribution'; a student needs one of each sample.")
    strange = [name for name in given if name not in task.names]
    if strange:
        raise InputError(
            f"{where} (id {line['id']}): task '{task.name}' has no label '{strange[0]}'."
            f"{did_you_mean(strange[0], task.names)}"
        )
    try:
        row = np.array([float(given.get(name, 0.0)) for name in task.names])
    except (TypeError, ValueError):
        row = np.array([np.nan])
    if not np.isfinite(row).all() or (row < 0).any() or row.sum() <= 0:
        raise InputError(f"{where} (id {line['id']}): 'distribution' is not one of probabilities.")
    normalised: np.ndarray = row / row.sum()
    return normalised


def _check_prompts(adapter: Path, prompt: PromptConfig) -> None:
    """Refuse to ask with other prompts than the adapter was trained with, where its manifest tells."""
    file = adapter / "manifest.json"
    trained = json.loads(file.read_text("utf-8")).get("prompt", {}) if file.is_file() else {}
    now = prompt.model_dump(mode="json")
    differ = [f"{key}={now[key]}, then {trained[key]}" for key in now if key in trained and trained[key] != now[key]]
    if differ:
        raise ConfigError(
            f"the teacher's adapter in {adapter} was trained with other prompts ({'; '.join(differ)}); "
            "give the settings it was trained with."
        )
