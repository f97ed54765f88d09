"""Honest out-of-fold predictions of the whole system: for each fold, all is fitted without it.

Adapters, rules, index over labelled samples, fusion, router and thresholds see the training part alone;
what fusion is fitted on comes from inner folds of that part.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import Config
from kdsl.ensemble.experts import Experts, Models
from kdsl.ensemble.fit import fit_bundle, fit_fingerprint, scores_file
from kdsl.ensemble.predict_file import append, predict_rows, read_done
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.runs import atomic_write, sole_writer
from kdsl.scores import OutOfFold
from kdsl.tasks import Task


def cross_validate(
    evidences: Sequence[Evidence],
    folds: Mapping[str, int],
    tasks: Sequence[Task],
    config: Config,
    output: Path,
    say: Callable[[str], None],
    only: Sequence[int] = (),
) -> None:
    """Append one prediction line a sample to `output`, each made by a bundle fitted without its fold.

    A killed run continues: finished lines are kept, and the fold in progress resumes step by step. The
    folds' bundles lie in `<output>.work` until their predictions are written. `<output>.scores` gets what each
    expert said by itself (`kdsl.evaluation.ablation.leave_out` reads it).

    Args:
        folds: sample id -> fold; every sample needs one.
        only: predict these folds alone (several machines can share the work; join their outputs).

    Raises:
        InputError: `only` names a fold that there is not, or `output` was begun with other inputs or is written by
            another command at this moment.
    """
    known = sorted(set(folds.values()))
    if strange := sorted(set(only) - set(known)):
        raise InputError(f"there is no fold {strange[0]}; folds are {', '.join(map(str, known))}.")
    models = Models.load(config)
    scores, work = (output.with_name(output.name + suffix) for suffix in (".scores", ".work"))
    with sole_writer(output):
        _claim(
            output, scores / "inputs.json", [fit_fingerprint(evidences, tasks, config, models), sorted(folds.items())]
        )
        for fold in [fold for fold in known if not only or fold in only]:
            done = read_done(output)
            test = [e for e in evidences if folds[e.sample.id] == fold and e.sample.id not in done]
            if not test:
                continue
            train = [e for e in evidences if folds[e.sample.id] != fold]
            say(f"fold {fold}: fit on {len(train)}, predict {len(test)}")
            bundle = fit_bundle(train, tasks, config, work / f"fold-{fold}", models, say)
            predictor = Predictor(bundle, models)
            # before the lines: a fold whose lines are all there is not looked at again
            for name, part in predictor.tasks.items():
                group = [e for e in evidences if folds[e.sample.id] == fold and e.sample.task == name]
                _keep_scores(part.experts, group, bundle.folder, scores / f"fold-{fold}")
            for row in predict_rows(predictor, test):
                append(output, row | {"fold": fold})
            predictor.close()
            shutil.rmtree(bundle.folder)
        if work.is_dir():
            shutil.rmtree(work)


def _claim(output: Path, stamp: Path, inputs: list[Any]) -> None:
    """Refuse to mix the predictions of two cross-validations in one file."""
    digest = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
    if stamp.is_file() and stamp.read_text("utf-8") != json.dumps(digest):
        raise InputError(
            f"{output} was begun with other samples, folds, settings or models. Choose another --output, or delete "
            f"{output.name} and {stamp.parent.name}."
        )
    atomic_write(stamp, json.dumps(digest))


def _keep_scores(experts: Experts, test: Sequence[Evidence], bundle: Path, out: Path) -> None:
    """Keep what fusion was fitted on (`fitted`) and what the experts say of the fold's samples (`held_out`)."""
    task = experts.task
    OutOfFold.load(scores_file(bundle, task)).save(out / f"{task.name}.fitted.npz")
    if test:
        gold = np.array([task.index(e.sample.label or "") for e in test])
        held_out = OutOfFold(tuple(e.sample.id for e in test), gold, experts.first_scores(test))
        held_out.save(out / f"{task.name}.held_out.npz")
