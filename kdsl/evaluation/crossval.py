"""Cross-validation of the whole system: each fold is predicted by a bundle fitted on the other folds.

Adapters, rules, index, fusion, router and thresholds use only the training folds; the scores that fusion is fitted on
come from inner folds of these.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.data.splits import read_folds
from kdsl.ensemble.blocks import predict_rows
from kdsl.ensemble.fit import fit_bundle, fit_inputs, scores_file
from kdsl.ensemble.predictions import append, read_done
from kdsl.ensemble.predictor import Predictor, TaskPredictor
from kdsl.errors import InputError
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.models.roles import Models
from kdsl.runs import claim, digest, sole_writer
from kdsl.scores import OutOfFold
from kdsl.tasks import Task

log = logging.getLogger(__name__)


def cross_validate(
    evidences: Sequence[Evidence],
    folds: Mapping[str, int],
    tasks: Sequence[Task],
    config: Config,
    out: Path,
    only: Sequence[int] = (),
) -> None:
    """Append one prediction line per sample to `out`, each made by a bundle fitted without its fold.

    A run that was killed resumes: finished lines are kept, and the current fold resumes at its last step. The bundles
    of the folds are in `<out>.work` until their predictions are written. The scores of each expert are written to
    `<out>.scores`, for `kdsl.evaluation.ablation.leave_out`.

    Args:
        folds: sample id -> fold; every sample needs one.
        only: predict only these folds (so that several machines can share the work; concatenate their outputs).

    Raises:
        InputError: `only` has a fold that does not exist, a sample has no label, or another command is writing `out`.
        BundleError: `out` was started with other inputs.
    """
    known = sorted(set(folds.values()))
    if strange := sorted(set(only) - set(known)):
        raise InputError(f"there is no fold {strange[0]}; folds are {', '.join(map(str, known))}.")
    if bare := [e.sample.id for e in evidences if e.sample.label is None and not e.sample.out_of_scope]:
        raise InputError(f"{len(bare)} sample(s) have no label, such as {bare[0]}; a cross-validation needs them.")
    present = {evidence.sample.task for evidence in evidences}
    tasks = [task for task in tasks if task.name in present]
    models = Models(config)
    scores, work = (out.with_name(out.name + suffix) for suffix in (".scores", ".work"))
    with sole_writer(out):
        claim(
            scores / "inputs.json",
            fit_inputs(evidences, Setup(tuple(tasks), config, models)) | {"folds": digest(dict(folds))},
            "a cross-validation",
            f"Choose another `out`, or delete {out.name} and {scores.name}.",
        )
        for fold in [fold for fold in known if not only or fold in only]:
            done = read_done(out)
            test = [e for e in evidences if folds[e.sample.id] == fold and e.sample.id not in done]
            if not test:
                continue
            train = [e for e in evidences if folds[e.sample.id] != fold]
            log.info("fold %d: fit on %d, predict %d", fold, len(train), len(test))
            bundle = fit_bundle(train, tasks, config, work / f"fold-{fold}", models)
            predictor = Predictor(bundle, models)
            # before the lines: a fold with all its lines counts as finished
            for name, part in predictor.tasks.items():
                group = [e for e in evidences if folds[e.sample.id] == fold and e.sample.task == name]
                group = [e for e in group if not e.sample.out_of_scope]
                _keep_scores(part, group, bundle.folder, scores / f"fold-{fold}")
            for row in predict_rows(predictor, test):
                append(out, row | {"fold": fold})
            predictor.close()
            shutil.rmtree(bundle.folder)
        if work.is_dir():
            shutil.rmtree(work)


def cross_validate_files(
    data: Sequence[Path],
    folds: Path,
    out: Path,
    *,
    images: Path = Path(),
    ocr: Path | None = None,
    config: str | Path = "configs/nano.yaml",
    overrides: Sequence[str] = (),
    only: Sequence[int] = (),
) -> None:
    """`cross_validate` with files of labelled samples and a file of folds.

    Args:
        folds: a JSON file, sample id -> fold.
        images: the root folder of the pictures.
        ocr: a file of existing OCR results.
        overrides: `key.path=value`.
    """
    settings = load_config(config, overrides)
    tasks = tasks_for(data, load_tasks(settings))
    if settings.of_each_large:
        from kdsl.training.memory import check_fit

        for name, memory in check_fit(settings).items():
            log.info("memory of %s by estimate: %s", name, memory)
    evidences = load_evidence(data, images, tasks, settings.evidence, ocr)
    assigned = read_folds(folds, [evidence.sample.id for evidence in evidences])
    cross_validate(evidences, assigned, tasks, settings, out, only)


def _keep_scores(predictor: TaskPredictor, test: Sequence[Evidence], bundle: Path, out: Path) -> None:
    """Write the scores that fusion was fitted on (`fitted`) and those of the fold's samples (`held_out`)."""
    task = predictor.task
    OutOfFold.load(scores_file(bundle, task)).save(out / f"{task.name}.fitted.npz")
    if test:
        gold = np.array([task.index(e.sample.label or "") for e in test])
        held_out = OutOfFold(tuple(e.sample.id for e in test), gold, predictor.first_scores(test))
        held_out.save(out / f"{task.name}.held_out.npz")
