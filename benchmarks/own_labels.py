"""Own labels: kdsl on questions and photos of other shops, beside other tools in the same run.

Run: python benchmarks/own_labels.py questions --train train.csv [train.csv ...] --test test.csv
         [--published published.csv] [--leave-out N [--marked N [--marks N]]] [--without-samples N] [--peers NAME ...]
         [--set key=value ...]
     python benchmarks/own_labels.py photos --train FOLDER --test FOLDER [--leave-out N [--marked N [--marks N]]]
         [--set key=value ...]

Files are CSV with the columns `text` and `label`; in the test a label that training lacks marks a question that no
label fits. Of the labels that --leave-out takes from training, those of --marked leave their samples there, or --marks
of them per label, marked as out of scope; what is like them is told apart from the rest. `questions` fits a bundle as
`kdsl fit` does and predicts the test, once per file of training; several files end in means and standard deviations.
`photos` reads folders of one subfolder of pictures per label, and fits on the first 2, 4, 8, ... photos of each label;
with --leave-out on all of them.
Labels have no descriptions besides their names. `pip install 'kdsl[bench]'` brings the peers of `benchmarks/peers.py`.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from peers import PEERS
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.data.sample import Sample, Turn
from kdsl.encoders.pictures import Look
from kdsl.encoders.registry import picture_encoder
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import MissingDependency
from kdsl.evaluation.metrics import calibration_error, reliability
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.experts.linear import FLOOR
from kdsl.models.roles import Models
from kdsl.scores import log_softmax
from kdsl.tasks import Label, Task

OUT_OF_SCOPE = "(no label fits)"
DRAWS = 200
"""Of predictions that are right as often as they say, to tell what calibration error chance shows."""

Rows = list[tuple[str, str]]
"""Texts with their labels."""


def read(file: Path) -> Rows:
    """The rows of a CSV file with a header."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [(row["text"], row["label"]) for row in csv.DictReader(lines)]


def drawn(rows: Rows, n: int, seed: int) -> list[str]:
    """`n` of the labels, drawn by the seed."""
    return [str(label) for label in np.random.default_rng(seed).permutation(labels_of(rows))[:n]]


def without(rows: Rows, gone: Collection[str]) -> Rows:
    """The rows without those of some labels."""
    return [row for row in rows if row[1] not in gone]


def only(rows: Rows, kept: Collection[str]) -> Rows:
    """The rows of some labels."""
    return [row for row in rows if row[1] in kept]


def first_of_each(rows: Rows, most: int | None) -> Rows:
    """The first `most` rows of each label, or all of them."""
    return [row for label in labels_of(rows) for row in only(rows, [label])[:most]]


def labels_of(rows: Rows) -> list[str]:
    """The labels that occur, sorted."""
    return sorted({label for _, label in rows})


def task_of(labels: Sequence[str]) -> Task:
    """A task of these labels, described by their names."""
    made = tuple(Label(name=name, zh=name.replace("_", " "), en=name.replace("_", " ")) for name in labels)
    return Task(
        name="own", input="dialogue", prompt="What does the customer want?", labels=made, out_of_scope=OUT_OF_SCOPE
    )


def evidence_of(rows: Rows, task: Task, other: str | None = None) -> list[Evidence]:
    """Each row as a dialogue of one turn; `other` stands for labels that the task lacks."""
    return [
        Evidence(
            Sample(
                f"{i}{other or ''}", task.name, (), (Turn("user", text, text),), label if label in task.names else other
            ).marked(task),
            (),
        )
        for i, (text, label) in enumerate(rows)
    ]


