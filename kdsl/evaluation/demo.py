"""`kdsl demo`: the main job once, on a sample of the synthetic world that nano's teacher draws.

The figures of a demo say that everything works here, not how good kdsl is on a shop's data: the embedded
model was pretrained on the same world (other seeds). docs/results.md has the figures on real data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from kdsl.config import load_config, load_tasks
from kdsl.data.readers import read_samples
from kdsl.data.splits import stratified_folds
from kdsl.ensemble.experts import Models
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predict_file import predict_file
from kdsl.evaluation.experts import experts_alone, experts_table
from kdsl.evaluation.explain import explain
from kdsl.evaluation.report import write_report
from kdsl.evidence.load import load_evidence
from kdsl.progress import show
from kdsl.runs import atomic_write
from kdsl.world.files import write_world

PER_LABEL = 6
"""Samples drawn of each of the 46 labels; a third of them is predicted, the rest is learned from."""
TOLD_RULES = 3
"""The prediction that is explained has about so many rules: enough to see, few enough to read."""
SEED = 2026
"""No seed of nano's pretraining."""


def run_demo(out: Path, say: Callable[[str], None]) -> Path:
    """Draw a sample, fit a bundle, predict what was held out, explain one prediction, write a report.

    Resumes where it was stopped. Returns the report's page.
    """
    config = load_config("configs/demo.yaml")
    tasks = load_tasks(config)
    data, images = out / "data", out / "data" / "images"
    say(f"drawing {PER_LABEL} samples of each label into {data}")
    write_world(data, PER_LABEL, SEED, tasks)
    rows = json.loads((data / "train.json").read_text("utf-8"))
    folds = stratified_folds(read_samples(data / "train.json", tasks), 3, SEED)
    train, test = out / "train.json", out / "test.json"
    for path, held in ((train, False), (test, True)):
        kept = [row for row in rows if (folds[row["id"]] == 0) == held]
        atomic_write(path, json.dumps(kept, ensure_ascii=False, indent=1))

    say("reading the pictures")
    evidences = load_evidence([train], images, tasks, config.evidence)
    bundle = fit_bundle(evidences, tasks, config, out / "bundle", Models.load(config), say)
    say("predicting what was held out")
    predictions = out / "predictions.jsonl"
    predict_file(bundle, test, images, None, predictions)
    page = write_report(test, predictions, out / "report", tasks, images)

    lines = [json.loads(line) for line in predictions.read_text("utf-8").splitlines()]
    gold = {row["id"]: row["output"] for row in json.loads(test.read_text("utf-8"))}
    show(experts_table(experts_alone(gold, lines)))
    right = [line for line in lines if line.get("label") == gold[line["id"]]] or lines
    told = min(right, key=lambda line: abs(len(line["trace"]["rules"]) - TOLD_RULES) if "trace" in line else 99)
    show("")
    show(explain(told, gold[told["id"]]))
    return page
