"""What the large model says before it has seen a labelled sample: weighted F1 and accuracy, without an adapter.

Run: python benchmarks/zero_shot.py --data train.json --images images [--ocr ocr.jsonl] [--config configs/nano.yaml]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.metrics import accuracy_score, f1_score

from kdsl.config_file import load_config, load_tasks
from kdsl.evidence.observe import load_evidence
from kdsl.models.base import load_base
from kdsl.models.scorer import LabelScorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--ocr", type=Path)
    parser.add_argument("--config", default="configs/nano.yaml")
    given = parser.parse_args()
    config = load_config(given.config)
    tasks = load_tasks(config)
    evidences = load_evidence([given.data], given.images, tasks, config.evidence, given.ocr)
    loaded = load_base(config.large)
    for task in tasks:
        group = [e for e in evidences if e.sample.task == task.name]
        said = [task.names[i] for i in LabelScorer(loaded, task, config.prompt).score(group).argmax(1)]
        gold = [e.sample.label for e in group]
        f1 = f1_score(gold, said, average="weighted", zero_division=0)
        print(f"{task.name:8s} n {len(group)}  F1 {f1:.4f}  accuracy {accuracy_score(gold, said):.4f}")


if __name__ == "__main__":
    main()
