"""A bundle: the folder that `fit` makes and that `predict`, `evaluate` and `rules` take.

    manifest.json          schema, tasks and labels, base models, seeds, versions, hash of every file
    config.json            the settings it was fitted with
    tasks/<task>.yaml      the tasks, as they were
    adapters/<name>/       LoRA adapters in PEFT's format, one per task (or one for all)
    small/adapters/<task>/ the small model's adapters, where `distil.student` asks for them
    rules/<task>.yaml      rule books
    index/<task>/          FAISS index with its documents
    lexical/<task>/        the lexical expert
    layout/<task>/         the layout expert, for tasks whose input is a picture
    ensemble.json          fusion, router and thresholds of every task
    report/                out-of-fold figures of the fit

The manifest is written last and atomically, so a folder without one is an unfinished bundle.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from kdsl import __version__
from kdsl.config import Config
from kdsl.errors import BundleError
from kdsl.runs import atomic_write, file_hash
from kdsl.tasks import Task, load_task

SCHEMA = 2
WORK = "work"
"""Folder of an unfinished fit; no part of the bundle."""
_PARTS = {"id", "inputs", "tasks", "base", "adapters", "files"}
_PACKAGES = ("torch", "transformers", "peft", "trl", "scikit-learn", "faiss-cpu", "rapidocr", "numpy")


def versions() -> dict[str, str]:
    """Versions of kdsl, Python and the packages a result depends on."""
    found = {"kdsl": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # faiss-gpu in place of faiss-cpu, say
            continue
    return found


class Bundle:
    """Paths and manifest of one bundle folder; its parts are read by the rooms that wrote them."""

    def __init__(
        self,
        folder: Path,
        manifest: dict[str, Any],
        config: Config,
        tasks: list[Task],
        edited: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.config = config
        self.tasks = tasks
        self.edited = edited
        """Rule books that a person changed since the fit."""

    @property
    def versions(self) -> dict[str, str]:
        """What a prediction says it was made with."""
        names = {"bundle": self.manifest["id"], "kdsl": __version__, "base": self.manifest["base"]["large"]}
        return names | ({"edited": ",".join(self.edited)} if self.edited else {})

    def adapter(self, task: Task) -> Path:
        """The adapter folder that a task uses."""
        return self.folder / self.manifest["adapters"][task.name]

    def check_models(self, large: str, small: str) -> None:
        """Refuse base models other than those the bundle was fitted on (by fingerprint).

        Raises:
            BundleError: says which differs.
        """
        for role, fingerprint in (("large", large), ("small", small)):
            expected = self.manifest["base"][role]
            if fingerprint != expected:
                raise BundleError(
                    f"{self.folder}: fitted with a {role} model of fingerprint {expected}, but "
                    f"'{getattr(self.config, role).source}' now has {fingerprint}. Adapters do not fit "
                    "another base: load the model the bundle was made with, or run `kdsl fit` again."
                )


def write_manifest(
    folder: Path,
    config: Config,
    tasks: Iterable[Task],
    base: dict[str, str],
    adapters: dict[str, str],
    inputs: str,
) -> None:
    """Hash every file of a finished bundle and write its manifest, last and atomically.

    Args:
        base: role -> fingerprint of its base model.
        adapters: task name -> its adapter's folder, relative to the bundle.
        inputs: hash of the samples and settings it was fitted on.
    """
    tasks = list(tasks)
    (folder / "tasks").mkdir(exist_ok=True)
    for task in tasks:
        text = yaml.safe_dump(task.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
        atomic_write(folder / "tasks" / f"{task.name}.yaml", text)
    atomic_write(folder / "config.json", config.model_dump_json(indent=1))
    hashes = {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / "manifest.json" and folder / WORK not in path.parents
    }
    digest = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    manifest = {
        "schema": SCHEMA,
        "id": digest[:16],
        "seed": config.seed,
        "inputs": inputs,
        "tasks": {task.name: list(task.names) for task in tasks},
        "base": base,
        "adapters": adapters,
        "versions": versions(),
        "files": hashes,
    }
    atomic_write(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))


def _read_manifest(file: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if manifest["schema"] != SCHEMA:
            raise BundleError(f"{file}: schema {manifest['schema']}, this kdsl reads {SCHEMA}; fit the bundle again.")
        missing = _PARTS - manifest.keys()
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{file} cannot be read ({error!r}); fit the bundle again.") from error
    if missing:
        raise BundleError(f"{file} lacks {', '.join(sorted(missing))}; fit the bundle again.")
    return manifest


def open_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises:
        BundleError: the folder is no bundle, unfinished, of another schema, damaged, or its labels
            differ from its manifest's.
    """
    file = folder / "manifest.json"
    if not folder.is_dir():
        raise BundleError(f"{folder} does not exist; `kdsl fit --bundle {folder}` makes a bundle.")
    if not file.is_file():
        raise BundleError(
            f"{folder} has no manifest.json: it is not a bundle, or its fit did not finish. "
            "Run the same `kdsl fit` again; it continues where it stopped."
        )
    manifest = _read_manifest(file)
    files, labels = manifest["files"], manifest["tasks"]
    edited: list[str] = []
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{folder}: '{name}' is missing; copy the bundle again or fit it again.")
        if file_hash(path) != expected:
            if name.startswith("rules/"):  # rule books are there to be edited by people
                edited.append(name)
                continue
            raise BundleError(
                f"{folder}: '{name}' was changed after the fit (its hash differs from manifest.json). "
                "Only rules/*.yaml may be edited; copy the bundle again or fit it again."
            )
    tasks = [load_task(folder / "tasks" / f"{name}.yaml") for name in labels]
    for task in tasks:
        if list(task.names) != labels[task.name]:
            raise BundleError(f"{folder}: task '{task.name}' has other labels than its manifest says.")
    try:
        config = Config.model_validate_json((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        made_by = manifest.get("versions", {}).get("kdsl", "not known")
        raise BundleError(
            f"{folder}: these settings cannot be read by kdsl {__version__} (the bundle is of kdsl {made_by}): "
            f"{error}\nFit the bundle again, or use the kdsl that it is of."
        ) from error
    return Bundle(folder, manifest, config, tasks, tuple(edited))