class Table:
    """Lines of figures by the name of what was measured; printed as they come, and as means at the end.

    Args:
        rows: the test.
        bare: labels that had no sample; accuracy on them is told beside the accuracy on all.
        marked: labels whose samples training had as out of scope; they are told apart beside all that is.
    """

    def __init__(self, task: Task, rows: Rows, bare: Collection[str] = (), marked: Collection[str] = ()) -> None:
        self.task = task
        self.gold = np.array([label if label in task.names else OUT_OF_SCOPE for _, label in rows])
        self.bare = bare
        self.like_marked = np.array([label in marked for _, label in rows])
        self.lines: dict[str, list[dict[str, float]]] = {}

    def add(self, name: str, log_p: np.ndarray, note: str = "", scope: np.ndarray | None = None) -> None:
        """Print one line of figures.

        Args:
            log_p: scores [n, m] of the rows.
            scope: probability [n] that a label fits, out of scope below one half; by default the probability of the
                best label tells, and there is no threshold but the best one, found on the test itself.
        """
        found, sure = np.array(self.task.names)[log_p.argmax(1)], np.exp(log_p.max(1))
        inside, right = self.gold != OUT_OF_SCOPE, found == self.gold
        line = {"accuracy": right[inside].mean()}
        if self.bare:
            line["without samples"] = right[np.isin(self.gold, list(self.bare))].mean()
        line["calibration error"] = calibration_error(reliability(sure[inside], right[inside]))
        if not inside.all():
            told = sure if scope is None else scope
            line["AUROC"] = float(roc_auc_score(inside, told))
            if self.like_marked.any():
                told = np.asarray(told)
                line["like marked ones"] = float(roc_auc_score(*(a[inside | self.like_marked] for a in (inside, told))))
                line["unlike them"] = float(roc_auc_score(*(a[~self.like_marked] for a in (inside, told))))
            if scope is not None:
                line["MCC at its own threshold"] = _mcc(self.gold, found, scope, 0.5)
            line["MCC at the best one"] = max(_mcc(self.gold, found, told, limit) for limit in np.unique(told))
        self.lines.setdefault(name, []).append(line)
        mean, most = by_chance(sure[inside])
        chance = f"calibration error by chance {mean:.3f}, {most:.3f} at most in 19 of 20"
        print(f"{name:24s} {_listed(line)}  {chance}  {note}", flush=True)

    def close(self) -> None:
        """Print mean and standard deviation of what was measured more than once."""
        for name, lines in self.lines.items():
            if len(lines) > 1:
                spread = {key: np.array([line[key] for line in lines]) for key in lines[0]}
                figures = "  ".join(f"{key} {v.mean():.4f} ± {v.std(ddof=1):.4f}" for key, v in spread.items())
                print(f"{name:24s} {figures}  ({len(lines)} runs)", flush=True)


def _listed(line: Mapping[str, float]) -> str:
    return "  ".join(f"{key} {value:.4f}" for key, value in line.items())


def by_chance(sure: np.ndarray) -> tuple[float, float]:
    """Calibration error of predictions that are right with exactly these probabilities [n]: mean, 95th percentile."""
    rng = np.random.default_rng(0)
    drawn = [calibration_error(reliability(sure, rng.random(len(sure)) < sure)) for _ in range(DRAWS)]
    return float(np.mean(drawn)), float(np.quantile(drawn, 0.95))


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


def questions(
    trainings: Sequence[Rows],
    test: Rows,
    peers: Sequence[str],
    bare: int,
    gone: Sequence[str],
    marked: int,
    marks: int | None,
    config: Config,
) -> None:
    """The peers and kdsl on questions, for each training.

    Args:
        bare: labels without a sample.
        gone: labels that training shall not know.
        marked: of these, how many leave their samples there, marked as out of scope; the peers do not use them.
        marks: samples that each of these leaves at most.
    """
    known = [without(rows, gone) for rows in trainings]
    task = task_of(labels_of(known[0]))
    empty = drawn(known[0], bare, config.seed)
    table = Table(task, test, empty, gone[:marked])
    for rows, whole_file in zip((without(rows, empty) for rows in known), trainings, strict=True):
        for name in peers:
            peer(name, rows, test, table)
        told = evidence_of(first_of_each(only(whole_file, gone[:marked]), marks), task, OUT_OF_SCOPE)
        whole([*evidence_of(rows, task), *told], evidence_of(test, task), table, config)
    table.close()


def peer(name: str, train: Rows, test: Rows, table: Table) -> None:
    """A peer on questions, if it is installed."""
    started = time.perf_counter()
    labels = labels_of(train)
    asked = [text for text, _ in test]
    try:
        found = PEERS[name]([text for text, _ in train], [labels.index(label) for _, label in train], asked)
    except MissingDependency as error:
        print(f"{name:24s} left out: {error}")
        return
    log_p = np.full((len(asked), len(table.task.labels)), FLOOR)
    log_p[:, [table.task.index(label) for label in labels]] = found
    table.add(name, log_p, f"{time.perf_counter() - started:.1f} s")


