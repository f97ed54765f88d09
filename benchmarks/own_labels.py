"""Own labels: kdsl on questions and photos of other shops, beside what few lines of scikit-learn do, in the same run.

Run: python benchmarks/own_labels.py questions --train train.csv --test test.csv [--published published.csv]
         [--leave-out N] [--set key=value ...]
     python benchmarks/own_labels.py names --test test.csv
     python benchmarks/own_labels.py photos --train FOLDER --test FOLDER [--set key=value ...]

Files are CSV with the columns `text` and `label`; in the test a label that training lacks marks a question that no
label fits. `questions` fits a bundle as `kdsl fit` does and predicts the test; `names` fits the semantic expert on what
the labels are called, and on no sample. `photos` reads folders of one subfolder of pictures per label, and fits on the
first 2, 4, 8, ... photos of each label. Labels have no descriptions besides their names.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from kdsl.config import Config, load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.data.sample import Sample, Turn
from kdsl.encoders.pictures import Look
from kdsl.encoders.registry import picture_encoder
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Material, Setup
from kdsl.experts.semantic import SemanticExpert
from kdsl.models.roles import Models
from kdsl.scores import log_softmax
from kdsl.tasks import Label, Task

OUT_OF_SCOPE = "(no label fits)"
BINS = 15
"""Of the expected calibration error."""

Rows = list[tuple[str, str]]
"""Texts with their labels."""


def read(file: Path) -> Rows:
    """The rows of a CSV file with a header."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [(row["text"], row["label"]) for row in csv.DictReader(lines)]


def without(rows: Rows, n: int, seed: int) -> Rows:
    """The rows without those of `n` labels, drawn by the seed."""
    labels = sorted({label for _, label in rows})
    gone = set(np.random.default_rng(seed).permutation(labels)[:n].tolist())
    return [row for row in rows if row[1] not in gone]


def task_of(labels: Sequence[str]) -> Task:
    """A task of these labels, described by their names."""
    made = tuple(Label(name=name, zh=name.replace("_", " "), en=name.replace("_", " ")) for name in labels)
    return Task(name="own", input="dialogue", prompt="What does the customer want?", labels=made)


def evidence_of(rows: Rows, task: Task) -> list[Evidence]:
    """Each row as a dialogue of one turn; labels that the task lacks are dropped."""
    return [
        Evidence(Sample(str(i), task.name, (), (Turn("user", text, text),), label if label in task.names else None), ())
        for i, (text, label) in enumerate(rows)
    ]


def tell(
    name: str,
    task: Task,
    rows: Rows,
    log_p: np.ndarray,
    note: str = "",
    scope: np.ndarray | None = None,
) -> None:
    """Print one line of figures.

    Args:
        log_p: scores [n, m] of the rows.
        scope: probability [n] that a label fits, out of scope below one half; by default the probability of the best
            label tells, and there is no threshold but the best one, found on the test itself.
    """
    gold = np.array([label if label in task.names else OUT_OF_SCOPE for _, label in rows])
    found, sure = np.array(task.names)[log_p.argmax(1)], np.exp(log_p.max(1))
    inside = gold != OUT_OF_SCOPE
    line = f"{name:24s} accuracy {(found == gold)[inside].mean():.4f}"
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    right = found == gold
    gaps = [abs(right[b & inside].sum() - sure[b & inside].sum()) for b in (bins == k for k in range(BINS))]
    line += f"  calibration error {sum(gaps) / inside.sum():.4f}"
    if not inside.all():
        told = sure if scope is None else scope
        line += f"  AUROC {roc_auc_score(inside, told):.4f}"
        best = max(_mcc(gold, found, told, limit) for limit in np.unique(told))
        own = "" if scope is None else f"  MCC at its own threshold {_mcc(gold, found, scope, 0.5):.4f}"
        line += f"{own}  at the best one {best:.4f}"
    print(f"{line}  {note}", flush=True)


def _mcc(gold: np.ndarray, found: np.ndarray, told: np.ndarray, limit: float) -> float:
    """Matthews correlation over all labels and `OUT_OF_SCOPE`, which is said where `told` is below `limit`."""
    return float(matthews_corrcoef(gold, np.where(told >= limit, found, OUT_OF_SCOPE)))


