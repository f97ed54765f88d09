"""`NanoManifest`: how the shipped weights were trained, how long it took, and a hash of every file."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table

from kdsl.errors import BundleError, MissingDependency
from kdsl.files import changed_files, file_hashes, write_json
from kdsl.runs import read_manifest as read_checked

FILE = "manifest.json"
SCHEMA = 1

SIZE_LIMIT = 30_000_000
"""Maximum total size of the files in the weights' folder, in bytes."""


class NanoManifest(BaseModel):
    """The record that `kdsl nano pretrain` writes next to the weights, after all other files."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str
    """The command that reproduces these weights."""
    seed: int
    steps: int
    """Optimizer steps."""
    minutes: float
    """Wall-clock time of drawing the synthetic data and of training, on `threads` threads."""
    threads: int
    parameters: int
    vocabulary: int
    world: dict[str, int]
    """Number of synthetic samples of each kind."""
    held_out: dict[str, float]
    """Accuracy on held-out synthetic samples."""
    versions: dict[str, str]
    """Versions of packages, by name."""
    files: dict[str, str]
    """SHA-256 of each other file of the folder."""


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a weights' folder except the manifest."""
    return file_hashes(folder, leave_out=[folder / FILE])


def write_manifest(folder: Path, manifest: NanoManifest) -> None:
    """Write the manifest atomically, so that a folder that has one is complete."""
    write_json(folder / FILE, {"schema": SCHEMA, **manifest.model_dump()})


def read_manifest(folder: Path) -> NanoManifest:
    """The manifest of a weights' folder, checked against the files that it lists.

    Raises:
        MissingDependency: there is none, it cannot be read, or a file differs from its hash.
    """
    advice = "Reinstall kdsl, or train with `kdsl nano pretrain`."
    try:
        found = read_checked(folder / FILE, SCHEMA, NanoManifest.model_fields, "kdsl-nano", advice)
        manifest = NanoManifest.model_validate(found)
    except BundleError as error:
        raise MissingDependency(str(error)) from error
    except ValidationError as error:
        raise MissingDependency(f"{folder / FILE} is not a manifest of kdsl-nano: {error}") from error
    if wrong := changed_files(folder, manifest.files):
        raise MissingDependency(
            f"{folder}: {', '.join(wrong)} is missing or is not the file that {FILE} describes. {advice}"
        )
    return manifest


def describe(folder: Path) -> Table:
    """A weights' folder as a rich table: architecture, size, training and accuracy.

    Raises:
        MissingDependency: the folder is incomplete or changed (see `read_manifest`).
    """
    manifest = read_manifest(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    text, vision = config["text_config"], config["vision_config"]
    size = sum(file.stat().st_size for file in folder.iterdir())
    table = Table(title=f"kdsl-nano ({config['architectures'][0]})", show_header=False)
    rows = {
        "folder": f"{folder} ({size / 1e6:.1f} MB, weights in {config['dtype']})",
        "parameters": f"{manifest.parameters:,}",
        "language model": f"{text['num_hidden_layers']} layers, {text['hidden_size']} wide, "
        f"{text['num_attention_heads']} heads ({text['num_key_value_heads']} of keys)",
        "vision": f"{vision['depth']} layers, {vision['embed_dim']} wide, patches of {vision['patch_size']}",
        "vocabulary": f"{manifest.vocabulary:,} tokens",
        "trained": f"{manifest.steps:,} steps in {manifest.minutes:.0f} minutes on {manifest.threads} thread(s), "
        f"seed {manifest.seed}",
        "world": ", ".join(f"{count:,} {kind}" for kind, count in manifest.world.items()),
        "held-out accuracy": ", ".join(f"{task} {value:.3f}" for task, value in manifest.held_out.items()),
        "versions": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        "made by": manifest.command,
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
