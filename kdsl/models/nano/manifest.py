"""What the shipped weights are: how they were made, what that cost, and a hash of every file beside them."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table

from kdsl.errors import BundleError, MissingDependency
from kdsl.runs import changed_files, file_hashes, write_json
from kdsl.runs import read_manifest as read_checked

FILE = "manifest.json"
SCHEMA = 1

SIZE_LIMIT = 30_000_000
"""Bytes that all files of the weights' folder may take together."""


class NanoManifest(BaseModel):
    """The record that `kdsl nano pretrain` writes beside the weights, last of all files."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str
    """The command that makes these weights again."""
    seed: int
    steps: int
    """Optimizer steps."""
    minutes: float
    """Wall-clock time of training and of making the world, on `threads` threads."""
    threads: int
    parameters: int
    vocabulary: int
    world: dict[str, int]
    """How many samples of each kind the world had."""
    held_out: dict[str, float]
    """Accuracy on world samples that were not trained on."""
    versions: dict[str, str]
    """Packages, by name."""
    files: dict[str, str]
    """SHA-256 of each other file of the folder."""


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a weights' folder but the manifest."""
    return file_hashes(folder, leave_out=[folder / FILE])


def write_manifest(folder: Path, manifest: NanoManifest) -> None:
    """Write the manifest in one step, so that a folder that has one is complete."""
    write_json(folder / FILE, {"schema": SCHEMA, **manifest.model_dump()})


def read_manifest(folder: Path) -> NanoManifest:
    """The manifest of a weights' folder, checked against the files it lists.

    Raises:
        MissingDependency: there is none, it cannot be read, or a file is not the one that was hashed.
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
    """A weights' folder as a table for people: shape, size, how it was made and how well it does.

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
