"""`Comparison`: a bundle and a candidate for its place on the same labelled samples, none of which either had learned.

Of a sample that the bundle was fitted on, both say what they said of it out of fold. A sample that the bundle did not
have is predicted by it, and by the candidate out of fold. Calls 2 and 3 are not made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import scores_file
from kdsl.ensemble.router import load_routers
from kdsl.ensemble.with_book import scored
from kdsl.errors import BundleError
from kdsl.evidence.types import Evidence
from kdsl.files import write_json
from kdsl.rules.effect import Effect, effect
from kdsl.scores import OutOfFold
from kdsl.tasks import Task

Verdict = Literal["better", "no different", "worse"]
COMPARISON = "refit/comparison.json"
"""Where a candidate keeps how it compares to the bundle that it was made from."""
LEVEL = 0.05
"""Of the tests that a label has lost, over all labels together (Bonferroni)."""
ALL, OTHERS, CORRECTED = "all samples", "samples that nobody corrected", "corrected samples"


@dataclass(frozen=True)
class LabelChange:
    """One label before and after, over all samples; `mended` and `broken` count samples that have it.

    `lost` says that more of its samples were broken than chance explains: an exact sign test (McNemar) of the samples
    that nobody corrected, at 5% over all labels of the task together.
    """

    label: str
    support: int
    precision_before: float
    precision_after: float
    recall_before: float
    recall_after: float
    f1_before: float
    f1_after: float
    mended: int
    broken: int
    lost: bool


@dataclass(frozen=True)
class TaskComparison:
    """One task. `groups` are all samples, those that nobody corrected, and the corrected ones; empty ones are left out.

    Corrected samples are often those on which the bundle was wrong, so that the bundle looks worse on them than it is;
    the verdict 'worse' is drawn from the others, too.
    """

    task: str
    verdict: Verdict
    reasons: tuple[str, ...]
    groups: tuple[Effect, ...]
    labels: tuple[LabelChange, ...]


@dataclass(frozen=True)
class Comparison:
    """All tasks: worse where one is, better where one is and none is worse."""

    before: str
    """The id of the bundle."""
    after: str
    """The id of the candidate."""
    corrections: int
    relabelled: int
    added: int
    unjudged: int
    """Samples that no label fits: they teach what is out of scope, and no label is judged on them."""
    verdict: Verdict
    tasks: tuple[TaskComparison, ...]
    rules: str
    """Digest of the bundle's rule books, of which the candidate has what people did to them."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are the names of the fields."""
        return asdict(self)

    def save(self, candidate: Path) -> None:
        """Write it into the candidate's folder."""
        write_json(candidate / COMPARISON, self.to_json())

    @classmethod
    def of_candidate(cls, candidate: Path) -> Self | None:
        """What `save` wrote; None where the folder is no candidate.

        Raises:
            BundleError: it cannot be read.
        """
        file = candidate / COMPARISON
        try:
            found: Self = TypeAdapter(cls).validate_python(json.loads(file.read_text("utf-8")))
            return found
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ValidationError) as error:
            raise BundleError(
                f"{file} cannot be read ({type(error).__name__}); delete it, and make the candidate again."
            ) from error


def compare_task(
    task: Task, labelled: Sequence[Evidence], corrected: Collection[str], before: Bundle, after: Bundle
) -> TaskComparison:
    """Compare a bundle and a candidate on the samples that the candidate was fitted on.

    Args:
        labelled: all of the candidate's samples of the task that have a label; one at least.
        corrected: ids of those whose label a person gave.
    """
    gold = np.array([str(e.sample.label) for e in labelled], dtype=object)
    was, now = _said(before, task, labelled), _said(after, task, labelled)
    own = np.array([e.sample.id in corrected for e in labelled])
    groups = {ALL: np.ones(len(gold), dtype=bool)}
    if own.any() and not own.all():
        groups |= {OTHERS: ~own, CORRECTED: own}
    effects = {
        name: effect(name, [e for e, chosen in zip(labelled, rows, strict=True) if chosen], was[rows], now[rows])
        for name, rows in groups.items()
    }
    labels = _labels(task, gold, was, now, own)
    verdict, reasons = _verdict(effects, labels)
    return TaskComparison(task.name, verdict, reasons, tuple(effects.values()), labels)


def overall(tasks: Sequence[TaskComparison]) -> Verdict:
    """The verdict over several tasks."""
    found = {one.verdict for one in tasks}
    return "worse" if "worse" in found else "better" if "better" in found else "no different"


def _verdict(effects: dict[str, Effect], labels: Sequence[LabelChange]) -> tuple[Verdict, tuple[str, ...]]:
    reasons = [f"F1 on {name} fell" for name in (ALL, OTHERS) if name in effects and effects[name].interval95[1] < 0]
    reasons += [f"label '{label.label}' lost more samples than chance explains" for label in labels if label.lost]
    if reasons:
        return "worse", tuple(reasons)
    if effects[ALL].interval95[0] > 0:
        return "better", (f"F1 on {ALL} rose",)
    return "no different", ("the interval of the difference includes 0",)


def _labels(task: Task, gold: np.ndarray, was: np.ndarray, now: np.ndarray, own: np.ndarray) -> tuple[LabelChange, ...]:
    names = [name for name in task.names if (gold == name).any()]
    measures = [precision_recall_fscore_support(gold, said, labels=names, zero_division=0) for said in (was, now)]
    mended, broken = (now == gold) & (was != gold), (was == gold) & (now != gold)
    found = []
    for column, name in enumerate(names):
        (p_was, r_was, f_was), (p_now, r_now, f_now) = ([float(m[column]) for m in of[:3]] for of in measures)
        has = gold == name
        lost, won = int((broken & has & ~own).sum()), int((mended & has & ~own).sum())
        chance = binomtest(lost, lost + won, alternative="greater").pvalue if lost > won else 1.0
        found.append(
            LabelChange(
                label=name, support=int(has.sum()), precision_before=p_was, precision_after=p_now, recall_before=r_was,
                recall_after=r_now, f1_before=f_was, f1_after=f_now, mended=int((mended & has).sum()),
                broken=int((broken & has).sum()), lost=bool(chance * len(names) < LEVEL),
            )
        )  # fmt: skip
    return tuple(found)


def _said(bundle: Bundle, task: Task, labelled: Sequence[Evidence]) -> np.ndarray:
    """The fused labels [n] of samples: out of fold where the bundle was fitted on them, else its prediction."""
    fusion = load_routers(bundle.folder / "ensemble.json")[task.name].first
    scores = {name: np.full((len(labelled), len(task.names)), np.nan) for name in fusion.weights}
    new = np.ones(len(labelled), dtype=bool)
    file = scores_file(bundle.folder, task)
    if file.is_file():  # a task may be fitted without labelled samples
        kept = OutOfFold.load(file)
        row_of = {id: row for row, id in enumerate(kept.ids)}
        rows = np.array([row_of.get(e.sample.id, -1) for e in labelled])
        new = rows < 0
        for name, matrix in scores.items():
            matrix[~new] = kept.scores[name][rows[~new]]
    if new.any():
        chosen = [e for e, is_new in zip(labelled, new, strict=True) if is_new]
        for name, found in scored(bundle, task, list(scores), chosen).items():
            scores[name][new] = found
    fused = fusion.log_probabilities(scores)
    return np.array(task.names, dtype=object)[fused.argmax(axis=1)]