def whole(train: Sequence[Evidence], test: Sequence[Evidence], table: Table, config: Config) -> None:
    """Fit a bundle and predict the test; each expert alone, too."""
    task = table.task
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        models = Models(config)
        bundle = fit_bundle(train, [task], config, Path(folder) / "bundle", models)
        fitted = time.perf_counter() - started
        predictor = Predictor(bundle, models)
        for name, scores in predictor.tasks[task.name].first_scores(test).items():
            if not np.isnan(scores).all():  # an expert that was left out
                table.add(f"  {name}", log_softmax(np.nan_to_num(scores, nan=0.0)))
        started = time.perf_counter()
        found = [predictor.predict([evidence])[0] for evidence in test]
        each = (time.perf_counter() - started) / len(found)
        log_p = np.log([[max(one.distribution[name], 1e-9) for name in task.names] for one in found])
        weights = {name: vote.weight for name, vote in found[0].trace.experts.items()}
        note = f"fit {fitted:.1f} s, {1000 * each:.1f} ms per sample, {found[0].spend.calls} calls, {weights}"
        scope = [one.in_scope if one.in_scope is not None else one.probability for one in found]
        table.add("kdsl", log_p, note, np.array(scope))
        predictor.close()


def photos(train: Path, test: Path, leave_out: int, marked: int, marks: int | None, config: Config) -> None:
    """The encoder with logistic regression, and kdsl, on ever more photos of each label.

    Args:
        leave_out: labels that training shall not know; then all photos of the others are fitted on.
        marked, marks: as `questions` takes them.
    """
    (task,) = tasks_for([train], load_tasks(config))
    labelled, asked = (load_evidence([folder], folder, [task], config.evidence) for folder in (train, test))
    rows = [(evidence.sample.id, evidence.sample.label or "") for evidence in asked]
    by_label = {name: [e for e in labelled if e.sample.label == name] for name in task.names}
    gone = drawn(rows, leave_out, config.seed)
    kept = tuple(label for label in task.labels if label.name not in gone)
    task = task.model_copy(update={"labels": kept, "out_of_scope": OUT_OF_SCOPE})
    told = [
        replace(e, sample=replace(e.sample, label=OUT_OF_SCOPE).marked(task))
        for name in gone[:marked]
        for e in by_label[name][:marks]
    ]
    most = max(len(by_label[name]) for name in task.names)
    for n in [*(n for n in (2, 4, 8, 16, 32, 64) if n < most and not gone), most]:
        shown = [evidence for name in task.names for evidence in by_label[name][:n]]
        print(f"{n} photos per label")
        table = Table(task, rows, marked=gone[:marked])
        encoder_peer(shown, asked, table, config)
        whole([*shown, *told], asked, table, config)


def encoder_peer(train: Sequence[Evidence], test: Sequence[Evidence], table: Table, config: Config) -> None:
    """The vectors of whole pictures, and logistic regression."""
    encoder = picture_encoder(config.encoders.picture or "")
    seen, asked = (encoder.encode([Look(e.pictures[0]) for e in part]) for part in (train, test))
    model = LogisticRegression(C=30, max_iter=3000).fit(seen, [table.task.index(e.sample.label or "") for e in train])
    table.add("encoder + LR", model.predict_log_proba(asked))


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=("questions", "photos"))
    parser.add_argument("--train", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--published", type=Path, help="a table of published figures, by system and threshold")
    parser.add_argument("--leave-out", type=int, default=0, metavar="N", help="labels that training shall not know")
    parser.add_argument("--marked", type=int, default=0, metavar="N", help="of these, whose samples are out of scope")
    parser.add_argument("--marks", type=int, metavar="N", help="samples that each of these leaves; by default all")
    parser.add_argument("--without-samples", type=int, default=0, metavar="N", help="labels that shall have no sample")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--config", default="configs/nano.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    given = parser.parse_args()
    config = load_config(given.config, given.overrides)
    if given.train is None:
        parser.error(f"{given.table} need --train")
    elif given.table == "photos":
        photos(given.train[0], given.test, given.leave_out, given.marked, given.marks, config)
    else:
        if given.published:
            published(given.published)
        trainings = [read(file) for file in given.train]
        gone = drawn(trainings[0], given.leave_out, config.seed)
        test = read(given.test)
        questions(trainings, test, given.peers, given.without_samples, gone, given.marked, given.marks, config)


if __name__ == "__main__":
    main()
