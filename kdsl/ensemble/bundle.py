"""`Bundle`: the folder that a fit makes and that prediction, evaluation, rules and export read.

    manifest.json          schema, tasks and labels, base models, seeds, versions, hash of every file
    config.json            the settings it was fitted with
    tasks/<task>.yaml      the tasks, as they were
    adapters/<name>/       LoRA adapters in PEFT's format, one per task (or one for all)
    beside/<model>/adapters/<name>/ those of a further large model
    small/adapters/<task>/ the small model's adapters, where `student.train` asks for them
    rules/<task>.yaml      rule books
    index/<task>/          documents that retrieval searches, as a knowledge base
    lexical/<task>/        the lexical expert
    semantic/<task>/       the semantic expert
    layout/<task>/         the layout expert, for tasks whose input is a picture
    visual/<task>/         the visual expert, for such tasks
    scope/                 per task, what tells samples that a label fits from others, by text and by pictures
    ensemble.json          fusion, router and thresholds of every task
    report/                out-of-fold figures of the fit; what tasks without labelled samples rest on

The manifest is written last and atomically, so a folder without one is an unfinished bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kdsl import __version__
from kdsl.config import Config, ModelServer
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.rows import usual_columns
from kdsl.data.source import DataSource
from kdsl.ensemble.parts import WORK
from kdsl.errors import BundleError
from kdsl.experts.base import Setup
from kdsl.experts.large import LargeExpert, has_adapter
from kdsl.files import atomic_write, file_fault, file_hash, file_hashes
from kdsl.models.roles import SERVED
from kdsl.runs import digest, read_manifest, write_manifest
from kdsl.tasks import Task, load_task

SCHEMA = 5
_PARTS = ("id", "inputs", "tasks", "base", "adapters", "files")
_COPY = "Copy the bundle again or fit it again."
_ADVICE = "Fit the bundle again: a fit that was stopped continues where it was."


class Bundle:
    """Paths and manifest of one bundle folder; each part is read by the package that wrote it."""

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
        """Rule books that were edited after the fit."""

    @property
    def version(self) -> str:
        """Changes with the bundle and with every change of its rules."""
        id = str(self.manifest["id"])
        edits = [(self.folder / name).read_bytes() for name in self.edited]
        return f"{id}-{digest(edits)[:8]}" if edits else id

    @property
    def versions(self) -> dict[str, str]:
        """The versions that each prediction records."""
        base = {"base": self.manifest["base"]["large"]} if "large" in self.manifest["base"] else {}
        names = {"bundle": self.manifest["id"], "kdsl": __version__} | base
        return names | ({"edited": ",".join(self.edited)} if self.edited else {})

    @property
    def columns(self) -> Columns:
        """The columns by which the fit read its files."""
        return self.manifest.get("data", {}).get("columns", {})

    def columns_for(self, files: Sequence[Path], given: Columns = AS_KNOWN) -> Columns:
        """The columns by which files are read: those given, and else those of the fit, as far as the files have them.

        Raises:
            InputError: a file as a whole cannot be read.
        """
        return usual_columns(files, given, self.columns)

    @property
    def given_adapters(self) -> dict[str, Path]:
        """Name -> folder of each adapter that the fit was given and did not train."""
        return {name: self.folder / "adapters" / name for name in self.manifest["inputs"].get("given", {})}

    def behind(self, server: ModelServer) -> Bundle:
        """The bundle with its large model asked behind a server, which holds the bundle's base and adapters.

        Raises:
            BundleError: it has no large model.
        """
        large = self.config.large
        if large is None:
            raise BundleError(f"{self.folder} was fitted without a large model, so none can be asked behind a server.")
        config = self.config.model_copy(update={"large": large.model_copy(update={"server": server})})
        return Bundle(self.folder, self.manifest, config, self.tasks, self.edited)

    def adapter(self, task: Task) -> Path:
        """The folder of a task's adapter.

        Raises:
            BundleError: the bundle was fitted without a large model.
        """
        if task.name not in self.manifest["adapters"]:
            raise BundleError(f"{self.folder} has no adapter for task '{task.name}': it was fitted without one.")
        return self.folder / self.manifest["adapters"][task.name]

    def check_models(self, fingerprints: Mapping[str, str]) -> None:
        """Check that the base models are those that the bundle was fitted on, as far as their weights are here.

        Args:
            fingerprints: role, or name of a further large model -> fingerprint.

        Raises:
            BundleError: a model differs; the message says which.
        """
        for role, expected in self.manifest["base"].items():
            found = fingerprints.get(role)
            if found is not None and found.startswith(SERVED) and not expected.startswith(SERVED):
                continue  # fitted in a process of its own, asked behind a server, whose weights are not seen
            if found != expected:
                models = {"small": self.config.small}
                models |= {name: own.large for name, own in self.config.of_each_large.items()}
                source = getattr(models.get(role), "source", None)
                raise BundleError(
                    f"{self.folder}: fitted with a {role} model of fingerprint {expected}, but '{source}' now has "
                    f"{found}. Adapters do not fit another base: load the model the bundle was made with, or fit again."
                )


def write_bundle_manifest(
    folder: Path, setup: Setup, inputs: Mapping[str, Any], source: DataSource | None = None
) -> None:
    """Hash every file of a finished bundle and write its manifest atomically, as the last file.

    Args:
        inputs: the digests of what it was fitted on, from `kdsl.ensemble.fit.fit_inputs`.
        source: the files that its samples were read from, if they were.
    """
    config = setup.config
    for task in setup.tasks:
        text = yaml.safe_dump(task.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
        atomic_write(folder / "tasks" / f"{task.name}.yaml", text)
    atomic_write(folder / "config.json", config.model_dump_json(indent=1))
    hashes = file_hashes(folder, leave_out=(folder / "manifest.json", folder / WORK))
    served = [task for task in setup.tasks if LargeExpert.serves(task, config)]
    placed = [(task, LargeExpert.place(Path(), task, config)) for task in served]
    body = {
        "id": digest(hashes),
        "seed": config.seed,
        "inputs": inputs,
        "tasks": {task.name: list(task.names) for task in setup.tasks},
        "base": setup.models.fingerprints,
        "adapters": {task.name: place.as_posix() for task, place in placed if has_adapter(folder / place)},
        "files": hashes,
    } | ({"data": source.record(folder)} if source else {})
    write_manifest(folder / "manifest.json", SCHEMA, body)


def open_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises:
        BundleError: the folder is not a bundle, or it is unfinished, damaged, of another schema, a file of it cannot be
            read, or its labels differ from those in its manifest.
    """
    _check_folder(folder)
    manifest = read_manifest(folder / "manifest.json", SCHEMA, _PARTS, "a bundle", _ADVICE)
    if wrong := [part for part in ("tasks", "base", "adapters", "files") if not isinstance(manifest[part], dict)]:
        raise BundleError(f"{folder}: manifest.json is damaged: {', '.join(wrong)} should be mappings. {_ADVICE}")
    files, labels = manifest["files"], manifest["tasks"]
    edited: list[str] = []
    for name, expected in files.items():
        if _hash_in(folder, name) != expected:
            if name.startswith("rules/"):  # rule books are there to be edited by people
                edited.append(name)
                continue
            raise BundleError(
                f"{folder}: '{name}' was changed after the fit (its hash differs from manifest.json). "
                f"Only rules/*.yaml may be edited. {_COPY}"
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


def _check_folder(folder: Path) -> None:
    expected = "expected a bundle, the folder that a fit writes"
    try:
        if folder.is_dir():
            return
        fault = "is a file" if folder.exists() else "does not exist"
    except OSError as error:
        fault = f"cannot be looked into ({error.strerror})"
    raise BundleError(f"{folder} {fault}; {expected}.")


def _hash_in(folder: Path, name: str) -> str:
    """The hash of a file of a bundle.

    Raises:
        BundleError: it cannot be read.
    """
    fault = file_fault(folder / name)
    try:
        if not fault:
            return file_hash(folder / name)
    except OSError as error:
        fault = f"cannot be read to its end ({error.strerror})"
    raise BundleError(f"{folder}: '{name}' {fault}; expected the file that the fit wrote. {_COPY}")
