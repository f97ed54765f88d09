"""A first prediction before any label: how a task without labelled samples is predicted, and what that rests on.

Some experts need no sample (`Expert.basis`): the rules that ship with kdsl or that a person adds, what the labels are
called and described as, snippets, and, for labels of the synthetic world, its samples. No out-of-fold scores exist, so
what is otherwise fitted on them is assumed:

- weights: 1 / sqrt(e) for each of the e experts that have something to say. That is halfway between experts that all
  err together, whose mean tells (1 / e), and ones that err independently, whose sum does (1). A rule book without rules
  has the same weight, and counts once rules are added. Retrieval shares out, among the labels that documents are
  about, what the others leave to these;
- temperature: 1, the prior of `scores.fit_temperature`;
- abstention: below a probability of `ensemble.target_accuracy`, as would be right if the probabilities were;
- further calls: none, since nothing shows that they help; models are asked about tasks that they were trained for;
- in scope: not told.

docs/experiments.md, 2026-11-27, has the figures, and why kdsl-nano is not asked.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from kdsl.config import ModelConfig
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.router import Router
from kdsl.experts.base import Setup
from kdsl.experts.registry import experts_for
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.experts.rules import RulesExpert
from kdsl.files import write_json
from kdsl.knowledge.index import KnowledgeIndex
from kdsl.rules.book import RuleBook
from kdsl.tasks import Task

log = logging.getLogger(__name__)


def without_idle_models(setup: Setup, labelled: Collection[str], adapters: Collection[str]) -> Setup:
    """The setup, in which no model is asked about a task that nothing trained it for.

    Args:
        labelled: names of the tasks with labelled samples.
        adapters: names of adapters that are given: a task's, or 'joint'.
    """
    config = setup.config
    changes: dict[str, Any] = {
        "large": config.large and _narrowed("large", config.large, setup, {*labelled, *adapters}),
        "beside": {
            name: further.model_copy(update={"model": model})
            for name, further in config.beside.items()
            if (model := _narrowed(name, further.model, setup, labelled))
        },
    }
    if not labelled:  # the small model guides the search for rules and judges routed samples: there are none
        changes |= {"small": None, "student": config.student.model_copy(update={"train": False})}
    left = config.model_copy(update=changes)
    return setup if left == config else Setup(setup.tasks, left, setup.models.narrowed(left))


def _narrowed(name: str, model: ModelConfig, setup: Setup, trained: Collection[str]) -> ModelConfig | None:
    """The model with the tasks that it is trained for; None where there are none.

    Args:
        trained: names of the tasks that have samples or an adapter; 'joint' stands for all.
    """
    asked = [task.name for task in setup.tasks if model.asked(task)]
    told = [task for task in asked if "joint" in trained or task in trained]
    if told == asked:
        return model
    bare = ", ".join(task for task in asked if task not in told)
    log.info("%s (%s): not asked about %s, for which no sample trains it", name, model.source, bare)
    return model.model_copy(update={"tasks": tuple(told)}) if told else None


def prior_router(folder: Path, task: Task, setup: Setup) -> Router:
    """The router of a task without labelled samples, whose experts were fitted into `folder`."""
    config = setup.config
    fitted = [kind.name for kind in experts_for(task, config) if kind.place(folder, task, config).exists()]
    silent = not RuleBook.load(RulesExpert.place(folder, task, config)).rules
    weights = dict.fromkeys(fitted, max(1, len(fitted) - silent) ** -0.5)
    fusion = Fusion(weights)
    if RetrievalExpert.name in fitted:  # its documents may be about some of the labels alone
        index = KnowledgeIndex.load(RetrievalExpert.place(folder, task, config))
        told = {document.label for document in index.documents}
        unseen = tuple(column for column, name in enumerate(task.names) if name not in told)
        fusion = Fusion(weights, unseen=unseen, ignorant=(RetrievalExpert.name,))
    return Router(fusion, None, route_below=0.0, ask_below=config.ensemble.target_accuracy)


def report_basis(file: Path, basis: Mapping[str, Mapping[str, str]], routers: Mapping[str, Router]) -> None:
    """Say in the log and in `file`, JSON, what predictions of tasks without labelled samples rest on.

    Args:
        basis: task name -> expert -> what it was fitted on (`kdsl.ensemble.parts.Parts.basis`).
        routers: task name -> router.
    """
    found: dict[str, Any] = {}
    for name, experts in basis.items():
        router = routers[name]
        said = "; ".join(f"{expert} ({words})" for expert, words in experts.items())
        log.warning(
            "%s: no labelled sample. Predictions rest on %s. How often they are right is not known: label some "
            "samples and fit again, or measure them with `kdsl evaluate`",
            name,
            said,
        )
        weights = router.first.weights
        found[name] = {
            "labelled": 0,
            "rests_on": {expert: {"weight": weights[expert], "basis": words} for expert, words in experts.items()},
            "temperature": router.first.temperature,
            "ask_below": router.ask_below,
            "f1_fused": None,
            "accuracy": None,
            "in_scope": None,
        }
    if found:
        write_json(file, found)
