"""Verdicts of people: a sample of candidates to be judged by hand, read back, and a critic fitted to it.

The sample is drawn from what the rules let pass, whatever the judge says, for that is what judge and critic must tell
apart. One part of its pairs is never shown to the critic: on these its precision is measured.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.data.files import BadRow
from kdsl.data.notes import Notes
from kdsl.data.rows import file_rows
from kdsl.data.spreadsheets import as_written, inert
from kdsl.encoders.registry import text_encoder
from kdsl.errors import InputError
from kdsl.files import atomic_write, write_json
from kdsl.intentions.critic import fit_critic
from kdsl.intentions.finish import Outcome, finish, outcomes
from kdsl.intentions.folder import MiningFolder
from kdsl.intentions.log import Key
from kdsl.intentions.settings import MiningConfig
from kdsl.runs import digest, listed, sole_writer
from kdsl.scores import wilson_interval

COLUMNS = ("a", "b", "relation", "title_a", "title_b", "intention", "of", "verdict")
"""`verdict` is empty, to be filled in; `of` is a digest of the intention, so that no verdict is taken for another."""
YES = ("yes", "y", "1", "true", "good", "是", "对", "好", "合理")
NO = ("no", "n", "0", "false", "bad", "否", "不", "错", "不合理")
UNSEEN = 0.4
"""Share of the judged pairs that the critic does not see."""


def write_sample(folder: MiningFolder, out: Path, n: int, seed: int) -> int:
    """Write `n` candidates to be judged, drawn at random, as a CSV that spreadsheets open; returns how many there are.

    Raises:
        BundleError: the run was not finished.
        InputError: `out` exists: it may hold verdicts.
    """
    config = config_of(folder)
    if out.exists():
        raise InputError(f"{out} exists, and may hold verdicts; choose another name.")
    passed = [outcome for outcome in outcomes(folder, config.judge) if outcome.candidate.dropped is None]
    drawn = random.Random(seed).sample(passed, min(n, len(passed)))
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, drawn))
    atomic_write(out, "\ufeff" + file.getvalue())  # without a mark, Excel takes Chinese for another encoding
    return len(drawn)


def read_verdicts(path: Path, known: dict[Key, str], notes: Notes) -> dict[Key, bool]:
    """Key of each judged candidate -> whether it was approved; rows without a verdict, or on another text, are noted.

    Args:
        known: key -> digest of the intention, of the candidates that there are.

    Raises:
        InputError: a verdict is none of the words that mean yes or no; all of them are listed.
    """
    found: dict[Key, bool] = {}
    faults = []
    for row in file_rows(path, notes):
        if isinstance(row, BadRow) or not isinstance(row.value, dict):
            notes.add("rows cannot be read", row.where)
            continue
        values = {str(name).strip().lower(): as_written(str(value or "").strip()) for name, value in row.value.items()}
        key: Key = (values.get("a", ""), values.get("b", ""), values.get("relation", ""))
        said = values.get("verdict", "").casefold()
        if not said:
            notes.add("rows without a verdict are left out", row.where)
        elif known.get(key) != values.get("of"):
            notes.add("verdicts on intentions that are no longer there are left out", row.where, "/".join(key))
        elif said not in YES + NO:
            faults.append(f"{row.where}: '{said}' is no verdict; write yes or no, 1 or 0, 是 or 否")
        else:
            found[key] = said in YES
    if faults:
        raise InputError(f"{path}: {len(faults)} fault(s) in verdicts:\n{listed(faults)}")
    return found


def fit_on_verdicts(folder: MiningFolder, files: Sequence[Path], precision: float, seed: int) -> Path:
    """Fit the critic, measure it on unseen verdicts, and filter the run with it; returns the report.

    Raises:
        BundleError: the run was not finished.
        InputError: the verdicts cannot be read or do not do for a critic.
    """
    manifest = folder.check_finished()
    config = MiningConfig.model_validate(manifest["settings"])
    with sole_writer(folder.path):
        judged, gold = judged_candidates(folder, config, files)
        unseen = draw_unseen([outcome.pair.key for outcome in judged], seed)
        encoder = text_encoder(config.judge.encoder)
        seen = np.flatnonzero(~unseen)
        critic = fit_critic(
            [judged[i].judged for i in seen],
            gold[seen].tolist(),
            ["/".join(judged[i].pair.key) for i in seen],
            encoder,
            precision,
        )
        scores = critic.probabilities([outcome.judged for outcome in judged], encoder)
        by_judge = np.array([outcome.dropped not in ("judge", "no verdict") for outcome in judged])
        masks = {
            "rules": np.ones(len(judged), bool),
            "rules and judge": by_judge,
            "rules and critic": scores >= critic.threshold,
            "rules, judge and critic": by_judge & (scores >= critic.threshold),
        }
        critic.save(folder.path)
        report = {
            "seen": len(seen),
            "seen_sound": int(gold[seen].sum()),
            "asked": precision,
            "threshold": critic.threshold,
            "curve": {"precision": critic.curve.precision, "recall": critic.curve.recall, "kept": critic.curve.kept},
            "unseen": {
                "verdicts": int(unseen.sum()),
                "filters": {name: _measured(mask[unseen], gold[unseen]) for name, mask in masks.items()},
            },
        }
        write_json(folder.precision, report)
        return finish(folder, config, manifest["model"])


def config_of(folder: MiningFolder) -> MiningConfig:
    """The settings of a finished run."""
    return MiningConfig.model_validate(folder.check_finished()["settings"])


def judged_candidates(
    folder: MiningFolder, config: MiningConfig, files: Sequence[Path]
) -> tuple[list[Outcome], np.ndarray]:
    """The candidates that have a verdict, and the verdicts [n]."""
    by_key = {outcome.candidate.key: outcome for outcome in outcomes(folder, config.judge)}
    known = {key: _digest(outcome) for key, outcome in by_key.items()}
    verdicts: dict[Key, bool] = {}
    for file in files:
        notes = Notes()
        verdicts |= read_verdicts(file, known, notes)
        notes.log(file)
    return [by_key[key] for key in verdicts], np.array(list(verdicts.values()), bool)


def draw_unseen(pairs: Sequence[Key], seed: int) -> np.ndarray:
    """Which verdicts the critic must not see, bool [n]: those of some pairs, drawn by seed."""
    names = sorted(set(pairs))
    drawn = set(random.Random(seed).sample(names, round(UNSEEN * len(names))))
    return np.array([pair in drawn for pair in pairs], bool)


def _measured(kept: np.ndarray, gold: np.ndarray) -> dict[str, Any]:
    """Precision with its 95% interval, and recall, of a filter [n] against verdicts [n]."""
    count, sound = int(kept.sum()), int((kept & gold).sum())
    low, high = wilson_interval(sound, count) if count else (0.0, 1.0)
    precision = sound / count if count else 0.0
    return {
        "kept": count,
        "sound": sound,
        "precision": round(precision, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "recall": round(sound / max(int(gold.sum()), 1), 4),
    }


def _cells(outcome: Outcome) -> list[str]:
    one, pair = outcome.candidate, outcome.pair
    return [*map(inert, (*one.key, pair.title_a, pair.title_b, one.text)), _digest(outcome), ""]


def _digest(outcome: Outcome) -> str:
    return digest(outcome.candidate.text)
