"""Label scores beside greedy writing, by one model on labelled samples: agreement, F1, time.

Run: python benchmarks/greedy.py --data dev.json --task intent --config configs/gemma-270m.yaml [--adapter FOLDER]
         [--images images] [--ocr ocr.jsonl] [--set KEY=VALUE] [--json FILE]

Both answer the same prompts, one sample at a time. Writing ends with the turn or the line, or after as many tokens as
the longest label takes with its end. What was written counts as a label if it is a label's name, blanks at its ends
aside, and as wrong if it is none. Times are of the processor on a CPU with one thread.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from measuring import clock

from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.evidence.observe import load_evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import load_base
from kdsl.models.generation import decode, generate_ids
from kdsl.models.prompts import Prompt
from kdsl.models.scorer import LabelScorer
from kdsl.scores import log_loss, weighted_f1
from kdsl.tasks import task_by_name

T = TypeVar("T")


@dataclass(frozen=True)
class Answers:
    """What a model said about n samples: scores [n, m] and texts, with the seconds per sample of each."""

    log_p: np.ndarray
    texts: list[str]
    seconds: tuple[float, float]


def ask(scorer: LabelScorer, prompts: list[Prompt]) -> Answers:
    """Score each prompt's labels, then write an answer to it; the first prompt is asked once more beforehand."""
    longest = max(scorer.tree.n_tokens)

    def score(prompt: Prompt) -> np.ndarray:
        return scorer.score_prompts([prompt]).log_probs[0]

    def write(prompt: Prompt) -> str:
        ids = generate_ids(scorer.loaded, [prompt], longest, one_line=True)
        return decode(scorer.loaded, ids)[0].strip()

    def timed(answer: Callable[[Prompt], T]) -> tuple[list[T], float]:
        answer(prompts[0])
        start = clock(scorer.loaded.device)
        answers = [answer(prompt) for prompt in prompts]
        return answers, (clock(scorer.loaded.device) - start) / len(prompts)

    scores, scoring = timed(score)
    texts, writing = timed(write)
    return Answers(np.array(scores), texts, (scoring, writing))


def figures(answers: Answers, names: tuple[str, ...], gold: np.ndarray) -> dict[str, float]:
    """Both answers against the gold columns [n], and against each other."""
    scored = answers.log_p.argmax(1)
    written = np.array([names.index(text) if text in names else -1 for text in answers.texts])
    label = written >= 0
    return {
        "samples": len(gold),
        "scored F1": weighted_f1(gold, scored),
        "scored accuracy": float((scored == gold).mean()),
        "log-loss": log_loss(answers.log_p, gold),
        "seconds to score": answers.seconds[0],
        "written F1": weighted_f1(gold, written),
        "written accuracy": float((written == gold).mean()),
        "seconds to write": answers.seconds[1],
        "agreement": float((written == scored).mean()),
        "no label written": float((~label).mean()),
        "scored right where no label was written": float((scored == gold)[~label].mean()) if not label.all() else 0.0,
    }


def main() -> None:
    """Ask, and print one figure per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--images", type=Path, default=Path())
    parser.add_argument("--ocr", type=Path)
    parser.add_argument("--config", default="configs/gemma-270m.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--adapter", type=Path, help="an adapter of the config's large model; by default none")
    parser.add_argument("--json", type=Path, help="write the figures, and each sample's answers, here too")
    given = parser.parse_args()
    config = load_config(given.config, given.overrides)
    tasks = tasks_for([given.data], load_tasks(config))
    task = task_by_name(tasks, given.task)
    evidences = load_evidence([given.data], given.images, tasks, config.evidence, given.ocr)
    evidences = [e for e in evidences if e.sample.task == task.name and e.sample.label in task.names]
    if not evidences:
        parser.error(f"{given.data} holds no labelled sample of task '{task.name}'.")
    gold = np.array([task.index(str(e.sample.label)) for e in evidences])
    loaded = load_base(config.model("large"))
    with adapter_on(loaded, given.adapter) if given.adapter else nullcontext():
        scorer = LabelScorer(loaded, task, config.prompt)
        answers = ask(scorer, [scorer.prompt(evidence) for evidence in evidences])
    found = figures(answers, task.names, gold)
    print(f"{loaded.name}, {given.adapter.name if given.adapter else 'no'} adapter, {loaded.dtype}, {loaded.device}")
    for name, value in found.items():
        print(f"{name:42s} {value:.4g}")
    strange = Counter(text for text in answers.texts if text not in task.names)
    print("written, and no label:", ", ".join(f"{text!r} ({n})" for text, n in strange.most_common(8)) or "nothing")
    if given.json:
        rows = [
            {"id": e.sample.id, "gold": e.sample.label, "scored": task.names[int(row.argmax())], "written": text}
            for e, row, text in zip(evidences, answers.log_p, answers.texts, strict=True)
        ]
        given.json.write_text(json.dumps({**found, "answers": rows}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