def published(file: Path) -> None:
    """Each system of a table of published figures, at the threshold at which its MCC is best."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for system in dict.fromkeys(row["system"] for row in rows):
        best = max((row for row in rows if row["system"] == system), key=lambda row: float(row["mcc"]))
        accuracy = max(float(row["in_scope_accuracy"]) for row in rows if row["system"] == system)
        print(
            f"{system + ', published':24s} accuracy {accuracy:.4f}  MCC at the best threshold {float(best['mcc']):.4f}"
        )


def peer(train: Rows, test: Rows, task: Task) -> None:
    """TF-IDF of characters, and logistic regression."""
    started = time.perf_counter()
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    features = vectorizer.fit_transform([text for text, _ in train])
    model = LogisticRegression(C=30, max_iter=3000).fit(features, [task.index(label) for _, label in train])
    log_p = model.predict_log_proba(vectorizer.transform([text for text, _ in test]))
    tell("TF-IDF + LR", task, test, log_p, f"{time.perf_counter() - started:.1f} s")


def questions(train: Rows, test: Rows, config: Config) -> None:
    """The peer and kdsl on questions."""
    task = task_of(sorted({label for _, label in train}))
    peer(train, test, task)
    whole(evidence_of(train, task), evidence_of(test, task), test, task, config)


def whole(train: Sequence[Evidence], test: Sequence[Evidence], rows: Rows, task: Task, config: Config) -> None:
    """Fit a bundle and predict the test; each expert alone, too."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        models = Models(config)
        bundle = fit_bundle(train, [task], config, Path(folder) / "bundle", models)
        fitted = time.perf_counter() - started
        predictor = Predictor(bundle, models)
        for name, scores in predictor.tasks[task.name].first_scores(test).items():
            tell(f"  {name}", task, rows, log_softmax(np.nan_to_num(scores, nan=0.0)))
        started = time.perf_counter()
        found = [predictor.predict([evidence])[0] for evidence in test]
        each = (time.perf_counter() - started) / len(found)
        log_p = np.log([[max(one.distribution[name], 1e-9) for name in task.names] for one in found])
        weights = {name: vote.weight for name, vote in found[0].trace.experts.items()}
        note = f"fit {fitted:.1f} s, {1000 * each:.1f} ms per sample, {found[0].spend.calls} calls, {weights}"
        scope = [one.in_scope if one.in_scope is not None else one.probability for one in found]
        tell("kdsl", task, rows, log_p, note, np.array(scope))
        predictor.close()


def photos(train: Path, test: Path, config: Config) -> None:
    """The encoder with logistic regression, and kdsl, on ever more photos of each label."""
    (task,) = tasks_for([train], load_tasks(config))
    labelled, asked = (load_evidence([folder], folder, [task], config.evidence) for folder in (train, test))
    rows = [(evidence.sample.id, evidence.sample.label or "") for evidence in asked]
    by_label = [[e for e in labelled if e.sample.label == name] for name in task.names]
    most = max(map(len, by_label))
    for n in [*(n for n in (2, 4, 8, 16, 32, 64) if n < most), most]:
        shown = [evidence for own in by_label for evidence in own[:n]]
        print(f"{n} photos per label")
        encoder_peer(shown, asked, rows, task, config)
        whole(shown, asked, rows, task, config)


def encoder_peer(train: Sequence[Evidence], test: Sequence[Evidence], rows: Rows, task: Task, config: Config) -> None:
    """The vectors of whole pictures, and logistic regression."""
    encoder = picture_encoder(config.encoders.picture or "")
    seen, asked = (encoder.encode([Look(e.pictures[0]) for e in part]) for part in (train, test))
    model = LogisticRegression(C=30, max_iter=3000).fit(seen, [task.index(e.sample.label or "") for e in train])
    tell("encoder + LR", task, rows, model.predict_log_proba(asked))


def names(test: Rows, config: Config) -> None:
    """No sample at all: the semantic expert on the labels' names."""
    task = task_of(sorted({label for _, label in test}))
    material = Material(
        {task.name: ()}, lambda _: (), lambda _: (), lambda _: (), adapter_configs={}, work=Path("work")
    )
    expert = SemanticExpert(task, Setup((task,), config, Models(config))).fit(material)
    tell("semantic, no sample", task, test, expert.scores(evidence_of(test, task)))


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=("questions", "names", "photos"))
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--published", type=Path, help="a table of published figures, by system and threshold")
    parser.add_argument("--leave-out", type=int, default=0, metavar="N", help="labels that training shall not know")
    parser.add_argument("--config", default="configs/nano.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    given = parser.parse_args()
    config = load_config(given.config, given.overrides)
    if given.table == "names":
        names(read(given.test), config)
    elif given.train is None:
        parser.error(f"{given.table} need --train")
    elif given.table == "photos":
        photos(given.train, given.test, config)
    else:
        if given.published:
            published(given.published)
        questions(without(read(given.train), given.leave_out, config.seed), read(given.test), config)


if __name__ == "__main__":
    main()
