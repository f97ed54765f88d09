"""What a user without a GPU writes in half an hour: TF-IDF of characters and logistic regression, out of fold.

Run: python benchmarks/baseline.py --data train.json --images images --folds folds.json [--ocr ocr.jsonl] [--fold 0 ...]

A picture is its OCR text, a dialogue the last thing the shopper wrote. Of kdsl its readers and its
OCR are used, and nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

from kdsl.config_file import load_config, load_tasks
from kdsl.data.splits import read_folds
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence


def text_of(evidence: Evidence) -> str:
    """The text that the baseline reads of a sample."""
    said = [turn.text.replace("<image>", "").strip() for turn in evidence.sample.turns if turn.role == "user"]
    return next((text for text in reversed(said) if text), "") if said else evidence.ocr_text


def main() -> None:
    """Predict each fold from the others and print the figures of all predicted folds together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--ocr", type=Path)
    parser.add_argument("--fold", type=int, action="append", help="predict these folds alone")
    parser.add_argument("--config", default="configs/nano.yaml", help="names the tasks")
    given = parser.parse_args()
    config = load_config(given.config)
    tasks = load_tasks(config)
    evidences = load_evidence([given.data], given.images, tasks, config.evidence, given.ocr)
    folds = read_folds(given.folds, [e.sample.id for e in evidences])
    for task in tasks:
        group = [e for e in evidences if e.sample.task == task.name]
        gold: list[str | None] = []
        found: list[str] = []
        for fold in given.fold or sorted(set(folds.values())):
            train = [e for e in group if folds[e.sample.id] != fold]
            test = [e for e in group if folds[e.sample.id] == fold]
            model = make_pipeline(
                TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
                LogisticRegression(C=30, max_iter=3000),
            )
            model.fit([text_of(e) for e in train], [e.sample.label for e in train])
            gold += [e.sample.label for e in test]
            found += model.predict([text_of(e) for e in test]).tolist()
        f1 = f1_score(gold, found, average="weighted", zero_division=0)
        print(f"{task.name:8s} n {len(gold)}  F1 {f1:.4f}  accuracy {accuracy_score(gold, found):.4f}")


if __name__ == "__main__":
    main()
