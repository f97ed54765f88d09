"""Ablations: a grid of variants, seeds and folds; finished cells are kept, and a killed run resumes.

OUTPUT/<variant>/settings.json          the settings of the variant's cells, which a resumed run must share
OUTPUT/<variant>/seed-<s>/fold-<k>.*    a cell (`kdsl.evaluation.ablation.cell`)
OUTPUT/results.md, .csv, .png           (`kdsl.evaluation.ablation.tables`)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kdsl.config import UNLEARNED, Config
from kdsl.config_file import find_config, load_config, load_tasks
from kdsl.data.own_task import tasks_for
from kdsl.data.splits import read_folds
from kdsl.ensemble.fit import written_knowledge
from kdsl.errors import ConfigError, InputError, KdslError, faults_of
from kdsl.evaluation.ablation.cell import Cell, attempt
from kdsl.evaluation.ablation.processes import run_cells
from kdsl.evaluation.ablation.tables import Arm, Plan, write_results
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.models.weights import find_weights, fingerprint_of
from kdsl.runs import claim, digest, listed
from kdsl.tasks import Task
from kdsl.training.memory import check_fit, check_memory
from kdsl.yaml_files import Loader, read_text

log = logging.getLogger(__name__)

SCHEMA = 2
"""Schema number of settings.json."""

Setting = bool | int | float | str | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PseudoLabels(_Part):
    """Labels of samples that are treated as unlabelled."""

    by: str
    """The variant whose adapters predict them; one that has seen no more labels."""
    min_probability: float = Field(ge=0, le=1)
    """Samples that are predicted with less are left out."""


class Variant(_Part):
    """One row of the table: the settings that differ from the base."""

    set: dict[str, Setting] = {}
    """Dotted key of a config, such as `training.epochs`, -> value."""
    fraction: float | None = Field(None, gt=0, le=1)
    """Replaces the ablation's `fraction`."""
    pseudo: PseudoLabels | None = None
    """Also learn from what `fraction` leaves out, without its labels."""
    merge: tuple[str, ...] = Field((), min_length=2)
    """Train nothing, and merge the adapters of these variants (`kdsl adapters merge`)."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Variants whose adapters this one uses."""
        return (*self.merge, *([self.pseudo.by] if self.pseudo else []))


class Ablation(_Part):
    """An ablation file (configs/ablation/*.yaml)."""

    base: str
    """The config of all variants: a path relative to this file, or the name of one that ships with kdsl."""
    seeds: tuple[int, ...] = Field(min_length=1)
    system: Literal["large", "whole"] = "large"
    """`large`: the large model with only its adapters; `whole`: the whole system, as in a cross-validation."""
    fraction: float = Field(1.0, gt=0, le=1)
    """Share of the training samples used, drawn per label and seed; the test fold is always complete."""
    curve: bool = False
    """Also score the test fold at every half epoch (`system: large` only); for analysis, not for model selection."""
    variants: dict[str, Variant] = Field(min_length=1)

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed stands twice")
        return seeds

    @field_validator("variants")
    @classmethod
    def _named(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        bad = [name for name in variants if not name.replace("-", "").replace("_", "").replace(".", "").isalnum()]
        if bad or any(name.startswith(".") for name in variants):
            raise ValueError(f"names become folders: letters, digits, '-', '_' and '.' only (found {bad or '.'})")
        return variants

    @model_validator(mode="after")
    def _curve_of_large(self) -> Ablation:
        if self.curve and self.system != "large":
            raise ValueError("a curve needs system: large")
        return self

    @model_validator(mode="after")
    def _of_earlier_variants(self) -> Ablation:
        names = list(self.variants)
        for i, (name, variant) in enumerate(self.variants.items()):
            if variant.needs and (self.system != "large" or self.curve):
                raise ValueError(f"variant '{name}': pseudo and merge need system: large, and no curve")
            if variant.pseudo and self.fraction_of(name) == 1:
                raise ValueError(f"variant '{name}': pseudo needs a fraction below 1, which leaves samples out")
            if variant.merge and variant.pseudo:
                raise ValueError(f"variant '{name}': merge trains nothing, so that it has no pseudo")
            for other in variant.needs:
                if other not in names[:i]:
                    raise ValueError(f"variant '{name}' needs '{other}', which is not a variant above it")
                if self.fraction_of(other) != self.fraction_of(name):
                    raise ValueError(f"variants '{name}' and '{other}' must have the same fraction, to know the same")
        return self

    def fraction_of(self, variant: str) -> float:
        """Share of the training samples that a variant uses."""
        own = self.variants[variant].fraction
        return self.fraction if own is None else own


@dataclass(frozen=True)
class Grid:
    """An ablation with the resolved settings of its variants, in the order of the file."""

    ablation: Ablation
    configs: Mapping[str, Config]
    tasks: Sequence[Task]
    """What the settings name; labels of one's own make their own task (`kdsl.data.own_task`)."""


def load_grid(path: str | Path, overrides: Sequence[str] = ()) -> Grid:
    """Read an ablation file and the settings of all its variants.

    Args:
        overrides: `key.path=value` for every variant; a variant's own settings take precedence.

    Raises:
        ConfigError: one line per fault in the file and in each variant's settings.
    """
    file = find_config(path)
    try:
        raw = yaml.load(read_text(file, "an ablation"), Loader)  # a safe loader
        ablation = Ablation.model_validate(raw)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        faults = list(dict.fromkeys(faults_of(error)))
        raise ConfigError(f"{file}: not an ablation:\n{listed(faults, most=len(faults))}") from error
    beside = file.parent / ablation.base
    base = beside if beside.is_file() else find_config(ablation.base)
    configs, bad = {}, []
    for name, variant in ablation.variants.items():
        own = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in variant.set.items()]
        try:
            configs[name] = load_config(base, [*overrides, *own])
        except ConfigError as error:
            bad.append(f"variant '{name}': {error}")
    if bad:
        raise ConfigError(f"{file}:\n" + "\n".join(bad))
    first = next(iter(configs.values()))
    if any(config.tasks != first.tasks for config in configs.values()):
        raise ConfigError(f"{file}: variants must have the same tasks; set them in the base.")
    return Grid(ablation, configs, load_tasks(first))


