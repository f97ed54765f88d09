"""Writes samples as MIRE or LLaMA-Factory files, and predictions as the challenge's CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.dialogue import END, IMAGE, START, format_turns
from kdsl.data.files import BadRow, json_rows
from kdsl.data.inline_pictures import inline_address, is_inline
from kdsl.data.prediction import prediction_rows
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample
from kdsl.data.speakers import Speakers
from kdsl.errors import InputError
from kdsl.files import atomic_write
from kdsl.tasks import Task, task_by_name


def convert(
    source: Path,
    output: Path,
    kind: Literal["mire", "llama-factory"],
    tasks: Sequence[Task],
    columns: Columns = AS_KNOWN,
) -> int:
    """Read a file of samples in any format and write them in another.

    What the reader notes as not read (extra fields, system messages) is not written either.

    Returns:
        How many samples were written.

    Raises:
        InputError: the file cannot be read, holds bad samples, or is the output itself.
    """
    if output.exists() and output.samefile(source):
        raise InputError(f"{output}: is the file that is read; write the converted samples to another.")
    samples = read_samples(source, tasks, columns)
    write = {"mire": write_mire, "llama-factory": write_llama_factory}[kind]
    write(output, samples, tasks)
    return len(samples)


def write_mire(path: Path, samples: Sequence[Sample], tasks: Sequence[Task]) -> None:
    """Write the challenge's format, a JSON list of `{id, task, instruction, input, output, image}`.

    `kdsl` reads the file back to equal samples; `task` is an addition that other tools ignore.
    """
    atomic_write(path, _json([mire_row(sample, task_by_name(tasks, sample.task)) for sample in samples]))


def mire_row(sample: Sample, task: Task) -> dict[str, Any]:
    """One sample as `write_mire` writes it."""
    return {
        "id": sample.id,
        "task": sample.task,
        "instruction": instruction(sample, task),
        "input": "",
        "output": sample.label or sample.out_of_scope or "",
        "image": [inline_address(name) if is_inline(name) else name for name in sample.images],
    }


def write_llama_factory(path: Path, samples: Sequence[Sample], tasks: Sequence[Task]) -> None:
    """Write LLaMA-Factory's ShareGPT format and name the file in the `dataset_info.json` beside it.

    Entries of other data sets in `dataset_info.json` are kept. Picture paths stay relative: point
    LLaMA-Factory's `media_dir` at the image folder.

    Raises:
        InputError: there is a `dataset_info.json` that is not a mapping, or a picture came inside a row, which
            LLaMA-Factory does not read.
    """
    inside = [sample.id for sample in samples if any(map(is_inline, sample.images))]
    if inside:
        raise InputError(
            f"{len(inside)} sample(s), such as {inside[0]}, hold a picture in the row itself, which LLaMA-Factory does "
            "not read; save these pictures as files and name their paths."
        )
    info_path = path.parent / "dataset_info.json"
    info: Any = {}
    if info_path.exists():
        try:
            info = json.loads(info_path.read_bytes())
        except ValueError as error:
            raise InputError(f"{info_path}: is not valid JSON ({error}); mend or remove it.") from error
        if not isinstance(info, dict):
            raise InputError(f"{info_path}: expected a mapping of data set names; mend or remove it.")
    rows = [
        {
            "id": sample.id,
            "task": sample.task,
            "conversations": [
                {"from": "human", "value": instruction(sample, task_by_name(tasks, sample.task))},
                {"from": "gpt", "value": sample.label or sample.out_of_scope or ""},
            ],
            "images": list(sample.images),
        }
        for sample in samples
    ]
    info[path.stem] = {
        "file_name": path.name,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
    }
    atomic_write(path, _json(rows))
    atomic_write(info_path, _json(info))


def instruction(sample: Sample, task: Task) -> str:
    """A sample as one instruction: as many `<image>` as pictures, the dialogue, the question, the labels."""
    body = format_turns(sample.turns, Speakers.of([task]))
    # tools demand one placeholder per picture; those not placed in a turn stand first
    lead = [f"Picture {i}: {IMAGE}" for i in range(1, len(sample.images) - body.count(IMAGE) + 1)]
    middle = [START, body, END] if sample.turns else []
    labels = json.dumps(task.names, ensure_ascii=False, separators=(",", ":"))
    return "\n".join([*lead, *middle, task.prompt, f"只回答一个标签。可选标签：{labels}"])


def write_submission(predictions: Path, output: Path, test: Path | None = None) -> int:
    """Write predictions (JSONL with `id` and `label`) as the challenge's CSV.

    Without `test`: two columns, `id` and `predict`, in UTF-8. With `test`, the challenge's unlabelled
    file: all of its columns plus `predict`, in its order, with a byte order mark, which is what the
    baseline's convert2submit.py writes.

    Returns:
        How many rows were written.

    Raises:
        InputError: a line is cut off, an id stands twice, a label is missing, or `test` has other ids.
    """
    labels: dict[str, str] = {}
    faults: list[str] = []
    for row in prediction_rows(predictions):
        value = {} if isinstance(row, BadRow) else row.value
        id_ = value.get("id") if isinstance(value, dict) else None
        if isinstance(row, BadRow):
            faults.append(f"{row.where}: {row.message}")
        elif not isinstance(id_, str) or not id_:
            faults.append(f"{row.where}: has no 'id'.")
        elif id_ in labels:
            faults.append(f"{row.where}: id '{id_}' stands twice.")
        elif not isinstance(value.get("label"), str) or not value["label"]:
            faults.append(f"{row.where}: id '{id_}' has no label ({value.get('error', 'no reason is given')}).")
        else:
            labels[id_] = value["label"]
    _raise(predictions, faults)
    if not labels:
        raise InputError(f"{predictions}: holds no prediction.")
    if test is None:
        atomic_write(output, _csv([{"id": id_, "predict": label} for id_, label in labels.items()]))
        return len(labels)
    rows = _test_rows(test)
    ids = [row["id"] for row in rows]
    _raise(
        predictions,
        [f"id '{id_}' of {test} has no prediction." for id_ in ids if id_ not in labels]
        + [f"id '{id_}' is not in {test}." for id_ in labels.keys() - set(ids)],
    )
    text = _csv([{**row, "predict": labels[row["id"]]} for row in rows])
    atomic_write(output, text.encode("utf-8-sig"))
    return len(rows)


def _test_rows(test: Path) -> list[dict[str, Any]]:
    rows = []
    for row in json_rows(test):
        if isinstance(row, BadRow) or not isinstance(row.value, dict) or "id" not in row.value:
            raise InputError(f"{test}: {row.where} is no sample with an 'id'.")
        rows.append({**row.value, "id": str(row.value["id"])})
    return rows


def _raise(path: Path, faults: Sequence[str]) -> None:
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults[:5])
        more = f"\n  and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(
            f"{path}: {len(faults)} fault(s), so no CSV was written:\n{listed}{more}\n"
            "Mend the input, take these lines out of the predictions and run `kdsl predict` again: "
            "it goes on with what is missing."
        )


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
