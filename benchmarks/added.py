"""What the predictions of one predictor add to those of another: weighted F1, log-loss, samples won and lost.

Run: python benchmarks/added.py --data dev.json --task intent --pred first.jsonl --added second.jsonl
         [--config configs/nano.yaml] [--weight 0.3 0.6 1]

The log-probabilities of the second, times a weight, are added to those of the first. Both files have a line for each
sample; the folds of `kdsl experiment ablate`, one file each below a variant's folder, are joined beforehand. No weight
is fitted: the table shows each. *Chance* is the p-value of the sign test (exact McNemar) on samples won and lost.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.ensemble.fusion import FLOOR
from kdsl.evaluation.predictions import Judged, read_judged
from kdsl.scores import log_loss, log_softmax, weighted_f1
from kdsl.tasks import task_by_name


def log_probs(judged: Sequence[Judged], names: Sequence[str]) -> np.ndarray:
    """Log-probabilities [n, m], no lower than the fusion takes them."""
    p = np.array([[one.line.distribution[name] for name in names] for one in judged])
    return np.maximum(np.log(np.maximum(p, np.finfo(float).tiny)), FLOOR)


def row(first: np.ndarray, joined: np.ndarray, gold: np.ndarray) -> str:
    """Figures of `joined` [n, m], and what is won and lost of `first` [n, m], as a row of the table."""
    before, after = (log_p.argmax(axis=1) == gold for log_p in (first, joined))
    won, lost = int((after & ~before).sum()), int((before & ~after).sum())
    chance = binomtest(won, won + lost).pvalue if won + lost else 1.0
    f1 = weighted_f1(gold, joined.argmax(axis=1))
    return f"{after.sum()} | {f1:.4f} | {log_loss(joined, gold):.4f} | {won} / {lost} | {chance:.2g} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--config", default="configs/nano.yaml", help="its tasks")
    parser.add_argument("--pred", type=Path, required=True)
    parser.add_argument("--added", type=Path, required=True)
    parser.add_argument("--weight", type=float, nargs="+", default=[0.3, 0.6, 1.0])
    given = parser.parse_args()
    tasks = tasks_for([given.data], load_tasks(load_config(given.config)))
    task = task_by_name(tasks, given.task)
    both = [read_judged(given.data, file, tasks)[0] for file in (given.pred, given.added)]
    both = [[one for one in judged if one.sample.task == task.name] for judged in both]
    gold = np.array([task.index(one.gold) for one in both[0]])
    first, second = (log_probs(judged, task.names) for judged in both)
    print(f"{len(gold)} samples\n\n| | right | F1 | log-loss | won / lost | chance |\n|---|---|---|---|---|---|")
    print("| first |", row(first, first, gold))
    print("| second |", row(first, second, gold))
    for weight in given.weight:
        print(f"| first + {weight:g} x second |", row(first, log_softmax(first + weight * second), gold))


if __name__ == "__main__":
    main()
