"""`Router`: for one task, how scores are fused, which samples get further calls, and which predictions abstain."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.config import EnsembleConfig
from kdsl.ensemble.fusion import Fusion, fit_fusion, stack
from kdsl.ensemble.selection import voting_experts
from kdsl.errors import BundleError
from kdsl.files import write_json
from kdsl.scores import OutOfFold, Scores, likelihood_gain, log_loss, margins, weighted_f1

log = logging.getLogger(__name__)

ENOUGH = 50
"""Samples; fewer cannot tell whether an expert is worth its work."""
GAIN = 2.0
"""Nats of `likelihood_gain` below which scores are no better than chance."""


@dataclass(frozen=True)
class Router:
    """Of one task.

    A sample whose fused margin (best minus second-best probability) after call 1 is below `route_below` gets calls 2
    and 3, and is fused by `further`. `route_below` is 0 if further calls did not help on held-out scores. A prediction
    with a probability below `ask_below` abstains. `figures` are metrics on held-out scores. `prior` is the share of
    each label among the samples, one more counted for each; where it is empty, all are as likely. `small_talk` says
    that greetings and thanks are among what the labels tell apart (`kdsl.ensemble.nothing`).
    """

    first: Fusion
    further: Fusion | None
    route_below: float
    ask_below: float
    figures: dict[str, float] = field(default_factory=dict)
    prior: Sequence[float] = ()
    small_talk: bool = False

    @property
    def names(self) -> set[str]:
        """Whatever has a say, experts and roles of calls."""
        return {*self.first.weights, *(self.further.weights if self.further else ())}


def fit_router(
    first: OutOfFold,
    call_again: Callable[[Sequence[str], np.ndarray, np.ndarray], Scores],
    config: EnsembleConfig,
    seed: int,
) -> Router:
    """Fit fusion, routing and the abstention threshold of a task on out-of-fold scores.

    Args:
        first: the scores of every expert after call 1.
        call_again: (names of experts, fused log-probabilities [n, m], rows [r]) -> scores [r, m] of calls 2 and 3 that
            these experts make on these rows.
    """
    gold = first.gold
    figures = _figures_alone(first)
    scores = {name: first.scores[name] for name in worth_asking(first)}
    flattered = first.flattered_of(scores)
    unlabelled = sorted(set(range(next(iter(scores.values())).shape[1])) - set(gold.tolist()))
    if len(gold) >= ENOUGH:
        voting = voting_experts(scores, gold, seed, unlabelled, flattered)
        for name in scores:
            if name not in voting:
                log.info("%s: held-out samples are told as well without it, so it has no vote", name)
        scores = {name: scores[name] for name in voting}
    fusion, fused = fit_fusion(scores, gold, seed, unlabelled=unlabelled, flattered=flattered)
    if len(gold) >= ENOUGH:
        told = {name: weight for name, weight in fusion.weights.items() if weight > 0}
        fusion = replace(fusion, weights=told or fusion.weights)  # where all mislead, every label is as likely
    scores = {name: scores[name] for name in fusion.weights}
    figures["f1_first"] = weighted_f1(gold, fused.argmax(1))
    route_below = float(np.quantile(margins(fused), config.route_rate))
    routed = np.flatnonzero(margins(fused) < route_below)
    further: Fusion | None = None
    again = call_again(list(scores), fused, routed) if len(routed) >= 2 * config.fewest_folds else {}
    if again:
        more = {name: matrix[routed] for name, matrix in scores.items()} | dict(again)
        of_all: dict[str, Any] = {"prior": fusion.weights, "unlabelled": unlabelled, "flattered": flattered}
        further, revised = fit_fusion(more, gold[routed], seed, **of_all)
        before, after = log_loss(fused[routed], gold[routed]), log_loss(revised, gold[routed])
        figures |= {"log_loss_routed_first": before, "log_loss_routed_further": after}
        if after < before:
            fused = fused.copy()
            fused[routed] = revised
        else:  # by held-out scores, further calls do not help here
            further = None
    accuracy = float((fused.argmax(1) == gold).mean())
    figures |= {"f1_fused": weighted_f1(gold, fused.argmax(1)), "accuracy": accuracy}
    ask_below = ask_threshold(fused, gold, config.target_accuracy)
    counts = np.bincount(gold, minlength=fused.shape[1]) + 1
    prior = tuple((counts / counts.sum()).round(6).tolist())
    return Router(fusion, further, route_below if further else 0.0, ask_below, figures, prior)


def _figures_alone(first: OutOfFold) -> dict[str, float]:
    """F1 of each expert, its abstentions counted as wrong; of those that abstain somewhere also the share of samples
    that they say something about, and how often that is right."""
    figures = {}
    for name, scores in first.scores.items():
        said = ~np.isnan(scores).any(axis=1)
        found = np.where(said, stack(first.scores, [name])[0].argmax(1), -1)
        figures[f"f1_{name}"] = weighted_f1(first.gold, found)
        if not said.all():
            figures[f"coverage_{name}"] = float(said.mean())
        if said.any() and not said.all():
            figures[f"precision_{name}"] = float((found == first.gold)[said].mean())
    return figures


def worth_asking(first: OutOfFold) -> list[str]:
    """The experts that are better than the labels' frequencies; all of them where none is, or samples are few."""
    if len(first.gold) < ENOUGH:
        return list(first.scores)
    gains = {name: likelihood_gain(scores, first.gold) for name, scores in first.scores.items()}
    kept = [name for name, gain in gains.items() if gain >= GAIN] or list(gains)
    for name in gains:
        if name not in kept:
            log.info("%s: no better than chance on these labels, left out", name)
    return kept


def ask_threshold(log_p: np.ndarray, gold: np.ndarray, accuracy: float) -> float:
    """The lowest probability at which the predictions above it, taken together, reach `accuracy`.

    It is read off the coverage-risk curve of held-out predictions; 1.0 if no threshold reaches it. Predictions of the
    same probability count together: none of them can be above the threshold without the others.
    """
    confidence = np.exp(log_p.max(axis=1))
    order = np.argsort(-confidence)
    confidence, right = confidence[order], (log_p.argmax(axis=1) == gold)[order]
    last = np.append(confidence[:-1] > confidence[1:], True)  # of each probability
    reached = np.flatnonzero(last & (np.cumsum(right) / np.arange(1, len(right) + 1) >= accuracy))
    return float(confidence[reached[-1]]) if len(reached) else 1.0


def save_routers(path: Path, routers: Mapping[str, Router]) -> None:
    """Write ensemble.json, which maps a task's name to its router."""
    write_json(path, {name: asdict(router) for name, router in routers.items()})


def load_routers(path: Path) -> dict[str, Router]:
    """Read ensemble.json: task name -> router.

    Raises:
        BundleError: it cannot be read.
    """
    try:
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {
            name: Router(
                **one
                | {"first": Fusion(**one["first"]), "further": Fusion(**one["further"]) if one["further"] else None}
            )
            for name, one in raw.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path} cannot be read ({error!r}); fit the bundle again.") from error


def figures_table(routers: Mapping[str, Router]) -> Any:
    """The held-out metrics of every task as a rich table."""
    from rich.table import Table

    table = Table("out of fold", *routers, box=None)
    for name in dict.fromkeys(name for router in routers.values() for name in router.figures):
        cells = (f"{router.figures[name]:.3f}" if name in router.figures else "-" for router in routers.values())
        table.add_row(name, *cells)
    return table