def run_ablation(
    grid: Grid,
    data: Sequence[Path],
    images: Path,
    ocr: Path | None,
    folds: Path,
    out: Path,
    *,
    only: Sequence[int] = (),
    jobs: int = 1,
) -> Path:
    """Run the missing cells and update the tables after each; returns the path of the Markdown table.

    Samples marked as out of scope are left out: the cells compare how labels are told apart.

    Args:
        only: run, and include in the tables, only these folds.
        jobs: number of cells to run in parallel, each in its own process.

    Raises:
        InputError: the samples or folds cannot be used.
        BundleError: `out` has cells of other settings or samples.
        KdslError: at least one cell failed; the others are finished.
    """
    for settings in grid.configs.values():
        if grid.ablation.system == "whole":
            check_fit(settings)
        elif settings.large is not None:
            check_memory(settings)
    every = tasks_for(data, grid.tasks)
    observed = _observe(grid, every, data, images, ocr)
    assigned = read_folds(folds, [evidence.sample.id for evidence in next(iter(observed.values()))])
    observed = {name: [e for e in part if not e.sample.out_of_scope] for name, part in observed.items()}
    samples = [evidence.sample for evidence in next(iter(observed.values()))]
    assigned = {sample.id: assigned[sample.id] for sample in samples}
    if bare := [sample.id for sample in samples if sample.label is None]:
        raise InputError(f"{len(bare)} sample(s) have no label, such as {bare[0]}; an ablation needs them.")
    chosen = sorted(set(assigned.values()) & set(only)) if only else sorted(set(assigned.values()))
    if strange := sorted(set(only) - set(chosen)):
        raise InputError(f"there is no fold {strange[0]}; folds are {', '.join(map(str, set(assigned.values())))}.")
    tasks = [task for task in every if any(sample.task == task.name for sample in samples)]
    for name in grid.configs:
        claim(
            out / name / "settings.json",
            _settings(grid, name, observed[name], assigned, tasks),
            "cells",
            "Name the variant otherwise, choose another `out`, or delete the folder.",
        )

    cells = _cells(grid, chosen, out)
    todo = [cell for cell in cells if not cell.done]
    log.info("%d cells: %d are there, %d to run", len(cells), len(cells) - len(todo), len(todo))
    arms = [
        Arm(name, grid.ablation.fraction_of(name), json.dumps(variant.set, sort_keys=True), out / name)
        for name, variant in grid.ablation.variants.items()
    ]
    names = [task.name for task in tasks]
    plan = Plan(arms, grid.ablation.seeds, chosen, names, samples, grid.ablation.system, grid.ablation.curve)
    failed: list[str] = []
    level = log.getEffectiveLevel()
    waves = [[(cell, (observed[cell.variant], assigned, tasks)) for cell in wave] for wave in _waves(todo)]
    ran = (pair for wave in waves for pair in run_cells(attempt, wave, jobs, level))
    for done, (cell, fault) in enumerate(ran, 1):
        log.info("%d of %d: %s%s", done, len(todo), cell, f": failed: {fault}" if fault else "")
        if fault:
            failed.append(f"{cell}: {fault}")
        write_results(plan, out)
    page = write_results(plan, out)
    if failed:
        raise KdslError(
            f"{len(failed)} of {len(cells)} cells failed (fold-*.error.txt beside them says where); run the same "
            f"command again to try them again:\n{listed(failed, most=len(failed))}"
        )
    return page


