"""`WithBook`: what a bundle predicts for labelled samples if another rule book takes the place of its own.

Rules are a vote among others, so what an edit changes shows in the fused labels. The other experts' scores are read
once, and only the rules vote anew for each book. Calls 2 and 3 are not made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdsl.ensemble.budget import Ledger
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.calls import first_pass, with_abstentions
from kdsl.ensemble.fit import scores_file
from kdsl.ensemble.parts import load_experts
from kdsl.ensemble.router import load_routers
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.experts.rules import RulesExpert
from kdsl.models.roles import Models
from kdsl.rules.book import RuleBook
from kdsl.scores import OutOfFold, Scores
from kdsl.tasks import Task, task_by_name


class WithBook:
    """The fused labels of samples of one task, for any rule book.

    Samples of the fit have the fit's own out-of-fold scores; others are scored by the bundle's experts.
    """

    def __init__(self, bundle: Bundle, task: str, labelled: Sequence[Evidence]) -> None:
        self._task = task_by_name(bundle.tasks, task)
        self._fusion = load_routers(bundle.folder / "ensemble.json")[task].first
        self._labelled = labelled
        rows = np.full(len(labelled), -1)
        file = scores_file(bundle.folder, self._task)
        kept = OutOfFold.load(file) if file.is_file() else None  # a task may be fitted without labelled samples
        if kept is not None:
            rows = _rows(kept, self._task, labelled)
        names = [name for name in self._fusion.weights if name != RulesExpert.name]
        others = {name: np.full((len(labelled), len(self._task.names)), np.nan) for name in names}
        known = np.flatnonzero(rows >= 0)
        new = np.flatnonzero(rows < 0)
        if kept is not None:
            for name in names:
                others[name][known] = kept.scores[name][rows[known]]
        if len(new):
            for name, matrix in scored(bundle, self._task, names, [labelled[int(i)] for i in new]).items():
                others[name][new] = matrix
        self._others = others
        self.note = _note(len(known), len(new), RulesExpert.name in self._fusion.weights)

    def labels(self, book: RuleBook | None) -> np.ndarray:
        """The fused labels [n] with this book; None for one that always abstains."""
        shape = (len(self._labelled), len(self._task.names))
        rules = np.full(shape, np.nan) if book is None else book.scores(self._labelled)
        scores = with_abstentions({**self._others, RulesExpert.name: rules}, list(self._fusion.weights))
        return np.array(self._task.names, dtype=object)[self._fusion.log_probabilities(scores).argmax(axis=1)]


def _rows(kept: OutOfFold, task: Task, labelled: Sequence[Evidence]) -> np.ndarray:
    """The row of each sample in the fit's scores; -1 for one that the fit did not have under this id and label."""
    known = {id: (row, int(gold)) for row, (id, gold) in enumerate(zip(kept.ids, kept.gold, strict=True))}
    rows = []
    for evidence in labelled:
        row, gold = known.get(evidence.sample.id, (-1, -1))
        rows.append(row if gold == task.index(evidence.sample.label or "") else -1)
    return np.array(rows, dtype=int)


def scored(bundle: Bundle, task: Task, names: Sequence[str], evidences: Sequence[Evidence]) -> Scores:
    """Scores after call 1 of the bundle's experts."""
    models = Models(bundle.config)
    bundle.check_models(models.fingerprints)
    experts = load_experts(bundle.folder, task, Setup(tuple(bundle.tasks), bundle.config, models), names)
    try:
        ledgers = [Ledger(bundle.config.ensemble.budget) for _ in evidences]
        found = first_pass(experts, evidences, ledgers, keep=False).scores
    finally:
        for expert in experts:
            expert.close()
    return {name: found[name] for name in names if name in found}


def _note(known: int, new: int, votes: bool) -> str:
    parts = []
    if known:
        parts.append(
            f"{known} of the samples are those of the fit: the other experts' scores are out of fold, but mined rules "
            "were chosen on these samples and look better on them than they are"
        )
    if new:
        parts.append(f"{new} samples are not of the fit: all experts are asked")
    if not votes:
        parts.append("the rules have no vote in this bundle (their weight is 0), so that no change of the book counts")
    return "; ".join(parts)
