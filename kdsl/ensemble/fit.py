"""`fit_bundle`: fits all parts of a bundle step by step; a fit that was killed resumes at the step it was in.

Fusion must be fitted on scores of samples that the experts have not seen. So the labelled samples are split into a
few inner folds; for each fold, all experts are fitted on the other samples and score the fold. Then they are fitted
once more, on all samples, for the bundle. Tasks without labelled samples join there (`kdsl.ensemble.unlabelled`).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from kdsl.config import UNLEARNED, Config
from kdsl.data.source import DataSource
from kdsl.data.trainable import check_fit
from kdsl.ensemble.budget import Ledger
from kdsl.ensemble.bundle import Bundle, open_bundle, write_bundle_manifest
from kdsl.ensemble.calls import book_first, first_pass, further_pass
from kdsl.ensemble.choose_encoders import choose_encoders
from kdsl.ensemble.first_look import first_look
from kdsl.ensemble.nothing import tells_small_talk
from kdsl.ensemble.parts import WORK, Parts, learned_from_world, load_experts
from kdsl.ensemble.router import Router, fit_router, save_routers
from kdsl.ensemble.scope import ScopeModel, scope_file
from kdsl.ensemble.scope_pictures import PictureScope, picture_scope_file
from kdsl.ensemble.unlabelled import prior_router, report_basis, without_idle_models
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Setup
from kdsl.experts.beside import setup_of
from kdsl.experts.large import LargeExpert
from kdsl.experts.semantic import SemanticExpert
from kdsl.experts.visual import VisualExpert
from kdsl.files import file_hash, write_json, written_whole
from kdsl.knowledge.snippets import load_snippets
from kdsl.models.roles import Models
from kdsl.rules.given import check_books, given_rules
from kdsl.runs import check_inputs, claim, digest, sole_writer
from kdsl.scores import OutOfFold, Scores
from kdsl.tasks import Task
from kdsl.training.inner_folds import inner_folds

log = logging.getLogger(__name__)

BATCH = 16
"""Samples whose prefix caches are in memory at the same time while further calls are scored."""
_ADVICE = "Give another folder, or delete this one to fit again."


def fit_bundle(
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    folder: Path,
    models: Models | None = None,
    adapters: Mapping[str, Path] = MappingProxyType({}),
    folds: Mapping[str, int] = MappingProxyType({}),
    source: DataSource | None = None,
) -> Bundle:
    """Fit a bundle into `folder`, or resume a fit; a finished bundle is opened.

    Args:
        evidences: labelled samples, and those marked as out of scope. A task without labelled ones is predicted from
            what its labels are called and described as, rules, snippets and the synthetic world
            (`kdsl.ensemble.unlabelled`); its samples without a label are not used.
        models: the base models, if they are loaded already.
        adapters: adapter name (a task's, or 'joint') -> the folder of one that was trained or merged elsewhere. It
            replaces the adapter trained on all samples; those that fusion is fitted on are still trained here.
        folds: id -> inner fold, for all labelled samples of some tasks; other tasks' folds are drawn.
        source: the files that the samples were read from; the manifest records them.

    Raises:
        InputError: there are too few labelled samples, an adapter's name is not one of this fit, or another command
            is fitting into `folder`.
        BudgetError: a single call of the large model exceeds the budget per sample.
        BundleError: `folder` has a fit of other data or settings, or an adapter does not fit its base.
        ConfigError: a rule book of `rules.books` cannot be used.
    """
    check_fit([e.sample for e in evidences], tasks, config.ensemble.fewest_folds, config.seed, unlabelled=True)
    groups = {
        task.name: [e for e in evidences if e.sample.task == task.name and e.sample.label is not None] for task in tasks
    }
    labelled = [task for task in tasks if groups[task.name]]
    check_books(config.rules.books, tasks)
    setup = Setup(tuple(tasks), config, models or Models(config))
    setup = without_idle_models(setup, [task.name for task in labelled], adapters)
    fold = inner_folds(groups, labelled, setup.config, folds)  # refuses too few samples before anything is written
    _check_budget(setup)
    _check_adapters(adapters, setup)
    # None, not left out: a key that is not asked for is not compared
    inputs = fit_inputs(evidences, setup, adapters) | {"folds": digest(dict(folds)) if folds else None}
    with sole_writer(folder):
        if (folder / "manifest.json").is_file():
            check_inputs(folder, open_bundle(folder).manifest["inputs"], inputs, "a fit", _ADVICE)
            log.info("%s is finished already", folder)
        else:
            claim(folder / WORK / "inputs.json", inputs, "an unfinished fit", _ADVICE)
            fitted = setup if adapters else first_look(setup, groups, folder / WORK / "first-look")
            outside = [e for e in evidences if e.sample.out_of_scope]
            if fitted is not setup:  # without a large model there are more folds
                fold = inner_folds(groups, labelled, fitted.config, folds)
            fitted = choose_encoders(fitted, groups, fold)
            _Fit(groups, fold, folder, fitted, outside).run(inputs, adapters, source)
        shutil.rmtree(folder / WORK, ignore_errors=True)  # once there is a manifest: till then it says whose fit it is
    return open_bundle(folder)


def fit_inputs(
    evidences: Sequence[Evidence], setup: Setup, adapters: Mapping[str, Path] = MappingProxyType({})
) -> dict[str, Any]:
    """Digests of all inputs of a fit, by name; a resumed fit must have the same ones."""
    config, tasks = setup.config, setup.tasks
    unlearned: dict[str, Any] = {"tasks": True, "training": set(UNLEARNED)}
    unlearned["beside"] = {name: {"training": set(UNLEARNED)} for name in config.beside}
    return {
        "samples": digest([evidence.digest() for evidence in evidences]),
        **written_knowledge(config, tasks),
        "tasks": digest(list(tasks)),
        "settings": digest(config.model_dump(mode="json", exclude=unlearned)),
        "models": setup.models.fingerprints,
        "given": {name: _weights_hash(adapters[name]) for name in sorted(adapters)},
    }


def written_knowledge(config: Config, tasks: Sequence[Task]) -> dict[str, str]:
    """Digests of what a fit reads besides samples, from files that its settings name: snippets and rules."""
    return {
        "snippets": digest(load_snippets(Path(config.knowledge.snippets), tasks)),
        "rules": digest([given_rules(task, config.rules.books, mined=True) for task in tasks]),
    }


def scores_file(folder: Path, task: Task) -> Path:
    """The file of a bundle with the out-of-fold scores of its experts (`OutOfFold`)."""
    return folder / "report" / f"{task.name}.npz"


class _Fit:
    """One run of a fit: inner folds, all samples, fusion, scope, manifest."""

    def __init__(
        self,
        groups: Mapping[str, list[Evidence]],
        fold: Mapping[str, np.ndarray],
        folder: Path,
        setup: Setup,
        outside: Sequence[Evidence],
    ) -> None:
        self.groups = groups
        self.fold = fold
        self.folder = folder
        self.setup = setup
        self.outside = outside
        self.config = setup.config
        self.parts = Parts(setup)
        self.given: Mapping[str, Path] = MappingProxyType({})
        """Adapters that the inner folds use, too: those of a server, where nothing is trained."""
        self.labelled = [task for task in setup.tasks if groups[task.name]]
        n_folds = 1 + max((int(folds.max()) for folds in fold.values()), default=-1)
        self.inner = [folder / WORK / f"inner-{k}" for k in range(n_folds)]

    def run(self, inputs: Mapping[str, Any], adapters: Mapping[str, Path], source: DataSource | None) -> None:
        if self.config.large is not None and self.config.large.server is not None and adapters:
            self.given = adapters
            log.warning(
                "the server's adapters are asked about every sample: fusion trusts them too much where they were "
                "trained on some of these"
            )
        if self.config.training.search and self.config.large is not None and self.labelled:
            self._search()
        for k, part in enumerate(self.inner):
            log.info("inner fold %d of %d", k + 1, len(self.inner))
            kept = {
                task.name: [e for e, f in zip(self.groups[task.name], self.fold[task.name], strict=True) if f != k]
                for task in self.labelled
            }
            self.parts.fit(kept, part, self.given, blind=True)
        log.info("all samples")
        self.parts.fit(self.groups, self.folder, adapters)
        routers = {
            task.name: replace(self._router(task), small_talk=tells_small_talk(task, self.groups.get(task.name, ())))
            for task in self.setup.tasks
        }
        save_routers(self.folder / "ensemble.json", routers)
        figures = {task.name: routers[task.name].figures for task in self.labelled}
        write_json(self.folder / "report" / "out_of_fold.json", figures)
        for task in self.labelled:
            self._scope(task)
        report_basis(self.folder / "report" / "without_samples.json", self.parts.basis, routers)
        write_bundle_manifest(self.folder, self.setup, inputs, source)

    def _search(self) -> None:
        """Search for each adapter's recipe; the adapters it trained on the inner folds are reused."""
        from kdsl.training.job import adapter_groups
        from kdsl.training.search import adapt, fold_rounds

        report = {}
        for name, members in adapter_groups(self.labelled, self.config).items():
            rounds = fold_rounds(self.groups, self.fold, members, [part / "trials" / name for part in self.inner])
            table = self.folder / "report" / f"adaptation-{name}.csv"
            found = adapt(self.setup.models.large, name, rounds, members, self.config, table)
            recipe = found.chosen.recipe
            self.parts.adapter_configs[name] = recipe.applied(self.config)
            report[name] = found.to_json()
            for part, made in zip(self.inner, rounds, strict=True):
                made.keep(recipe, part / "adapters" / name)
        write_json(self.folder / "report" / "adaptation.json", report)

    def _router(self, task: Task) -> Router:
        """Fit fusion, routing and the abstention threshold of a task on its out-of-fold scores, if it has any."""
        if task not in self.labelled:
            return prior_router(self.folder, task, self.setup)
        log.info("fusion of %s", task.name)
        group = self.groups[task.name]
        gold = np.array([task.index(e.sample.label or "") for e in group])
        scores, flattered = self._first_scores(task), learned_from_world(task, self.config)
        first = OutOfFold(tuple(e.sample.id for e in group), gold, scores, flattered)
        first.save(scores_file(self.folder, task))
        again = lambda names, fused, rows: self._further_scores(task, names, fused, rows)  # noqa: E731
        return fit_router(first, again, self.config.ensemble, self.config.seed)

    def _scope(self, task: Task) -> None:
        """Fit what tells samples in scope from others, where the task has a semantic or a visual expert."""
        group = self.groups[task.name]
        marked = [e for e in self.outside if e.sample.task == task.name]
        place = scope_file(self.folder, task)
        if not place.exists() and SemanticExpert.serves(task, self.config):
            log.info("scope of %s", task.name)
            semantic = SemanticExpert.load(SemanticExpert.place(self.folder, task, self.config), task, self.setup)
            self._save_scope(ScopeModel.fit(semantic, group, marked), place)
        place = picture_scope_file(self.folder, task)
        if not place.exists() and VisualExpert.serves(task, self.config):
            log.info("scope of %s, by pictures", task.name)
            visual = VisualExpert.load(VisualExpert.place(self.folder, task, self.config), task, self.setup)
            self._save_scope(PictureScope.fit(visual, group, marked), place)

    def _save_scope(self, model: ScopeModel | PictureScope | None, place: Path) -> None:
        if model is not None:
            with written_whole(place) as partial:
                model.save(partial)

    def _first_scores(self, task: Task) -> dict[str, np.ndarray]:
        """Out-of-fold scores [n, m] of every expert after call 1."""
        group = self.groups[task.name]
        scores: dict[str, np.ndarray] = {}
        for k, part in enumerate(self.inner):
            rows = np.flatnonzero(self.fold[task.name] == k)
            if not len(rows):  # another task has more folds
                continue
            file = part / f"{task.name}.first.npz"
            if not file.is_file():
                held = [group[i] for i in rows]
                with _Opened(part, task, self.setup) as experts:
                    _save(file, first_pass(experts, held, self._ledgers(held), keep=False).scores)
            _scatter(scores, file, rows, len(group))
        return scores

    def _further_scores(self, task: Task, names: Sequence[str], fused: np.ndarray, routed: np.ndarray) -> Scores:
        """Out-of-fold scores [r, m] of calls 2 and 3 on the routed samples, within the same budget as in prediction."""
        group = self.groups[task.name]
        scores: dict[str, np.ndarray] = {}
        if LargeExpert.name not in names:
            return scores
        for k, part in enumerate(self.inner):
            rows = [int(i) for i in routed if self.fold[task.name][i] == k]
            file = part / f"{task.name}.further.npz"
            if rows and not file.is_file():
                with _Opened(part, task, self.setup, names) as experts:
                    _save(file, self._call_again(experts, [group[i] for i in rows], fused[rows]))
            if rows:
                _scatter(scores, file, np.array(rows), len(group))
        return {name: matrix[routed] for name, matrix in scores.items()}

    def _call_again(self, experts: Sequence[Expert], held: Sequence[Evidence], fused: np.ndarray) -> Scores:
        found: dict[str, np.ndarray] = {}
        for start in range(0, len(held), BATCH):
            batch = held[start : start + BATCH]
            ledgers = self._ledgers(batch)
            # only the large model's states are needed again; the calls of others are booked as in prediction
            large = [expert for expert in experts if expert.name == LargeExpert.name]
            book_first([expert for expert in experts if expert not in large], batch, ledgers)
            first = first_pass(large, batch, ledgers, keep=True)
            for row, (evidence, ledger) in enumerate(zip(batch, ledgers, strict=True)):
                again = further_pass(experts, evidence, ledger, first, row, fused[start + row])
                for name, scores in again.scores.items():
                    # NaN if the budget did not allow this call
                    found.setdefault(name, np.full((len(held), scores.shape[1]), np.nan))[start + row] = scores[0]
        return found

    def _ledgers(self, evidences: Sequence[Evidence]) -> list[Ledger]:
        return [Ledger(self.config.ensemble.budget) for _ in evidences]


class _Opened:
    """Context manager: the experts fitted in a folder, closed at the end of the block."""

    def __init__(self, part: Path, task: Task, setup: Setup, names: Collection[str] | None = None) -> None:
        self.experts = load_experts(part, task, setup, names)

    def __enter__(self) -> list[Expert]:
        return self.experts

    def __exit__(self, *_: object) -> None:
        for expert in self.experts:
            expert.close()


def _check_budget(setup: Setup) -> None:
    """Check that the budget allows the first calls of all large models together, before anything is fitted."""
    callers = {LargeExpert.name: setup} if setup.config.large is not None else {}
    callers |= {name: setup_of(setup, name) for name in setup.config.beside}
    if not callers:
        return
    from kdsl.models.chat import frame_of
    from kdsl.models.label_tree import LabelTree

    for task in setup.tasks:
        ledger = Ledger(setup.config.ensemble.budget)
        for name, own in callers.items():
            if LargeExpert.serves(task, own.config):
                asked = own.models.asked
                longest = max(LabelTree(frame_of(asked), task.names).n_tokens)
                ledger.book(name, longest, {asked.fingerprint: asked.n_parameters})


def _check_adapters(adapters: Mapping[str, Path], setup: Setup) -> None:
    """Check that every adapter is used by this fit and fits the large model."""
    if not adapters:
        return
    from kdsl.experts.large_served import adapter_behind
    from kdsl.models.adapters import adapter_on
    from kdsl.training.job import adapter_groups

    names = adapter_groups(setup.tasks, setup.config)
    for name, adapter in adapters.items():
        if name not in names:
            raise InputError(f"an adapter is given for '{name}'; this fit has: {', '.join(names)}.")
        if setup.config.large is not None and setup.config.large.server is not None:
            for task in names[name]:
                adapter_behind(setup.models.server, task, adapter)
            continue
        with adapter_on(setup.models.large, adapter):
            pass


def _weights_hash(adapter: Path) -> str:
    from kdsl.models.adapters import weights_file

    return file_hash(weights_file(adapter))


def _save(file: Path, scores: Scores) -> None:
    """Write arrays by name, atomically."""
    with written_whole(file) as partial:
        np.savez(partial, **scores)  # type: ignore[arg-type]


def _scatter(scores: dict[str, np.ndarray], file: Path, rows: np.ndarray, n: int) -> None:
    """Copy a fold's scores into their rows of all samples' scores; experts without scores there abstain."""
    with np.load(file, allow_pickle=False) as found:
        for name in found.files:
            whole = scores.setdefault(name, np.full((n, found[name].shape[1]), np.nan))
            whole[rows] = found[name]
