"""What labels and prompts take of Qwen's real vocabulary (151,643 entries, from the package `dashscope`).

    python benchmarks/vocabulary.py
    python benchmarks/vocabulary.py --data train.json --images images --ocr ocr.jsonl

Per task: nodes of the label tree, tokens per label, what three calls of the longest label take of the budget, and the
question with its list of labels against the limit of a configuration. With data also: tokens of the samples' texts, of
their prompts, and how many samples lose something to the limit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from kdsl.config import BudgetConfig
from kdsl.config_file import load_config, load_tasks
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.models.chat import ChatFrame
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import ask, build_prompt
from kdsl.tasks import Task

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the tests build the same tokenizer

from helpers.real_vocabulary import qwen_tokenizer
from helpers.tiny_models import tiny_processor


def spread(numbers: Iterable[int]) -> str:
    """Median, 95th percentile and maximum."""
    found = list(numbers)
    return f"{np.median(found):.0f} / {np.percentile(found, 95):.0f} / {max(found)}" if found else ""


def label_rows(task: Task, frame: ChatFrame, asked: int, limit: int) -> dict[str, str]:
    """What a task's labels take."""
    tree = LabelTree(frame, task.names)
    without_end = [n - 1 for n in tree.n_tokens]
    most = 3 * max(tree.n_tokens)
    return {
        "labels": str(len(task.names)),
        "nodes of the label tree": str(len(tree)),
        "tokens per label, least and most": f"{min(without_end)} to {max(without_end)}",
        "three calls of the longest label with its end": f"{most} of {BudgetConfig().max_output_tokens}",
        "question with all labels": f"{asked} of {limit}",
    }


def sample_rows(samples: list[Evidence], task: Task, frame: ChatFrame, config: str) -> dict[str, str]:
    """What a task's samples take: median / 95th percentile / most."""
    settings = load_config(config).prompt
    prompts = [build_prompt(evidence, task, settings, frame) for evidence in samples]
    said = ["\n".join(turn.text for turn in evidence.sample.turns) for evidence in samples]
    seen = ["\n".join(line.text for line in picture.lines) for e in samples for picture in e.pictures]
    return {
        "samples": str(len(samples)),
        "tokens of a dialogue": spread(n for n in frame.count(said) if n),
        "tokens of a picture's OCR text": spread(frame.count(seen)),
        "tokens of a prompt": spread(prompt.n_tokens for prompt in prompts),
        "prompts that leave something out": str(sum(bool(prompt.dropped) for prompt in prompts)),
    }


@click.command()
@click.option("--config", default="configs/qwen2-vl-7b.yaml", show_default=True, help="Whose limits and tasks.")
@click.option("--data", type=click.Path(path_type=Path, exists=True))
@click.option("--images", type=click.Path(path_type=Path, exists=True))
@click.option("--ocr", type=click.Path(path_type=Path, exists=True), help="OCR results; by default pictures are read.")
def main(config: str, data: Path | None, images: Path | None, ocr: Path | None) -> None:
    """Print one column per task."""
    settings = load_config(config)
    tasks = load_tasks(settings)
    frame = ChatFrame(tiny_processor("qwen2_vl", qwen_tokenizer()), 28)
    evidences = load_evidence([data], images or data.parent, tasks, settings.evidence, ocr) if data else []
    columns = []
    for task in tasks:
        (asked,) = frame.count([ask(task, settings.prompt)])
        rows = label_rows(task, frame, asked, settings.prompt.limit(task))
        own = [evidence for evidence in evidences if evidence.sample.task == task.name]
        columns.append(rows | (sample_rows(own, task, frame, config) if own else {}))
    table = Table("", *(task.name for task in tasks), box=None)
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(column.get(name, "") for column in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
