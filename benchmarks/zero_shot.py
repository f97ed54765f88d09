"""What is known before any sample is labelled: weighted F1, accuracy and coverage of each part, and of a bundle.

Run: python benchmarks/zero_shot.py --data train.json --images images [--ocr ocr.jsonl] [--config configs/nano.yaml]
     python benchmarks/zero_shot.py --data test.csv --names [--set large=null --set small=null]

With `--names` the labels are those of the data, described by their names alone; samples of a label that the file
`--labels-of` lacks are left out (questions out of scope). A bundle is fitted on no sample (`kdsl fit` without --data).
Rows: labels drawn at random, the shipped rule book, each other expert, the bundle; and the large model without adapter.
Abstentions count as wrong; `precision` is that of what was said.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import found_in, own_task
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.scores import weighted_f1
from kdsl.tasks import Task

DRAWS = 100


def line(name: str, scores: np.ndarray, gold: np.ndarray) -> None:
    """Print the figures of scores [n, m], whose rows of NaN are abstentions."""
    said = ~np.isnan(scores).any(axis=1)
    found = np.where(said, np.nan_to_num(scores).argmax(axis=1), -1)
    right = found == gold
    precision = right[said].mean() if said.any() else float("nan")
    print(
        f"  {name:20s} F1 {weighted_f1(gold, found):.4f}  accuracy {right.mean():.4f}  coverage {said.mean():.3f}  "
        f"precision {precision:.4f}",
        flush=True,
    )


def at_random(m: int, gold: np.ndarray) -> None:
    """Print the mean figures of labels drawn alike."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, m, len(gold)) for _ in range(DRAWS)]
    f1 = np.mean([weighted_f1(gold, found) for found in drawn])
    print(f"  {'at random':20s} F1 {f1:.4f}  accuracy {np.mean([found == gold for found in drawn]):.4f}")


def measure(tasks: list[Task], evidences: list[Evidence], config: Config, large: bool) -> None:
    """Fit a bundle on nothing and print the figures of each task."""
    with tempfile.TemporaryDirectory() as folder:
        predictor = Predictor(fit_bundle([], tasks, config, Path(folder) / "bundle"))
        for task in tasks:
            group = [e for e in evidences if e.sample.task == task.name]
            if not group:
                continue
            gold = np.array([task.index(e.sample.label or "") for e in group])
            print(f"{task.name}: {len(group)} samples, {len(task.names)} labels")
            at_random(len(task.names), gold)
            part = predictor.tasks[task.name]
            for name, scores in part.first_scores(group).items():
                if not np.isnan(scores).all():
                    line(name, scores, gold)
            found = part.predict(group)
            line("bundle", np.array([[one.distribution[name] for name in task.names] for one in found]), gold)
            sure = np.array([not one.abstained for one in found])
            right = np.array([one.label == e.sample.label for one, e in zip(found, group, strict=True)])
            told = f"accuracy {right[sure].mean():.4f}" if sure.any() else "none"
            print(f"  {'not for a person':20s} {sure.mean():.3f} of samples, {told}")
            if large:
                line("large, no adapter", unadapted(task, group, config), gold)


def unadapted(task: Task, group: list[Evidence], config: Config) -> np.ndarray:
    """Scores [n, m] of the large model as it is."""
    from kdsl.models.scorer import LabelScorer

    return LabelScorer(Models(config).large, task, config.prompt).score(group)


def named(data: Path, labels_of: Path) -> tuple[Task, list[Evidence]]:
    """A task of the labels in a file, without descriptions, and the samples of `data` that have one of them."""
    task = own_task(data.stem, found_in([labels_of]))
    rows = read_rows(data, [task], on_unknown_label="keep")
    return task, [Evidence(row, ()) for row in rows if isinstance(row, Sample) and row.label in task.names]


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, default=Path())
    parser.add_argument("--ocr", type=Path)
    parser.add_argument("--names", action="store_true", help="labels of one's own, described by their names")
    parser.add_argument("--labels-of", type=Path, help="a file whose labels are the task's; by default --data")
    parser.add_argument("--config", default="configs/nano.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    given = parser.parse_args()
    config = load_config(given.config, given.overrides)
    if given.names:
        task, evidences = named(given.data, given.labels_of or given.data)
        measure([task], evidences, config, large=False)
    else:
        tasks = load_tasks(config)
        evidences = load_evidence([given.data], given.images, tasks, config.evidence, given.ocr)
        measure(tasks, evidences, config, large=config.large is not None)


if __name__ == "__main__":
    main()