def _observe(
    grid: Grid, tasks: Sequence[Task], data: Sequence[Path], images: Path, ocr: Path | None
) -> dict[str, list[Evidence]]:
    """Variant -> evidence; variants with the same evidence settings share it."""
    observed: dict[str, list[Evidence]] = {}
    for name, config in grid.configs.items():
        alike = [other for other in observed if grid.configs[other].evidence == config.evidence]
        observed[name] = observed[alike[0]] if alike else load_evidence(data, images, tasks, config.evidence, ocr)
    return observed


def _cells(grid: Grid, folds: Sequence[int], out: Path) -> list[Cell]:
    """All cells, seed by seed, so that a table of all variants is available early."""
    variants = grid.ablation.variants
    needed = {other for variant in variants.values() for other in variant.needs}
    cells: dict[tuple[int, str, int], Cell] = {}
    for seed, (name, config), fold in product(grid.ablation.seeds, grid.configs.items(), folds):
        pseudo = variants[name].pseudo
        cells[seed, name, fold] = Cell(
            variant=name,
            config=config.model_copy(update={"seed": seed}),
            fold=fold,
            folder=out / name / f"seed-{seed}",
            system=grid.ablation.system,
            fraction=grid.ablation.fraction_of(name),
            curve=grid.ablation.curve,
            keep=name in needed,
            teacher=cells[seed, pseudo.by, fold] if pseudo else None,
            min_probability=pseudo.min_probability if pseudo else 1.0,
            merged=tuple(cells[seed, other, fold] for other in variants[name].merge),
        )
    return list(cells.values())


def _waves(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells in groups, each of which needs no more than the groups before it have made."""
    if not any(cell.needs for cell in cells):
        return [list(cells)]
    waves: dict[tuple[int, int], list[Cell]] = {}  # in the order of the seeds, which the cells come in
    for cell in sorted(cells, key=lambda cell: cell.depth):
        waves.setdefault((cell.config.seed, cell.depth), []).append(cell)
    seeds = list(dict.fromkeys(cell.config.seed for cell in cells))
    return [waves[key] for key in sorted(waves, key=lambda key: (seeds.index(key[0]), key[1]))]


def _settings(
    grid: Grid, name: str, evidences: Sequence[Evidence], folds: Mapping[str, int], tasks: Sequence[Task]
) -> dict[str, Any]:
    """All inputs of a variant's cells, by name; long ones as digests."""
    large = grid.ablation.system == "large"
    config = grid.configs[name]
    used = {"large", "prompt", "training"} if large else set(Config.model_fields) - {"seed", "tasks", "evidence"}
    roles = {"large": config.large}
    if not large:
        roles |= {name: further.model for name, further in config.beside.items()} | {"small": config.small}
    variant = grid.ablation.variants[name]
    needs = {other: digest(_settings(grid, other, evidences, folds, tasks)) for other in variant.needs}
    return {
        "schema": SCHEMA,
        # None, not left out: a key that is not asked for is not compared
        "pseudo": variant.pseudo and variant.pseudo.model_dump(mode="json"),
        "merge": list(variant.merge) or None,
        "needs": needs or None,
        "system": grid.ablation.system,
        "fraction": grid.ablation.fraction_of(name),
        **config.model_dump(mode="json", include=used, exclude={"training": set(UNLEARNED)}),
        "weights": {role: fingerprint_of(find_weights(model)) for role, model in roles.items() if model},
        **({} if large else written_knowledge(config, tasks)),
        "tasks": digest(list(tasks)),
        "data": digest([evidence.digest() for evidence in evidences]),
        "folds": digest(dict(folds)),
    }
