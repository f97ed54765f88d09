"""Honest out-of-fold predictions of the whole system: for each fold, all is fitted without it.

Adapters, rules, index over labelled samples, fusion, router and thresholds see the training part alone;
what fusion is fitted on comes from inner folds of that part.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kdsl.config import Config
from kdsl.ensemble.batch import append, predict_rows, read_done
from kdsl.ensemble.experts import Models
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
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
    folds' bundles lie in `<output>.work` until their predictions are written.

    Args:
        folds: sample id -> fold; every sample needs one.
        only: predict these folds alone (several machines can share the work; join their outputs).

    Raises:
        InputError: `only` names a fold that there is not.
    """
    known = sorted(set(folds.values()))
    if strange := sorted(set(only) - set(known)):
        raise InputError(f"there is no fold {strange[0]}; folds are {', '.join(map(str, known))}.")
    models = Models.load(config)
    work = output.with_name(output.name + ".work")
    for fold in [fold for fold in known if not only or fold in only]:
        done = read_done(output)
        test = [e for e in evidences if folds[e.sample.id] == fold and e.sample.id not in done]
        if not test:
            continue
        train = [e for e in evidences if folds[e.sample.id] != fold]
        say(f"fold {fold}: fit on {len(train)}, predict {len(test)}")
        bundle = fit_bundle(train, tasks, config, work / f"fold-{fold}", models, say)
        predictor = Predictor(bundle, models)
        for row in predict_rows(predictor, test):
            append(output, row | {"fold": fold})
        predictor.close()
        shutil.rmtree(bundle.folder)
    if work.is_dir():
        shutil.rmtree(work)
