"""Retrieval out of fold: weighted F1, log-loss, and how often a sample of the same label is among the first neighbours.

Run: python benchmarks/neighbours.py --data train.json --images images --folds folds.json [--ocr ocr.jsonl] [--fused]
     python benchmarks/neighbours.py --data train.csv [--test test.csv] [--fused]

For each set of rankers an index is fitted on the samples outside of a fold, with the snippets and the documents of the
synthetic world that `kdsl fit` gives to the retrieval expert, and asked about the fold. `recall@5`: a labelled sample
of the same label is among the five nearest labelled samples; `recall@1`: it is the nearest; `in context`: a document of
the label is among those that a second model call is shown. Without `--folds` five folds are drawn; with `--test` the
index of all samples is asked about that file. With `--fused` the other experts are fitted, too, but for rules; weights
and temperature of the fusion are those of held-out folds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.duplicates import near_duplicates
from kdsl.data.own_task import tasks_for
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.data.splits import read_folds, stratified_folds
from kdsl.ensemble.fusion import fit_fusion
from kdsl.ensemble.parts import Parts
from kdsl.evidence.observe import load_evidence, observe
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Material, Setup
from kdsl.experts.registry import experts_for
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.experts.rules import RulesExpert
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.knowledge.votes import PRIOR_WEIGHT
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
Round = tuple[list[Evidence], list[Evidence]]
"""What is learned from, and what is asked about."""


def found(index: KnowledgeIndex, task: Task, evidence: Evidence, shown: int) -> tuple[bool, bool, bool]:
    """Whether a sample of the same label is among the five nearest samples, whether it is the nearest, and whether the
    label is that of one of the `shown` nearest documents."""
    hits = index.search_evidence([evidence], task, len(index.documents))[0]
    near = [hit.document.label for hit in hits if hit.document.kind == "sample"]
    label = evidence.sample.label
    return label in near[:5], label in near[:1], label in [hit.document.label for hit in hits[:shown]]


def rounds(group: Sequence[Evidence], folds: Mapping[str, int], test: Sequence[Evidence]) -> list[Round]:
    """The one round of a test, or one per fold."""
    if test:
        return [(list(group), list(test))]
    numbers = sorted({folds[e.sample.id] for e in group})
    return [
        ([e for e in group if folds[e.sample.id] != k], [e for e in group if folds[e.sample.id] == k]) for k in numbers
    ]


class Held:
    """What is asked about in all rounds of a task: gold labels, and the scores of the experts beside retrieval."""

    def __init__(self, task: Task, parts: Sequence[Round], setup: Setup, *, fused: bool) -> None:
        self.gold = np.array([task.index(e.sample.label or "") for _, held in parts for e in held])
        self.seed = setup.config.seed
        self.others: dict[str, np.ndarray] = {}
        kinds = [kind for kind in experts_for(task, setup.config) if kind not in (RetrievalExpert, RulesExpert)]
        for kind in kinds if fused else ():
            fitted = (kind(task, setup).fit(_material(task, train, setup)).scores(held) for train, held in parts)
            self.others[kind.name] = np.concatenate(list(fitted))

    def line(self, name: str, retrieval: np.ndarray | None, note: str = "") -> None:
        """Print the figures of retrieval's scores [n, m], and of all experts fused with weights of held-out folds."""
        told = "" if retrieval is None else f"{self._figures(retrieval)}  {note}"
        if self.others:
            scores = self.others | ({} if retrieval is None else {RetrievalExpert.name: retrieval})
            told += f"  | fused: {self._figures(fit_fusion(scores, self.gold, self.seed)[1])}"
        print(f"  {name:40s} {told}", flush=True)

    def _figures(self, scores: np.ndarray) -> str:
        said = ~np.isnan(scores).any(axis=1)
        log_p = np.where(said[:, None], scores, -np.log(scores.shape[1]))
        found = np.where(said, log_p.argmax(axis=1), -1)
        accuracy = (found == self.gold).mean()
        f1 = weighted_f1(self.gold, found)
        return f"F1 {f1:.4f}  accuracy {accuracy:.4f}  log-loss {log_loss(log_p, self.gold):.4f}"


def measure(task: Task, parts: Sequence[Round], setup: Setup, *, fused: bool) -> None:
    """Print a line of figures for each set of rankers.

    Args:
        fused: of the other experts together with retrieval, too, but for rules, whose search takes long.
    """
    held = Held(task, parts, setup, fused=fused)
    indexes = [RetrievalExpert(task, setup).fit(_material(task, train, setup)).index for train, _ in parts]
    rankers = [index.rankers for index in indexes]
    known = [ranker.name for ranker in rankers[0]]
    print(f"{task.name}: {len(held.gold)} samples, {len(indexes[0].documents)} documents, rankers {', '.join(known)}")
    if fused:
        held.line("without retrieval", None)
    for names in (names for names in SETS if set(names) <= set(known)):
        rows, hits, weights, spent = [], [], [], 0.0
        for (train, asked), index, all_rankers in zip(parts, indexes, rankers, strict=True):
            index.rankers = tuple(ranker for ranker in all_rankers if ranker.name in names)
            index.weights = dict.fromkeys(names, PRIOR_WEIGHT)
            index.learn(train, task, near_duplicates([e.sample for e in train], fingerprints(train)), setup.config.seed)
            weights.append([index.weights[ranker.name] for ranker in index.rankers])
            started = time.process_time()
            rows.append(index.label_scores(asked, task))
            spent += time.process_time() - started
            hits += [found(index, task, evidence, setup.config.knowledge.neighbours) for evidence in asked]
        five, one, context = np.mean(hits, axis=0)
        note = f"recall@5 {five:.4f}  recall@1 {one:.4f}  in context {context:.4f}  {1000 * spent / len(hits):.1f} ms"
        note += f"  weights {np.round(np.mean(weights, axis=0), 1).tolist()}"
        held.line(" + ".join(names), np.concatenate(rows), note)


def _material(task: Task, train: Sequence[Evidence], setup: Setup) -> Material:
    return Parts(setup).material({task.name: train}, Path("work"))


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
    parser.add_argument("--fused", action="store_true", help="the gain in the ensemble, too")
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
        measure(task, rounds(group, own, test), setup, fused=given.fused)


if __name__ == "__main__":
    main()
