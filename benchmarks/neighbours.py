"""Retrieval out of fold: weighted F1, log-loss, and how often a sample of the same label is among the first neighbours.

Run: python benchmarks/neighbours.py --data train.json --images images --folds folds.json [--ocr ocr.jsonl]
     python benchmarks/neighbours.py --data train.csv [--test test.csv]

For each set of rankers an index is fitted on the samples outside of a fold, with the snippets and the documents of the
synthetic world that `kdsl fit` gives to the retrieval expert, and asked about the fold. `recall@5`: a labelled sample of
the same label is among the five nearest labelled samples; `recall@1`: it is the nearest. Without `--folds` five folds
are drawn; with `--test` the index of all samples is asked about that file. Rankers are those that know any document.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.duplicates import near_duplicates
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.data.splits import read_folds, stratified_folds
from kdsl.ensemble.parts import Parts
from kdsl.evidence.observe import load_evidence, observe
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.models.roles import Models
from kdsl.scores import log_loss, weighted_f1
from kdsl.tasks import Task
from kdsl.training.inner_folds import fingerprints

TEXTS = ("characters", "words", "meaning")
SETS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in (*TEXTS, "pictures")),
    ("characters", "words"),
    ("words", "meaning"),
    TEXTS,
    (*TEXTS, "pictures"),
)
"""Of rankers; those that hold one which knows no document are left out."""
FOLDS = 5


def asked(index: KnowledgeIndex, names: Sequence[str], task: Task, train: Sequence[Evidence], config: Config) -> None:
    """Leave an index of the expert the rankers of these names alone, with weights of their own."""
    index.rankers = tuple(ranker for ranker in index.rankers if ranker.name in names)
    index.learn(train, task, near_duplicates([e.sample for e in train], fingerprints(train)), config.seed)


def recall(index: KnowledgeIndex, task: Task, evidence: Evidence) -> tuple[bool, bool]:
    """Whether a sample of the same label is among the five nearest samples, and whether it is the nearest."""
    hits = index.search_evidence(evidence, task, len(index.documents))
    labels = [hit.document.label for hit in hits if hit.document.kind == "sample"][:5]
    return evidence.sample.label in labels, labels[:1] == [evidence.sample.label]


def rounds(
    group: Sequence[Evidence], folds: dict[str, int], test: Sequence[Evidence]
) -> Iterator[tuple[list[Evidence], list[Evidence]]]:
    """What is learned from, and what is asked."""
    if test:
        yield list(group), list(test)
        return
    for fold in sorted({folds[e.sample.id] for e in group}):
        yield [e for e in group if folds[e.sample.id] != fold], [e for e in group if folds[e.sample.id] == fold]


def measure(
    task: Task, group: Sequence[Evidence], folds: dict[str, int], test: Sequence[Evidence], setup: Setup
) -> None:
    """Print a line of figures for each set of rankers."""
    parts = list(rounds(group, folds, test))
    experts = []
    for train, _ in parts:
        material = Parts(setup)._material({task.name: train}, Path("work"))
        experts.append(RetrievalExpert(task, setup).fit(material))
    known = {ranker.name: ranker for ranker in experts[0].index.rankers}
    wholes = [expert.index.rankers for expert in experts]
    print(f"{task.name}: {len(group)} samples, {len(experts[0].index.documents)} documents, rankers {', '.join(known)}")
    for names in SETS:
        if not set(names) <= set(known):
            continue
        rows, gold, found, weights, spent = [], [], [], [], 0.0
        for (train, held), expert, whole in zip(parts, experts, wholes, strict=True):
            expert.index.rankers = whole
            asked(expert.index, names, task, train, setup.config)
            weights.append(list(expert.index.weights.values()))
            started = time.process_time()
            rows.append(expert.scores(held))
            spent += time.process_time() - started
            gold += [task.index(e.sample.label or "") for e in held]
            found += [recall(expert.index, task, e) for e in held]
        scores, right = np.concatenate(rows), np.array(gold)
        said = ~np.isnan(scores).any(axis=1)
        scores[~said] = -np.log(len(task.names))
        f1 = weighted_f1(right, np.where(said, scores.argmax(axis=1), -1))
        five, one = np.mean(found, axis=0)
        print(
            f"  {' + '.join(names):40s} F1 {f1:.4f}  accuracy {(scores.argmax(1) == right)[said].sum() / len(right):.4f}  "
            f"log-loss {log_loss(scores, right):.4f}  recall@5 {five:.4f}  recall@1 {one:.4f}  "
            f"{1000 * spent / len(right):.1f} ms  weights {np.round(np.mean(weights, axis=0), 1).tolist()}",
            flush=True,
        )


def of_known_labels(file: Path, images: Path, tasks: list[Task], config: Config) -> list[Evidence]:
    """The samples of a file whose label a task has."""
    if file.is_dir():
        return load_evidence([file], file, tasks, config.evidence)
    rows = read_rows(file, tasks, on_unknown_label="keep")
    known = {(task.name, label) for task in tasks for label in task.names}
    samples = [row for row in rows if isinstance(row, Sample) and (row.task, row.label) in known]
    return observe(samples, images, config.evidence)


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--images", type=Path, default=Path())
    parser.add_argument("--ocr", type=Path)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--config", default="configs/nano.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    given = parser.parse_args()
    config = load_config(given.config, ["large=null", "small=null", *given.overrides])
    tasks = tasks_for([given.data], load_tasks(config))
    evidences = load_evidence([given.data], given.images, tasks, config.evidence, given.ocr)
    asked_about = of_known_labels(given.test, given.images, tasks, config) if given.test else []
    folds = read_folds(given.folds, [e.sample.id for e in evidences]) if given.folds else {}
    setup = Setup(tuple(tasks), config, Models(config))
    for task in tasks:
        group = [e for e in evidences if e.sample.task == task.name and e.sample.label is not None]
        if not group:
            continue
        copies = near_duplicates([e.sample for e in group], fingerprints(group))
        own = folds or stratified_folds([e.sample for e in group], FOLDS, config.seed, copies)
        test = [e for e in asked_about if e.sample.task == task.name]
        measure(task, group, own, test, setup)


if __name__ == "__main__":
    main()
