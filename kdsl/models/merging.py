"""Merges several LoRA adapters of one base into one with peft's `add_weighted_adapter`.

Merging adapters of different folds, seeds or views of the data approximates their ensemble with a single call.
Methods: linear and svd (Huang et al., LoraHub, arXiv 2307.13269), ties (Yadav et al., arXiv 2306.01708), dare
(Yu et al., arXiv 2311.03099), cat (the exact weighted sum, as a LoRA of the summed rank).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from kdsl.errors import BundleError, ConfigError
from kdsl.files import file_hash, write_json, written_whole
from kdsl.models.adapters import (
    SHIFT,
    WEIGHTS,
    load_adapter,
    read_adapter,
    read_shifts,
    read_stamp,
    remove_adapter,
    stamp_adapter,
)
from kdsl.models.base import LoadedModel
from kdsl.runs import write_manifest

METHODS = (
    "cat",
    "linear",
    "svd",
    "ties",
    "ties_svd",
    "dare_linear",
    "dare_linear_svd",
    "dare_ties",
    "dare_ties_svd",
    "magnitude_prune",
    "magnitude_prune_svd",
)
DENSITY = 0.5
"""Default share of the weights that pruning methods keep."""

SCHEMA = 2
_MERGED = "default"
"""PEFT's name of the adapter that is saved directly in a folder."""
_PLAIN = {"use_dora": False, "use_rslora": False, "bias": "none", "modules_to_save": None, "rank_pattern": {}}
"""Settings that peft's merging does not carry over to the merged adapter."""


@dataclass(frozen=True)
class Merge:
    """How adapters are merged.

    `weights` None gives all sources the same weight: 1/n for methods that sum (so that the merged adapter has about the
    strength of one), 1 for ties, which averages. `density` is for methods that prune; `seed` for dare, which prunes at
    random.
    """

    method: str = "cat"
    weights: tuple[float, ...] | None = None
    density: float | None = None
    seed: int = 17

    @property
    def prunes(self) -> bool:
        """Whether the method drops weights before it merges."""
        return self.method.startswith(("ties", "dare", "magnitude"))

    def resolved(self, n: int) -> Merge:
        """This merge for n sources, with its defaults filled in.

        Raises:
            ConfigError: method, weights or density are invalid.
        """
        faults = []
        if self.method not in METHODS:
            faults.append(f"method '{self.method}' is unknown; there are: {', '.join(METHODS)}")
        if n < 2:
            faults.append(f"{n} adapter was given; merging needs two at least")
        if self.weights is not None and len(self.weights) != n:
            faults.append(f"{len(self.weights)} weights were given for {n} adapters")
        if self.density is not None and not self.prunes:
            faults.append(f"density is for ties, dare and magnitude_prune; {self.method} keeps every weight")
        if self.density is not None and not 0 < self.density <= 1:
            faults.append(f"density {self.density} is not in (0, 1]")
        if faults:
            raise ConfigError(f"adapters cannot be merged so: {'; '.join(faults)}.")
        each = 1.0 if "ties" in self.method else 1 / n
        density = (DENSITY if self.density is None else self.density) if self.prunes else None
        return Merge(self.method, self.weights or (each,) * n, density, self.seed)


def check_mergeable(sources: Sequence[Path], method: str) -> None:
    """Check that adapters can be merged, without loading a model.

    Raises:
        BundleError: they are of different bases, adapt different modules, have ranks that the method cannot merge, or
            were not all trained with logit adjustment.
    """
    first = sources[0]
    read = [read_adapter(folder) for folder in sources]
    stamps = [read_stamp(folder) for folder in sources]
    for folder, (config, shapes), stamp in zip(sources, read, stamps, strict=True):
        for key, plain in _PLAIN.items():
            if getattr(config, key) not in (plain, None):
                raise BundleError(
                    f"the adapter in {folder} has {key}={getattr(config, key)}; peft merges plain LoRA alone."
                )
        if stamp and stamps[0] and stamp.fingerprint != stamps[0].fingerprint:
            raise BundleError(
                f"adapters of different bases cannot be merged: {first} is of {stamps[0]}, {folder} of {stamp}."
            )
        if differ := sorted(shapes.keys() ^ read[0][1].keys()):
            raise BundleError(
                f"{first} and {folder} adapt different modules ({len(differ)} tensors are in one alone, such as "
                f"{differ[0]}). Train both with the same target modules."
            )
    shifted = [folder for folder in sources if (folder / SHIFT).is_file()]
    if shifted and len(shifted) < len(sources):
        bare = next(folder for folder in sources if folder not in shifted)
        raise BundleError(
            f"{shifted[0]} has a {SHIFT} (training.logit_adjustment), and {bare} has none: their scores do not mean "
            "the same. Merge adapters of one kind."
        )
    ranks = [config.r for config, _ in read]
    if len(set(ranks)) > 1 and method != "cat" and not method.endswith("svd"):
        listed = ", ".join(f"{folder} has {rank}" for folder, rank in zip(sources, ranks, strict=True))
        raise BundleError(f"method '{method}' needs adapters of one rank: {listed}. Use cat or a method with svd.")


