"""`run_demo`: draws synthetic samples, fits a bundle, predicts held-out samples and writes a report.

The metrics of a demo only show that everything works on this machine: the embedded model was pretrained on the same
synthetic world (with other seeds). docs/results.md has the metrics on real data.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from kdsl.config import Config
from kdsl.config_file import load_tasks
from kdsl.data.prediction import Prediction, read_predictions
from kdsl.data.readers import read_samples
from kdsl.data.splits import stratified_folds
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predict_file import predict_file
from kdsl.evaluation.experts_alone import Alone, experts_alone
from kdsl.evaluation.report import evaluate_file, write_evaluation
from kdsl.evidence.observe import load_evidence
from kdsl.files import write_json
from kdsl.world.files import write_world

log = logging.getLogger(__name__)

PER_LABEL = 3
"""Samples drawn per label; a third of them is predicted, the others are used to fit."""
TOLD_RULES = 3
"""The prediction that is explained has about so many rules: enough to see, few enough to read."""
SEED = 2026
"""Not used in nano's pretraining."""


@dataclass(frozen=True)
class Demo:
    """The results of a demo: the report's page, each expert's metrics, and one prediction with its gold label."""

    page: Path
    alone: list[Alone]
    told: Prediction | None
    """None if every sample failed."""
    gold: str


def run_demo(out: Path, config: Config, per_label: int = PER_LABEL) -> Demo:
    """Draw samples, fit a bundle, predict held-out samples and write a report; a stopped demo resumes.

    Args:
        config: the settings and tasks; the synthetic world must have the tasks' labels.
        per_label: samples to draw per label, at least 3.
    """
    tasks = load_tasks(config)
    data, images = out / "data", out / "data" / "images"
    log.info("drawing %d samples of each label into %s", per_label, data)
    write_world(data, per_label, SEED, tasks)
    rows = json.loads((data / "train.json").read_text("utf-8"))
    folds = stratified_folds(read_samples(data / "train.json", tasks), 3, SEED)
    train, test = out / "train.json", out / "test.json"
    for path, held in ((train, False), (test, True)):
        write_json(path, [row for row in rows if (folds[row["id"]] == 0) == held])

    log.info("reading the pictures")
    evidences = load_evidence([train], images, tasks, config.evidence)
    bundle = fit_bundle(evidences, tasks, config, out / "bundle")
    log.info("predicting what was held out")
    output = out / "predictions.jsonl"
    predict_file(bundle, test, images, None, output)
    evaluation = evaluate_file(test, output, tasks)
    page = write_evaluation(evaluation, out / "report", images)

    gold = {row["id"]: row["output"] for row in json.loads(test.read_text("utf-8"))}
    predictions = [line for line in read_predictions(output) if isinstance(line, Prediction)]
    right = [line for line in predictions if line.label == gold[line.id]] or predictions
    told = min(right, key=lambda line: abs(len(line.trace.rules) - TOLD_RULES), default=None)
    return Demo(page, experts_alone(evaluation.judged), told, gold[told.id] if told else "")
