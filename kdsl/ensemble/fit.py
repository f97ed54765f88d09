"""`kdsl fit`: everything a bundle holds, learned step by step; a killed fit continues at the step it was in.

Fusion must be fitted on scores of samples that the experts have not seen. So the labelled samples are cut
into a few inner folds; for each, all experts are fitted on the rest and score the fold. Then they are
fitted once more on everything: those are the ones that ship in the bundle.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from types import MappingProxyType

import numpy as np
from sklearn.metrics import f1_score

from kdsl.config import Config
from kdsl.ensemble.budget import Ledger
from kdsl.ensemble.bundle import WORK, Bundle, open_bundle, write_manifest
from kdsl.ensemble.experts import Experts, Models
from kdsl.ensemble.fusion import Fusion, fit_fusion, stack
from kdsl.ensemble.parts import Learner, Say
from kdsl.ensemble.predictor import book_first, further_calls
from kdsl.ensemble.router import TaskSettings, ask_threshold, save_settings
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import load_snippets
from kdsl.models.adapters import adapter_on, weights_file
from kdsl.models.chat import frame_of
from kdsl.models.label_tree import LabelTree
from kdsl.runs import atomic_write, file_hash, sole_writer
from kdsl.scores import OutOfFold, log_softmax, margins
from kdsl.tasks import Task
from kdsl.training.inner_folds import inner_folds
from kdsl.training.lora import UNLEARNED, adapter_groups
from kdsl.training.search import adapt, fold_rounds

BATCH = 16
"""Samples whose prefix caches are held at once while further calls are scored."""


def fit_bundle(
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    folder: Path,
    models: Models,
    say: Say,
    given: Mapping[str, Path] = MappingProxyType({}),
) -> Bundle:
    """Fit a bundle into `folder`, or continue one; a finished one is opened.

    Args:
        evidences: labelled samples; a task without any is left out of the bundle.
        say: told each step as it begins.
        given: adapter name (a task's, or 'joint') -> the folder of one that was trained or merged elsewhere. It takes
            the place of the adapter trained on all samples; those that fusion is fitted on are still trained here.

    Raises:
        InputError: there are too few labelled samples, an adapter is given for no task, or another command fits into
            `folder` at this moment.
        BudgetError: the large model's call alone passes the budget of a sample.
        BundleError: `folder` holds a fit of other data or settings, or a given adapter does not fit its base.
    """
    groups = {task.name: [e for e in evidences if e.sample.task == task.name] for task in tasks}
    tasks = [task for task in tasks if groups[task.name]]
    _check(groups, tasks)
    fold = inner_folds(groups, tasks, config)
    _check_budget(tasks, config, models)
    _check_given(given, tasks, config, models)
    inputs = fit_fingerprint(evidences, tasks, config, models, given)
    stamp = folder / WORK / "inputs.json"
    with sole_writer(folder):
        finished = (folder / "manifest.json").is_file()
        found = open_bundle(folder).manifest["inputs"] if finished else _read(stamp)
        if found not in (None, inputs):
            raise BundleError(
                f"{folder} holds a fit of other samples, settings or models. Choose another --bundle, or delete it."
            )
        if not finished:
            atomic_write(stamp, json.dumps(inputs))
            _Fit(groups, fold, tasks, config, folder, models, say).run(inputs, given)
        else:
            say(f"{folder} is finished already")
        shutil.rmtree(folder / WORK, ignore_errors=True)  # once there is a manifest: till then it says whose fit it is
    return open_bundle(folder)


class _Fit:
    """One run of a fit: inner folds, all samples, fusion, manifest."""

    def __init__(
        self,
        groups: Mapping[str, list[Evidence]],
        fold: Mapping[str, np.ndarray],
        tasks: Sequence[Task],
        config: Config,
        folder: Path,
        models: Models,
        say: Say,
    ) -> None:
        self.groups = groups
        self.fold = fold
        self.tasks = tasks
        self.config = config
        self.folder = folder
        self.models = models
        self.say = say
        self.learner = Learner(tasks, config, models, say)

    def run(self, inputs: str, given: Mapping[str, Path]) -> None:
        parts = range(self.config.ensemble.inner_folds)
        if self.config.training.search:
            self._adapt([self._part(k) for k in parts])
        for k in parts:
            self.say(f"inner fold {k + 1} of {len(parts)}")
            kept = {
                name: [e for e, f in zip(group, self.fold[name], strict=True) if f != k]
                for name, group in self.groups.items()
                if group
            }
            self.learner.learn(kept, self._part(k))
        self.say("all samples")
        adapters = self.learner.learn(self.groups, self.folder, given)
        settings = {task.name: self._settings(task) for task in self.tasks}
        save_settings(self.folder / "ensemble.json", settings)
        figures = {name: s.figures for name, s in settings.items()}
        atomic_write(self.folder / "report" / "out_of_fold.json", json.dumps(figures, indent=1))
        relative = {name: path.relative_to(self.folder).as_posix() for name, path in adapters.items()}
        write_manifest(self.folder, self.config, self.tasks, self.models.fingerprints, relative, inputs)

    def _adapt(self, parts: Sequence[Path]) -> None:
        """Choose each adapter's recipe; those that it made of the inner folds are the folds' adapters."""
        report = {}
        for name, members in adapter_groups(self.tasks, self.config).items():
            rounds = fold_rounds(self.groups, self.fold, members, [part / "trials" / name for part in parts])
            table = self.folder / "report" / f"adaptation-{name}.csv"
            found = adapt(self.models.large, name, rounds, members, self.config, table, self.say)
            recipe = self.learner.recipes[name] = found.chosen.recipe
            report[name] = found.to_json()
            for part, made in zip(parts, rounds, strict=True):
                made.keep(recipe, part / "adapters" / name)
        atomic_write(self.folder / "report" / "adaptation.json", json.dumps(report, indent=1))

    def _part(self, k: int) -> Path:
        return self.folder / WORK / f"inner-{k}"

    def _experts(self, task: Task, k: int) -> Experts:
        part = self._part(k)
        return Experts(task, self.config, self.models, part, self.learner.adapters(part)[task.name])

    def _settings(self, task: Task) -> TaskSettings:
        """Fit fusion, router and thresholds of a task on its out-of-fold scores."""
        self.say(f"fusion of {task.name}")
        group, ensemble, seed = self.groups[task.name], self.config.ensemble, self.config.seed
        gold = np.array([task.index(e.sample.label or "") for e in group])
        scores = self._first_scores(task)
        OutOfFold(tuple(e.sample.id for e in group), gold, scores).save(scores_file(self.folder, task))
        first, fused = fit_fusion(scores, gold, seed)
        figures = {f"f1_{name}": _f1(gold, stack(scores, [name])[0]) for name in scores}
        figures["f1_first"] = _f1(gold, fused)
        route_below = float(np.quantile(margins(fused), ensemble.route_rate))
        routed = np.flatnonzero(margins(fused) < route_below)
        further: Fusion | None = None
        if len(routed) >= 2 * ensemble.inner_folds:
            more = {n: s[routed] for n, s in scores.items()} | self._further_scores(task, fused, routed)
            further, revised = fit_fusion(more, gold[routed], seed, prior=first.weights)
            rows = np.arange(len(routed))
            figures |= {
                "log_loss_routed_first": float(-fused[routed][rows, gold[routed]].mean()),
                "log_loss_routed_further": float(-revised[rows, gold[routed]].mean()),
            }
            if figures["log_loss_routed_further"] < figures["log_loss_routed_first"]:
                fused = fused.copy()
                fused[routed] = revised
            else:  # measured: further calls cost time and do not help here
                further = None
        figures |= {"f1_fused": _f1(gold, fused), "accuracy": float((fused.argmax(1) == gold).mean())}
        ask_below = ask_threshold(fused, gold, ensemble.target_accuracy)
        return TaskSettings(first, further, route_below if further else 0.0, ask_below, figures)

    def _first_scores(self, task: Task) -> dict[str, np.ndarray]:
        """Out-of-fold scores [n, m] of every expert that speaks after call 1."""
        group = self.groups[task.name]
        scores: dict[str, np.ndarray] = {}
        for k in range(self.config.ensemble.inner_folds):
            rows = np.flatnonzero(self.fold[task.name] == k)
            file = self._part(k) / f"{task.name}.first.npz"
            if not file.is_file():
                held, experts = [group[i] for i in rows], self._experts(task, k)
                _save(file, experts.first_scores(held))
                experts.close()
            _scatter(scores, file, rows, len(group))
        return scores

    def _further_scores(self, task: Task, fused: np.ndarray, routed: np.ndarray) -> dict[str, np.ndarray]:
        """Out-of-fold scores [r, m] of calls 2 and 3 on the routed samples, under a budget as in use."""
        group = self.groups[task.name]
        scores: dict[str, np.ndarray] = {}
        for k in range(self.config.ensemble.inner_folds):
            rows = [int(i) for i in routed if self.fold[task.name][i] == k]
            file = self._part(k) / f"{task.name}.further.npz"
            if rows and not file.is_file():
                experts = self._experts(task, k)
                _save(file, self._score_further(experts, [group[i] for i in rows], fused[rows]))
                experts.close()
            if rows:
                _scatter(scores, file, np.array(rows), len(group))
        return {name: matrix[routed] for name, matrix in scores.items()}

    def _score_further(self, experts: Experts, held: Sequence[Evidence], fused: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for start in range(0, len(held), BATCH):
            batch = held[start : start + BATCH]
            called = experts.first_call(batch, keep=True)
            for i, evidence in enumerate(batch):
                ledger = Ledger(self.config.ensemble.budget)
                book_first(experts, ledger)
                further = further_calls(
                    experts, evidence, ledger, called.log_probs[i], fused[start + i], called.states[i]
                )
                for name, row in further.scores.items():
                    # NaN where the budget left no room for this call
                    found.setdefault(name, np.full((len(held), row.shape[1]), np.nan))[start + i] = row[0]
        return found


def scores_file(folder: Path, task: Task) -> Path:
    """Where a bundle keeps the out-of-fold scores of its experts (`OutOfFold`)."""
    return folder / "report" / f"{task.name}.npz"


def _check(groups: Mapping[str, Sequence[Evidence]], tasks: Sequence[Task]) -> None:
    if not tasks:
        raise InputError("there is no labelled sample; a fit needs some of at least one task.")
    for task in tasks:
        unlabelled = [e.sample.id for e in groups[task.name] if e.sample.label is None]
        if unlabelled:
            raise InputError(
                f"{len(unlabelled)} samples of task '{task.name}' have no label, such as {unlabelled[0]}; "
                "a fit takes labelled samples only."
            )


def _check_budget(tasks: Sequence[Task], config: Config, models: Models) -> None:
    """Refuse now what no sample could be asked later."""
    for task in tasks:
        longest = max(LabelTree(frame_of(models.large), task.names).n_tokens)
        weights = {models.large.fingerprint: models.large.n_parameters}
        Ledger(config.ensemble.budget).book("large", longest, weights)


def _check_given(given: Mapping[str, Path], tasks: Sequence[Task], config: Config, models: Models) -> None:
    """Refuse adapters that nothing would use, or that the large model cannot carry."""
    names = adapter_groups(tasks, config)
    for name, adapter in given.items():
        if name not in names:
            raise InputError(f"an adapter is given for '{name}'; this fit has: {', '.join(names)}.")
        with adapter_on(models.large, adapter):
            pass


def fit_fingerprint(
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    models: Models,
    given: Mapping[str, Path] = MappingProxyType({}),
) -> str:
    """Hash of all that a fit depends on, so that a continued fit cannot mix two."""
    digest = hashlib.sha256()
    for evidence in evidences:
        digest.update(repr(astuple(evidence.sample)).encode())
        digest.update(repr([(picture.lines, picture.facts) for picture in evidence.pictures]).encode())
    for document in load_snippets(Path(config.knowledge.snippets), tasks):
        digest.update(repr(document).encode())
    for task in tasks:
        digest.update(task.model_dump_json().encode())
    digest.update(config.model_dump_json(exclude={"tasks": True, "training": set(UNLEARNED)}).encode())
    digest.update(json.dumps(models.fingerprints, sort_keys=True).encode())
    for name, adapter in sorted(given.items()):
        digest.update(f"{name} {file_hash(weights_file(adapter))}".encode())
    return digest.hexdigest()[:16]


def _read(stamp: Path) -> str | None:
    return json.loads(stamp.read_text("utf-8")) if stamp.is_file() else None


def _save(file: Path, scores: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, whole or not at all."""
    partial = file.with_name(f".{file.name}")
    np.savez(partial, **scores)  # type: ignore[arg-type]
    partial.replace(file)


def _scatter(scores: dict[str, np.ndarray], file: Path, rows: np.ndarray, n: int) -> None:
    """Put a fold's scores into their rows of the whole; experts that gave none there abstain."""
    with np.load(file, allow_pickle=False) as found:
        for name in found.files:
            whole = scores.setdefault(name, np.full((n, found[name].shape[1]), np.nan))
            whole[rows] = found[name]


def _f1(gold: np.ndarray, log_p: np.ndarray) -> float:
    return float(f1_score(gold, log_softmax(log_p).argmax(1), average="weighted", zero_division=0))