def merge_adapters(loaded: LoadedModel, sources: Sequence[Path], merge: Merge, out: Path) -> Path:
    """Merge the adapters in `sources` and write the result to `out` as an adapter folder.

    The base is not changed. The manifest in `out` lists the sources and the hashes of their weights.

    Raises:
        ConfigError: the settings of the merge are invalid.
        BundleError: adapters do not fit the base or each other, or `out` exists.
    """
    merge = merge.resolved(len(sources))
    if out.exists():
        raise BundleError(f"{out} exists already. Give another folder, or delete this one.")
    check_mergeable(sources, merge.method)
    with written_whole(out) as partial:
        _save_merged(loaded, sources, merge, partial)
        (partial / "README.md").unlink(missing_ok=True)  # peft's empty template of a card
        stamp_adapter(partial, loaded)
        if shifts := _mean_shifts(sources):
            write_json(partial / SHIFT, shifts)
        write_manifest(partial / "manifest.json", SCHEMA, _manifest(loaded, sources, merge))
    return out


def _save_merged(loaded: LoadedModel, sources: Sequence[Path], merge: Merge, out: Path) -> None:
    """Merge and save with peft, and restore the base."""
    from transformers import set_seed

    names = [f"source-{i}" for i in range(len(sources))]
    try:
        for name, folder in zip(names, sources, strict=True):
            load_adapter(loaded, folder, name)
        set_seed(merge.seed)
        loaded.peft.base_model.add_weighted_adapter(
            names,
            list(merge.weights or ()),
            _MERGED,
            combination_type=merge.method,
            density=merge.density,
            svd_full_matrices=False,  # only the first columns are needed
        )
        loaded.peft.save_pretrained(str(out), selected_adapters=[_MERGED], save_embedding_layers=False)
    finally:
        if loaded.peft is not None and _MERGED in loaded.peft.peft_config:
            loaded.peft.set_adapter(names[-1], inference_mode=True)  # peft warns if the active adapter is deleted
            loaded.peft.delete_adapter(_MERGED)
        for name in [name for name in names if name in loaded.adapters]:
            remove_adapter(loaded, name)
        loaded.model.eval().requires_grad_(False)


def training_manifest(folder: Path) -> dict[str, Any]:
    """An adapter's manifest with its tasks, data and seed; empty if it has none.

    Raises:
        BundleError: it cannot be read.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise BundleError(f"{file} cannot be read ({error}).") from error


def _mean_shifts(sources: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Task -> label -> mean of the label shifts (log-priors of training labels) over the sources with the task."""
    shifts = [read_shifts(folder) for folder in sources]
    merged: dict[str, dict[str, float]] = {}
    for task in dict.fromkeys(name for own in shifts for name in own):
        known = [own[task] for own in shifts if task in own]
        labels = dict.fromkeys(label for own in known for label in own)
        merged[task] = {label: fmean(own.get(label, 0.0) for own in known) for label in labels}
    return merged


def _manifest(loaded: LoadedModel, sources: Sequence[Path], merge: Merge) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    for folder, weight in zip(sources, merge.weights or (), strict=True):
        trained = training_manifest(folder)
        tasks |= trained.get("tasks", {})
        known: dict[str, Any] = {key: trained[key] for key in ("seed", "data", "samples") if key in trained}
        rows.append({"folder": str(folder), "weight": weight, "sha256": file_hash(folder / WEIGHTS), **known})
    return {
        "base": loaded.name,
        "base_fingerprint": loaded.fingerprint,
        "tasks": tasks,
        "method": merge.method,
        "density": merge.density,
        "seed": merge.seed,
        "sources": rows,
    }
