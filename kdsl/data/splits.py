"""Folds: stratified by label, near-duplicates kept together, written to and read from `folds.json`."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.duplicates import near_duplicates, read_fingerprints
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample
from kdsl.errors import InputError, did_you_mean
from kdsl.files import atomic_write
from kdsl.tasks import Task


def stratified_folds(
    samples: Sequence[Sample], n_folds: int, seed: int, together: Iterable[Sequence[str]] = ()
) -> dict[str, int]:
    """Assign each sample to a fold, task by task, so that every fold has every label in proportion.

    Args:
        samples: labelled or not; those without a label are spread as a class of their own.
        n_folds: at least 2.
        seed: the same seed gives the same folds.
        together: groups of ids that must share a fold (near-duplicates).

    Returns:
        id -> fold, 0 to n_folds - 1, in the order of `samples`.

    Raises:
        InputError: a task has fewer samples (or groups of them) than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    group = {id_: ids[0] for ids in together for id_ in ids}
    fold_of: dict[str, int] = {}
    for task in dict.fromkeys(sample.task for sample in samples):
        part = [sample for sample in samples if sample.task == task]
        groups = [group.get(sample.id, sample.id) for sample in part]
        if n_folds < 2 or len(set(groups)) < n_folds:
            raise InputError(
                f"task '{task}' has {len(set(groups))} distinct sample(s), too few for {n_folds} folds; "
                "folds must be at least 2, and no more than there are samples."
            )
        most = max(Counter(sample.label for sample in part).values())
        # scikit-learn refuses to stratify where no label reaches the number of folds
        kind = StratifiedGroupKFold if most >= n_folds else GroupKFold
        splitter = kind(n_splits=n_folds, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # labels rarer than the number of folds are normal here; `kdsl data check` names them
            warnings.simplefilter("ignore", UserWarning)
            for fold, (_, test) in enumerate(splitter.split(part, [s.label or "" for s in part], groups)):
                fold_of |= {part[i].id: fold for i in test}
    return {sample.id: fold_of[sample.id] for sample in samples}


def write_folds(path: Path, folds: Mapping[str, int]) -> None:
    """Write id -> fold as JSON, one id per line."""
    atomic_write(path, json.dumps(dict(folds), ensure_ascii=False, indent=1) + "\n")


def read_folds(path: Path, ids: Iterable[str]) -> dict[str, int]:
    """Read id -> fold for these ids, in their order.

    Raises:
        InputError: the file is no mapping of ids to numbers from 0, leaves a fold empty, misses ids, or
            holds ids that are not among `ids`.
    """
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON: {error}") from error
    if not isinstance(raw, dict) or not raw:
        raise InputError(f'{path}: expected a mapping of sample id to fold, such as {{"a1": 0, "a2": 1}}.')
    for id_, fold in raw.items():
        if type(fold) is not int or fold < 0:
            raise InputError(f"{path}: sample '{id_}' has fold {fold!r}; expected 0, 1, 2, ...")
    wanted = list(ids)
    missing = [id_ for id_ in wanted if id_ not in raw]
    if missing:
        raise InputError(f"{path}: {_several(missing)} of the data have no fold; make folds with `kdsl data split`.")
    unknown = sorted(raw.keys() - set(wanted))
    if unknown:
        raise InputError(
            f"{path}: {_several(unknown)} are not in the data.{did_you_mean(unknown[0], wanted)} "
            "Is it the folds file of another data file?"
        )
    empty = sorted(set(range(max(raw.values()) + 1)) - set(raw.values()))
    if empty or len(set(raw.values())) < 2:
        raise InputError(
            f"{path}: folds {sorted(set(raw.values()))} are used; expected at least two, from 0 with no gap."
        )
    return {id_: raw[id_] for id_ in wanted}


def _several(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:3])
    return f"{len(ids)} id(s) ({shown}{', ...' if len(ids) > 3 else ''})"


def split_file(
    file: Path,
    out: Path,
    tasks: Sequence[Task],
    n_folds: int,
    seed: int,
    images: Path | None = None,
    columns: Columns = AS_KNOWN,
) -> int:
    """Write the folds of a file's samples to `out`; how many samples there are.

    Args:
        images: the folder that all pictures lie below; near-duplicates then share a fold.
    """
    samples = read_samples(file, tasks, columns)
    images = file if file.is_dir() else images
    together = near_duplicates(samples, read_fingerprints(images, samples) if images else {})
    write_folds(out, stratified_folds(samples, n_folds, seed, together))
    return len(samples)
