"""Drafts a task file from labelled data: its labels with counts and typical samples, and a place for descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from kdsl.config import EncodersConfig
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.own_task import found_in, own_task
from kdsl.data.readers import read_files
from kdsl.data.sample import Sample
from kdsl.encoders.base import TextEncoder
from kdsl.encoders.registry import text_encoder
from kdsl.tasks import Task

SHOWN = 3
"""Typical samples per label."""
_LENGTH = 100


def draft_task_file(data: Sequence[Path], columns: Columns = AS_KNOWN) -> str:
    """The text of a task file for the samples in these files.

    Each label has its number of samples and the most typical of them as comments, and an empty `description`. A sample
    is typical if its text is near the mean of its label's texts, by the default encoder; of pictures, the first are
    shown by their names.

    Args:
        columns: those of the files that are called otherwise than docs/data.md says.

    Raises:
        InputError: the data cannot be read, or its labels make no task.
        MissingDependency: the default encoder cannot run here.
    """
    found = found_in(data, columns)
    if not found.labels:  # chats of LLaMA-Factory, TRL and others end with the label; answers, which differ, are none
        chats = found_in(data, columns, last_messages=True)
        found = chats if any(times > 1 for times in chats.labels.values()) else found
    task = own_task(data[0].resolve().stem, found)
    samples = read_files(data, [task], columns)
    return "\n".join([*_head(task, data), *_labels(task, samples), ""])


def _head(task: Task, data: Sequence[Path]) -> Iterator[str]:
    yield f"# Made of {_one_line(', '.join(path.name for path in data))} by `kdsl tasks init`."
    yield "# A description, in any language, says what distinguishes a label from similar ones. It counts most where a"
    yield "# label has few samples; a label without any may be added with its description alone."
    yield f"name: {task.name}"
    yield f"input: {task.input}"
    yield f"prompt: {_quoted(task.prompt)}"
    yield "# Samples that no label fits help to tell such questions apart. Write one name in the data in place of their"
    yield "# label, take it out of the labels below if it is among them, and give it here:"
    yield "# out_of_scope: OTHER"
    yield "labels:"


def _labels(task: Task, samples: Sequence[Sample]) -> Iterator[str]:
    for name in task.names:
        own = [sample for sample in samples if sample.label == name]
        shown = _typical(task, own)
        yield f"  # {len(own)} {'sample' if len(own) == 1 else 'samples'}{', such as:' if shown else ''}"
        yield from (f"  #   {_one_line(text)}" for text in shown)
        yield f"  - name: {_quoted(name)}"
        yield "    description:"


def _typical(task: Task, samples: Sequence[Sample]) -> list[str]:
    if task.input == "picture":
        return [sample.images[0] for sample in samples[:SHOWN]]
    texts = [" / ".join(turn.said for turn in sample.turns if turn.role == "user") for sample in samples]
    return typical([text for text in texts if text], text_encoder(EncodersConfig().text[0]))


def typical(texts: Sequence[str], encoder: TextEncoder) -> list[str]:
    """The `SHOWN` different texts that are nearest to the mean of all, the nearest first."""
    if not texts:
        return []
    vectors = encoder.encode(texts)
    near = np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")
    return list(dict.fromkeys(texts[i] for i in near))[:SHOWN]


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LENGTH else line[: _LENGTH - 1] + "…"


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, allow_unicode=True, default_style='"', width=float("inf")).strip()
